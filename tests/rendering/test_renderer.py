"""Whole images from tiny fields, against one ray at a time in numpy."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.rendering import image_rendering, renderer
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering.samples import Samples
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import normalization

SPACE = normalization.RaySpace(
  "contracted", 1.0, 3.0, 1.0, 1.0, (-2.0,) * 3, (2.0,) * 3
)
SETTING = rays_lib.RaySetting(SPACE, 2.0, (1.0, 0.5, 0.0))
HEIGHT, WIDTH = 5, 7
VARIABLES = {
  "field": {"gain": np.float32(2.0)},
  "style_field": {"tint": np.array([0.2, 0.5, 0.9], np.float32)},
  "latent": np.array([0.5, 1.0], np.float32),
}


class Fog(nn.Module):
  """Two samples a ray; opaque to the right, empty to the left."""

  @nn.compact
  def sample(self, rays, key=None, *, noise=0.0):
    gain = self.param("gain", nn.initializers.ones, ())
    t = jnp.concatenate([rays.near + 0.5, rays.far - 0.5], axis=-1)
    share = jax.nn.sigmoid(8 * gain * rays.directions[..., :1])
    weights = share * jnp.array([0.25, 0.75])
    points = (
      rays.origins[..., None, :]
      + t[..., None] * (rays.directions[..., None, :])
    )
    return Samples(points, t, weights, points), {}

  def color(self, samples, viewdirs):
    return jax.nn.sigmoid(samples.features + viewdirs[..., None, :])


class Tint(nn.Module):
  """The same colour everywhere, brighter with the code."""

  @nn.compact
  def __call__(self, points, latents):
    tint = self.param("tint", nn.initializers.ones, (3,))
    return tint * jax.nn.sigmoid(
      points[..., :1] + latents[..., None, :].sum(axis=-1, keepdims=True)
    )


def make_camera():
  pose = np.eye(4)
  pose[:3, 3] = 0.1, -0.2, 0.3
  return camera_lib.Camera(pose, 6, 6, 3.4, 2.6, WIDTH, HEIGHT)


def sigmoid(x):
  return 1 / (1 + np.exp(-x))


def one_ray(x, y, intensity):
  direction = np.array([(x - 3.4) / 6, -(y - 2.6) / 6, -1])
  direction /= np.linalg.norm(direction)
  share = sigmoid(16 * direction[0])
  weights, t = share * np.array([0.25, 0.75]), np.array([1.5, 2.5])
  color = np.zeros(3)
  for weight, distance in zip(weights, t):
    point = np.array([0.1, -0.2, 0.3]) + distance * direction
    own = sigmoid(point + direction)
    stylized = np.array([0.2, 0.5, 0.9]) * sigmoid(point[0] + 1.5)
    color += weight * ((1 - intensity) * own + intensity * stylized)
  color += (1 - share) * np.array([1.0, 0.5, 0.0])
  depth = (weights @ t) / share / 2.0 if share >= 0.5 else 0.0
  return np.array([*color, depth, share])


def loop(intensity):
  return np.array(
    [
      [one_ray(x + 0.5, y + 0.5, intensity) for x in range(WIDTH)]
      for y in range(HEIGHT)
    ]
  )


def flat(image):
  return np.concatenate(
    [image.rgb, image.depth[..., None], image.opacity[..., None]], axis=-1
  )


def draw(*, blend=False, style=True, chunk=3, variables=VARIABLES):
  render = image_rendering.make_image_renderer(
    Fog(),
    Tint() if style else None,
    SETTING,
    blend=blend,
    rays_per_chunk=chunk,
  )
  camera = rays_lib.camera_arrays(make_camera(), None)
  return render(variables, camera, HEIGHT, WIDTH)


@pytest.mark.parametrize("style", [False, True])
def test_an_image_equals_its_rays(style):
  image = draw(style=style)
  assert isinstance(image.rgb, np.ndarray)
  assert image.rgb.shape == (5, 7, 3)
  assert image.depth.shape == image.opacity.shape == (5, 7)
  expected = loop(1.0 if style else 0.0)
  np.testing.assert_allclose(flat(image), expected, atol=2e-5)
  empty = image.opacity < 0.5
  assert 0 < empty.sum() < empty.size
  assert np.all(image.depth[empty] == 0) and np.all(image.depth[~empty] > 0)


def test_intensity_mixes_the_two():
  render = image_rendering.make_image_renderer(
    Fog(), Tint(), SETTING, blend=True
  )
  camera = rays_lib.camera_arrays(make_camera(), None)
  for intensity in (0.0, 0.5, 1.0):
    variables = {**VARIABLES, "intensity": np.float32(intensity)}
    image = render(variables, camera, HEIGHT, WIDTH)
    np.testing.assert_allclose(flat(image), loop(intensity), atol=2e-5)


def test_styles_and_the_fields_own_colours_apart():
  """One picture for each style, and the radiance field's behind them."""

  class Painter(nn.Module):
    """Tint, as a style field that encodes."""

    def setup(self):
      self.tint = self.param("tint", nn.initializers.ones, (3,))

    def encode(self, points):
      return points

    def paint(self, points, latents):
      parameters = {"params": {"tint": self.tint}}
      return Tint(parent=None).apply(parameters, points, latents)

  codes = np.stack([VARIABLES["latent"], 2 * VARIABLES["latent"]])
  camera = rays_lib.camera_arrays(make_camera(), None)

  def draw_with(style_field, code=None, **options):
    render = image_rendering.make_image_renderer(
      Fog(), style_field, SETTING, **options
    )
    variables = {**VARIABLES, "latents": codes, "latent": code}
    return render(variables, camera, HEIGHT, WIDTH).rgb

  found = draw_with(Painter(), in_styles=True, apart=True)
  assert found.shape == (HEIGHT, WIDTH, 3, 3)
  for i, code in enumerate(codes):
    wanted = draw_with(Tint(), code)
    np.testing.assert_allclose(found[:, :, i], wanted, atol=1e-6)
  np.testing.assert_allclose(found[:, :, 2], draw_with(None), atol=1e-6)
  assert np.abs(found[:, :, 0] - found[:, :, 2]).max() > 0.1


