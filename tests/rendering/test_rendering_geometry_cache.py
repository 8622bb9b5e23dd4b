"""Packed samples of rays, against one ray at a time in numpy."""

import functools

import jax
import numpy as np
import pytest
import test_renderer

from stylized_nerf_jax.rendering import contraction, geometry_cache, thinning
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering.samples import Samples
from stylized_nerf_jax.scenes import normalization

_NEAR_FAR = {"ndc": (0.0, 1.0), "box": (0.5, 4.0), "contracted": (0.2, 50.0)}
_SPACES = {
  kind: normalization.RaySpace(
    kind, near, far, 0.6, 0.4, (-2.0,) * 3, (2.0,) * 3
  )
  for kind, (near, far) in _NEAR_FAR.items()
}
_STEP = 1.0 / 65535

_contract = jax.jit(contraction.contract)
_pack = jax.jit(geometry_cache.pack, static_argnames=("space", "count"))
_thin = jax.jit(thinning.thin, static_argnames="count")
_unpack = jax.jit(geometry_cache.unpack, static_argnames="space")


def _draw(kind: str, shape=(5,), num=6, seed=0):
  """Returns random rays and samples on them, in a space of this kind."""
  random = np.random.default_rng(seed)
  near, far = (np.full((*shape, 1), v, np.float32) for v in _NEAR_FAR[kind])
  directions = random.normal(size=(*shape, 3)).astype(np.float32)
  directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
  origins = random.normal(size=(*shape, 3)).astype(np.float32)
  rays = rays_lib.Rays(origins, directions, directions, origins, near, far)
  fraction = np.sort(random.uniform(size=(*shape, num)), axis=-1)
  if kind == "contracted":
    # As the contraction takes them: evenly up to 1, then in 1 / t.
    place = near + fraction * (2 - 1 / far - near)
    t = np.where(place < 1, place, 1 / (2 - np.maximum(place, 1)))
  else:
    t = near + fraction * (far - near)
  weights = random.dirichlet(np.full(num + 1, 0.4), size=shape)[..., :num]
  points = origins[..., None, :] + t[..., None] * directions[..., None, :]
  if kind == "contracted":
    points = np.asarray(_contract(points))
  samples = Samples(points, np.float32(t), np.float32(weights), None)
  return rays, samples, fraction


@pytest.mark.parametrize("kind", _SPACES)
def test_some_samples_come_back_with_the_weight_of_all(kind):
  rays, samples, fraction = _draw(kind)
  packed, index = _pack(samples, rays, _SPACES[kind], 3)
  assert packed.shape == (5, 2, 3) and packed.dtype == np.uint16
  found = _unpack(packed, rays, _SPACES[kind])
  weights, wanted = _thin(np.float32(fraction), samples.weights, 3)
  packed, index = map(np.asarray, (packed, index))
  np.testing.assert_array_equal(index, wanted)
  for ray in range(5):
    kept = index[ray]
    np.testing.assert_allclose(found.weights[ray], weights[ray], atol=_STEP)
    np.testing.assert_allclose(
      packed[ray, 0] * _STEP, fraction[ray, kept], atol=_STEP
    )
    np.testing.assert_allclose(
      found.points[ray], samples.points[ray][kept], atol=2e-3
    )


@pytest.mark.parametrize("kind", _SPACES)
def test_opacity_is_that_of_all_samples(kind):
  rays, samples, _ = _draw(kind, shape=(200,), num=12)
  packed, _ = _pack(samples, rays, _SPACES[kind], 4)
  found = _unpack(packed, rays, _SPACES[kind])
  np.testing.assert_allclose(
    np.sum(found.weights, -1), samples.weights.sum(-1), atol=4 * _STEP
  )


def test_empty_rays_stay_empty():
  rays, samples, _ = _draw("ndc")
  empty = samples.replace(weights=np.zeros_like(samples.weights))
  packed, _ = _pack(empty, rays, _SPACES["ndc"], 3)
  found = _unpack(packed, rays, _SPACES["ndc"])
  assert not np.any(found.weights)
  assert np.isfinite(found.points).all()


def _there_and_back(samples, rays):
  space = _SPACES["contracted"]
  packed, _ = geometry_cache.pack(samples, rays, space, 2)
  return packed, geometry_cache.unpack(packed, rays, space).points


@functools.lru_cache
def _flat_without_jit():
  """Six rays in a row: what is packed, and what comes back."""
  rays, samples, _ = _draw("contracted", shape=(6,))
  return rays, samples, *map(np.asarray, _there_and_back(samples, rays))


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
def test_any_leading_shape_with_and_without_jit(shape):
  def shaped(values):
    return values[: np.prod(shape, dtype=int)].reshape(
      *shape, *values.shape[1:]
    )

  rays, samples, packed, points = jax.tree.map(shaped, _flat_without_jit())
  compiled, again = jax.jit(_there_and_back)(samples, rays)
  assert compiled.shape == (*shape, 2, 2) and again.shape == (*shape, 2, 3)
  # One step of 16 bits, where rounding falls on the other side.
  np.testing.assert_allclose(
    np.asarray(compiled).astype(int), packed.astype(int), atol=1
  )
  np.testing.assert_allclose(again, points, atol=2e-3)


@functools.partial(jax.jit, static_argnames="count")
def _render_and_pack(count):
  """Of all pixels of `test_renderer`."""
  setting = test_renderer.SETTING
  rays = rays_lib.cast_rays(
    rays_lib.camera_arrays(test_renderer.make_camera(), None),
    rays_lib.pixel_grid(test_renderer.HEIGHT, test_renderer.WIDTH),
    setting.space,
  )
  full, _, loss = geometry_cache.render_and_pack(
    test_renderer.Fog(),
    test_renderer.VARIABLES["field"],
    rays,
    setting,
    count,
  )
  return rays, full, loss


def test_the_loss_is_that_of_the_pictures():
  """Of two samples the heavier one is kept: one ray at a time in numpy."""
  rays, full, loss = jax.tree.map(np.asarray, _render_and_pack(1))
  _, _, nothing = jax.tree.map(np.asarray, _render_and_pack(9))
  assert max(float(v.max()) for v in jax.tree.leaves(nothing)) < 1e-3
  np.testing.assert_allclose(loss.weight, 0.25, rtol=1e-5)
  for row, column in ((0, 0), (2, 3), (4, 6)):
    direction = rays.directions[row, column]
    share = float(full.opacity[row, column])
    colors = [
      test_renderer.sigmoid(
        rays.origins[row, column] + t * direction + direction
      )
      for t in (1.5, 2.5)
    ]
    wanted = np.abs(share * 0.25 * (colors[0] - colors[1])).mean()
    np.testing.assert_allclose(loss.color[row, column], wanted, atol=1e-4)
    depth = 0.25 / (0.25 * 1.5 + 0.75 * 2.5) if share >= 0.5 else 0.0
    np.testing.assert_allclose(loss.depth[row, column], depth, atol=1e-3)
