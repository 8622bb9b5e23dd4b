"""A model, its renderer of blocks, and a fake of it that counts."""

import types

import numpy as np
import pytest

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.models import block_renderer, style_fields
from stylized_nerf_jax.rendering import renderer
from stylized_nerf_jax.scenes import camera_path

BLOCK = 192
# Those of the fake, in the order of their style fields.
STYLES = ("one", "two", "three", "a", "b")


@pytest.fixture(scope="package")
def model(finished_run):
  return model_lib.StylizedNerf.load(finished_run)


@pytest.fixture(scope="package")
def blocks(model):
  """With all samples of a ray, in the only shape that tests compile."""
  return model.blocks(BLOCK, samples=model.field.num_samples)


class FakeBlocks:
  """Renders what pixels are called, and counts how often."""

  block = 50
  encoded_bytes = 2

  def __init__(self):
    self.traced, self.painted, self.encoded = [], [], []
    self.before_block = lambda: None
    self.fails = None

  def camera(self, camera):
    return camera.camera_to_world[0, 3]

  def paint_of(self, camera, style, **dials):
    if self.fails:
      raise self.fails
    return types.SimpleNamespace(
      source=tuple(style.items()),
      palette=dials.get("palette", 1.0),  # Makes colours less green.
      parts=[
        style_fields.Part(STYLES.index(name), share)
        for name, share in style.items()
      ],
    )

  def trace(self, camera, index, width):
    self.before_block()
    assert 0 < len(index) <= self.block
    self.traced.extend(index.tolist())
    rgb = np.stack([index / 1e4, index * 0.0, index * 0 + camera], axis=-1)
    own = renderer.Rendered(rgb, index + 1.0, np.ones(len(index)))
    return block_renderer.Traced(own, np.repeat(index[:, None, None], 2, 1))

  def encode(self, camera, index, width, packed, place):
    np.testing.assert_array_equal(packed[:, 0, 0], index)
    assert 0 < len(index) <= self.block
    self.encoded.extend((place, i) for i in index.tolist())
    return (index * 8 + place)[:, None, None]

  def paint(self, camera, index, width, traced, paint, encoded=()):
    self.before_block()
    for part, found in zip(paint.parts, encoded, strict=bool(encoded)):
      np.testing.assert_array_equal(found[:, 0, 0], index * 8 + part.place)
    np.testing.assert_array_equal(traced.packed[:, 0, 0], index)
    self.painted.extend(index.tolist())
    rgb = np.stack([index / 1e4, index * 0 + 1.0, index * 0.0], axis=-1)
    nothing = np.zeros((len(index), 0))
    return block_renderer.Painted(rgb, nothing, nothing)

  def shown(self, photographed, painted, paint):
    assert len(photographed.rgb) == len(painted.rgb) <= self.block
    return painted.rgb * np.array([1.0, paint.palette, 1.0])


@pytest.fixture
def fake():
  return FakeBlocks()


@pytest.fixture
def make_camera():
  """Function: place along x, rows, columns -> camera."""

  def make(x: float = 0.0, rows: int = 24, columns: int = 32):
    pose = np.eye(4)
    pose[0, 3] = x
    return camera_path.Moment(pose, 50.0).camera(columns, rows)

  return make