@jax.jit
def render_pixels(xy, latent):
  camera = rays_lib.camera_arrays(make_camera(), None)
  rays = rays_lib.cast_rays(camera, xy, SPACE)
  variables = {**VARIABLES, "latent": latent}
  return renderer.render_rays(Fog(), Tint(), variables, rays, SETTING)


def test_chunks_and_devices_change_nothing():
  xy = rays_lib.pixel_grid(HEIGHT, WIDTH)
  whole = render_pixels(xy, VARIABLES["latent"])
  np.testing.assert_allclose(flat(draw(chunk=1)), flat(whole), atol=1e-6)


def test_a_code_for_every_ray():
  xy = rays_lib.pixel_grid(HEIGHT, WIDTH)
  codes = np.array([[0.5, 1.0], [-3.0, 0.0]], np.float32)
  mixed = np.zeros((HEIGHT, WIDTH, 2), np.float32) + codes[0]
  mixed[:, 3:] = codes[1]
  both = render_pixels(xy, mixed).rgb
  left, right = (render_pixels(xy, code).rgb for code in codes)
  np.testing.assert_allclose(both[:, :3], left[:, :3], rtol=1e-5)
  np.testing.assert_allclose(both[:, 3:], right[:, 3:], rtol=1e-5)
  assert np.abs(left - right)[:, 3:].max() > 0.01


def test_nothing_is_the_background():
  rgb = jax.jit(renderer.composite_colors)(
    np.zeros((2, 3)), np.ones((2, 3, 3)), (0.1, 0.2, 0.3)
  )
  np.testing.assert_allclose(rgb, [[0.1, 0.2, 0.3]] * 2, rtol=1e-6)
