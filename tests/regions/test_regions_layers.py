"""Layers of regions: what adds up, what is exact, and where edges lie."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.regions import layers as layers_lib
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import renderer
from stylized_nerf_jax.rendering import samples as samples_lib
from stylized_nerf_jax.scenes import normalization

_SPACE = normalization.RaySpace(
  "box", 0.0, 4.0, 1.0, 1.0, (-1.0, -1.0, -5.0), (1.0, 1.0, 1.0)
)
_BACKGROUND = (0.2, 0.4, 0.6)
_SETTING = rays_lib.RaySetting(_SPACE, 1.0, _BACKGROUND)
_COUNT = 5


class _Field(nn.Module):
  """Samples at fixed places, with weights that the ray's x decides."""

  def sample(self, rays, key=None, *, noise=0.0):
    t = jnp.linspace(0.5, 3.5, _COUNT)
    points = rays.origins[..., None, :] + t[:, None] * rays.directions[:, None]
    weights = jax.nn.softmax(3 * points[..., 0] * t) * 0.8
    t = jnp.broadcast_to(t, weights.shape)
    return samples_lib.Samples(points, t, weights, points), {}

  def color(self, samples, viewdirs):
    return 0.5 + 0.1 * jnp.sin(5 * samples.points)


class _StyleField(nn.Module):
  @nn.compact
  def __call__(self, points, latents):
    return jnp.abs(jnp.cos(points + latents[..., None, :3]))


class _HalfSpace(nn.Module):
  """Inside where z is below its parameter, with a ramp of one unit."""

  def __call__(self, points):
    below = self.scope.variables()["params"]["below"]
    return jnp.clip(below - points[..., 2], -1.0, 1.0)


def _rays(count=6):
  x = np.linspace(-0.8, 0.8, count, dtype=np.float32)
  origins = np.stack([x, 0 * x, 0 * x], axis=-1)
  return rays_lib.Rays.of(
    origins=origins, directions=np.array([0, 0, -1.0]), near=0.0, far=4.0
  )


_CODES = np.array([[0.1, 0.5, 0.9], [1.0, 2.0, 0.3]], np.float32)
_share = jax.jit(layers_lib.share)


def _layers(below, styles, feather=0.3):
  variables = {
    "field": {},
    "style_fields": [{}, {}],
    "latents": _CODES,
    "regions": [{"below": np.float32(value)} for value in below],
    "feather": np.float32(feather),
  }
  return _of_variables(variables, _rays(), styles)


@functools.partial(jax.jit, static_argnames="styles")
def _of_variables(variables, rays, styles):
  return layers_lib.render_layers(
    _Field(),
    _StyleField(),
    [_HalfSpace()] * (len(styles) - 1),
    styles,
    variables,
    rays,
    _SETTING,
  )


@jax.jit
def _without_regions(variables, rays):
  style_field = _StyleField() if "latent" in variables else None
  return renderer.render_rays(_Field(), style_field, variables, rays, _SETTING)


@jax.jit
def _sampled(rays):
  samples, _ = _Field().sample(rays)
  return samples, _Field().color(samples, None)


def _expected(below, styles, feather=0.3):
  """Sample after sample: each is painted over by later regions' shares."""
  samples, own = jax.tree.map(np.asarray, _sampled(_rays()))

  def color(style, ray, k):
    if style is None:
      return own[ray, k]
    return np.abs(np.cos(samples.points[ray, k] + _CODES[style]))

  rgb = np.zeros((len(own), 3))
  for ray in range(len(own)):
    for k in range(_COUNT):
      mixed = color(styles[0], ray, k)
      for at, style in zip(below, styles[1:]):
        signed = np.clip(at - float(samples.points[ray, k, 2]), -1, 1)
        share = float(_share(np.float32(signed), feather))
        mixed = mixed + share * (color(style, ray, k) - mixed)
      rgb[ray] += float(samples.weights[ray, k]) * mixed
  through = 1.0 - samples.weights.sum(axis=-1)
  return rgb + through[:, None] * np.array(_BACKGROUND)


def _together(layers):
  count = layers.rgb.shape[-2]
  return layers_lib.together(
    [np.asarray(layers.rgb)[..., i, :] for i in range(count)],
    [np.asarray(layers.opacity)[..., i] for i in range(count)],
    _BACKGROUND,
  )


@pytest.mark.parametrize(
  "below, styles",
  (
    ([-2.0], (None, 0)),
    ([-2.0], (1, None)),
    ([-1.5, -2.5], (None, 0, 1)),
    ([-2.5, -1.5], (0, 1, 1)),
  ),
)
def test_samples_are_painted_by_the_last_region_that_holds_them(below, styles):
  found = _together(_layers(below, styles))
  np.testing.assert_allclose(found, _expected(below, styles), atol=1e-5)


def test_depth_and_opacity_are_those_without_regions():
  layers = _layers([-2.0, -1.0], (0, None, 1))
  plain = _without_regions({"field": {}}, _rays())
  np.testing.assert_array_equal(layers.whole.depth, plain.depth)
  np.testing.assert_array_equal(layers.whole.opacity, plain.opacity)
  np.testing.assert_array_equal(layers.whole.rgb, plain.rgb)
  np.testing.assert_allclose(
    np.asarray(layers.opacity).sum(axis=-1), plain.opacity, atol=1e-6
  )


def test_as_photographed_everywhere_is_the_photographed_scene():
  layers = _layers([-2.0, -1.0], (None, None, None))
  np.testing.assert_allclose(_together(layers), layers.whole.rgb, atol=1e-6)


def test_a_region_that_holds_all_is_the_scene_in_its_style():
  codes = {"latent": _CODES[0], "style_field": {}}
  whole = _without_regions({"field": {}, **codes}, _rays())
  layers = _layers([9.0], (None, 0))
  np.testing.assert_allclose(_together(layers), whole.rgb, atol=1e-6)


def test_edges_are_smooth_ramps_as_wide_as_the_feather():
  signed = np.linspace(-1, 1, 201, dtype=np.float32)
  for feather in (0.1, 0.5, 1.0):
    share = np.asarray(_share(signed, feather))
    assert np.all(np.diff(share) >= 0.0)
    np.testing.assert_allclose(share[100], 0.5, atol=1e-6)
    np.testing.assert_allclose(share + share[::-1], 1.0, atol=1e-6)
    within = (share > 0) & (share < 1)
    np.testing.assert_allclose(within.mean(), feather, atol=0.02)
  sharp = np.asarray(_share(signed, 0.0))
  assert np.mean((sharp > 0) & (sharp < 1)) < 0.03
