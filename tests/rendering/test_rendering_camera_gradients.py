"""Derivatives of rays by cameras, against finite differences of float64."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import test_util

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import normalization as normalization_lib

_LENSES = {
  "pinhole": (0.0, 0.0, 0.0, 0.0),
  "fox": (0.0578421, -0.0805099, -0.000980296, 0.00015575),
  "barrel": (-0.28, 0.07, 0.0, 0.0),
  "pincushion": (0.1, 0.05, 0.004, -0.003),
  "fold": (-0.1, 0.0, 0.0, 0.0),
  "rational": (4.1, 1.7, 2e-4, -1e-4, 0.12, 4.4, 2.9, 0.45, 0.0),
  "equidistant": (0.0,) * 8 + (1.0,),
  "fisheye": (-0.0131, 0.0212, -0.0138, 0.0024, 0, 0, 0, 0, 1.0),
}
_SPACES = {
  "ndc": normalization_lib.RaySpace(
    "ndc", 0.0, 1.0, 0.6, 0.4, (-1.0,) * 3, (1.0,) * 3
  ),
  "contracted": normalization_lib.RaySpace(
    "contracted", 0.05, 1e3, 1.0, 1.0, (-1.0,) * 3, (1.0,) * 3
  ),
}
_WEIGHTS = np.random.default_rng(5).normal(size=(6, 3))


def _arguments(terms, dtype):
  pose = np.array([[1, 0, 0, 0.1], [0, 1, 0, 0.2], [0, 0, 1, 0.05]])
  # One pixel lies on the optical axis, where radii have no derivative.
  xy = np.array([[310, 245], [311, 245], [20, 30], [600, 470], [0, 245]])
  values = {
    "pose": pose,
    "intrinsics": np.array([400.0, 410.0, 310.0, 245.0]),
    "terms": np.asarray(terms),
    "xy": xy,
  }
  return {key: np.asarray(value, dtype) for key, value in values.items()}


def _value(arguments, space):
  cameras = rays_lib.CameraArrays(
    arguments["pose"], arguments["intrinsics"], arguments["terms"]
  )
  rays = rays_lib.cast_rays(cameras, arguments["xy"], space)
  weights = jnp.asarray(_WEIGHTS[: len(arguments["xy"])], rays.origins.dtype)
  along = rays.directions * weights + rays.viewdirs[:, ::-1] * weights
  return jnp.sum(along + rays.origins * weights**2)


@functools.partial(jax.jit, static_argnames="space")
def _value_of_terms(arguments, is_fisheye, space):
  """Value, where which lens it is has no derivative."""
  terms = jnp.concatenate([arguments["terms"][:8], is_fisheye])
  return _value({**arguments, "terms": terms}, space)


_gradient = jax.jit(jax.grad(_value), static_argnames="space")


@pytest.mark.parametrize(
  ("lens", "space"),
  [*((lens, "contracted") for lens in _LENSES), ("fox", "ndc")],
)
def test_rays_have_the_derivatives_of_finite_differences(lens, space):
  """Of poses, intrinsics, terms and pixels; forward and backward."""
  space = _SPACES[space]
  with jax.enable_x64(True):
    arguments = _arguments(_LENSES[lens], np.float64)
    is_fisheye = arguments["terms"][8:]

    def of_terms(arguments):
      return _value_of_terms(arguments, is_fisheye, space)

    order = 2 if lens in ("pinhole", "fisheye") else 1
    test_util.check_grads(
      of_terms, (arguments,), order, atol=2e-3, rtol=2e-3, eps=1e-5
    )
    exact = jax.tree.map(np.asarray, _gradient(arguments, space))
  single = _gradient(_arguments(_LENSES[lens], np.float32), space)
  for key in exact:
    scale = 1e-3 + np.abs(exact[key]).max()
    np.testing.assert_allclose(single[key], exact[key], atol=2e-3 * scale)


@jax.jit
@functools.partial(jax.grad, argnums=(0, 1))
def _gradient_of_projections(arguments, points):
  camera = rays_lib.CameraArrays(
    arguments["pose"], arguments["intrinsics"], arguments["terms"]
  )
  xy, z = rays_lib.project(points, camera)
  return jnp.sum(xy**2) + jnp.sum(z)


@pytest.mark.parametrize("lens", _LENSES)
def test_projections_have_finite_derivatives(lens):
  """Of points before, beside and behind the camera."""
  arguments = _arguments(_LENSES[lens], np.float32)
  points = np.float32([[0, 0, -2], [0.1, 0.2, -1], [9, 0, -1], [0, 0, 3]])
  gradients = _gradient_of_projections(arguments, points)
  for leaf in jax.tree.leaves(gradients):
    assert np.isfinite(leaf).all()


def test_pixels_beyond_the_lens_have_finite_derivatives():
  arguments = _arguments((-0.6, 0.0, 0.0, 0.0), np.float32)
  arguments["intrinsics"] = np.float32([100.0, 100.0, 310.0, 245.0])
  gradients = _gradient(arguments, _SPACES["contracted"])
  for leaf in jax.tree.leaves(gradients):
    assert np.isfinite(leaf).all()
