"""Fields asked at points, against a field that is a formula."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.meshes import point_radiance
from stylized_nerf_jax.rendering import compositing, contraction
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import samples as samples_lib
from stylized_nerf_jax.scenes import normalization

_BOX = normalization.RaySpace("box", 0.5, 9.0, 1.0, 1.0, (-2,) * 3, (2,) * 3)
_NDC = normalization.RaySpace("ndc", 0.0, 1.0, 0.8, 0.6, (-1,) * 3, (1,) * 3)
_CONTRACTED = normalization.RaySpace(
  "contracted", 0.5, 90.0, 1.0, 1.0, (-2,) * 3, (2,) * 3
)


class Formula(nn.Module):
  """Density exp(x) and a colour that is the place, in field coordinates."""

  contract: bool = False
  open_end: bool = False

  def sample(self, rays, key=None, *, noise=0.0):
    edges = rays.near + (rays.far - rays.near) * jnp.linspace(0, 1, 9)
    t = 0.5 * (edges[..., 1:] + edges[..., :-1])
    points = rays.origins[..., None, :] + (
      t[..., None] * rays.directions[..., None, :]
    )
    if self.contract:
      points = contraction.contract(points)
    norms = jnp.linalg.norm(rays.directions, axis=-1)
    deltas = compositing.deltas_from_edges(edges, norms)
    if self.open_end:  # As fields of a coarse and a fine network have it.
      deltas = compositing.deltas_from_points(t, norms)
    weights = compositing.alpha_weights(jnp.exp(points[..., 0]), deltas)
    return samples_lib.Samples(points, t, weights, points), None

  def color(self, samples, viewdirs):
    return 0.5 + 0.1 * samples.points + 0.0 * viewdirs[..., None, :]


def _drawn(space, count=200):
  random = np.random.default_rng(0)
  points = random.uniform(-1, 1, size=(count, 3)).astype(np.float32)
  if space.kind == "ndc":
    points = points * [1, 1, 2] - np.array([0, 0, 4], np.float32)
  if space.kind == "contracted":
    points *= np.geomspace(0.3, 40, count)[:, None].astype(np.float32)
  directions = random.normal(size=(count, 3)).astype(np.float32)
  directions[:, 2] = -np.abs(directions[:, 2]) - 1.0
  directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
  return np.float32(points), directions


_to_field = jax.jit(rays_lib.to_field, static_argnames="space")
_model_points = jax.jit(point_radiance.model_points, static_argnames="space")
_rays_through = jax.jit(point_radiance.rays_through, static_argnames="space")
_thickness = jax.jit(point_radiance.thickness, static_argnums=0)
_colors = jax.jit(point_radiance.colors, static_argnums=0)


@pytest.mark.parametrize("open_end", [False, True])
@pytest.mark.parametrize("space", [_BOX, _NDC, _CONTRACTED])
def test_thickness_is_density_times_length(space, open_end):
  points, directions = _drawn(space)
  lengths = 0.01 * np.linalg.norm(points, axis=-1)
  rays = _rays_through(points, directions, lengths, space)
  field = Formula(space.kind == "contracted", open_end)
  found = _thickness(field, {}, rays)
  inside = np.asarray(_to_field(points, space))
  length = np.subtract(rays.far, rays.near)[..., 0]
  np.testing.assert_allclose(found, np.exp(inside[:, 0]) * length, rtol=0.03)


@pytest.mark.parametrize("space", [_BOX, _NDC, _CONTRACTED])
def test_colours_are_those_of_the_place(space):
  points, directions = _drawn(space)
  lengths = 0.003 * np.linalg.norm(points, axis=-1)
  rays = _rays_through(points, directions, lengths, space)
  field = Formula(space.kind == "contracted")
  found = _colors(field, {}, rays)
  expected = 0.5 + 0.1 * np.asarray(_to_field(points, space))
  np.testing.assert_allclose(found, expected, atol=1e-3)


def test_nothing_has_a_colour_still():
  """Where a field is empty colours are the mean of its samples."""

  class Empty(Formula):
    def sample(self, rays, key=None, *, noise=0.0):
      samples, found = Formula.sample(self, rays, key)
      return samples.replace(weights=0.0 * samples.weights), found

  points, directions = _drawn(_BOX)
  rays = _rays_through(
    points, directions, np.full(len(points), 0.01, np.float32), _BOX
  )
  found = _colors(Empty(), {}, rays)
  np.testing.assert_allclose(found, 0.5 + 0.1 * points, atol=1e-3)
  assert not np.any(_thickness(Empty(), {}, rays))


@pytest.mark.parametrize("space", [_BOX, _NDC, _CONTRACTED])
def test_the_way_back_from_field_coordinates(space):
  points, _ = _drawn(space)
  inside = np.asarray(_to_field(points, space))
  found = _model_points(inside, space)
  np.testing.assert_allclose(found, points, rtol=2e-3, atol=1e-4)


def test_rays_have_their_points_in_the_middle():
  points, directions = _drawn(_BOX)
  lengths = np.full(len(points), 0.2, np.float32)
  rays = _rays_through(points, directions, lengths, _BOX)
  far = np.asarray(rays.far)
  middle = rays.origins + 0.5 * far * np.asarray(rays.directions)
  np.testing.assert_allclose(middle, points, atol=1e-6)
  np.testing.assert_allclose(far[:, 0], 0.2, rtol=1e-5)
