"""Pixels drawn from a file, against those drawn from memory and plain loops."""

import errno
import os
import signal
import subprocess
import sys
import types

import jax
import numpy as np
import pytest

from stylized_nerf_jax.host import disk
from stylized_nerf_jax.pixels import pixel_bank, pixel_file, pixel_store
from stylized_nerf_jax.rows import prng

# (height, width); one alone has more pixels than are counted together.
SHAPES = ((3, 5), (1, 1), (40, 21), (2, 7))
SIZES = [(width, height) for height, width in SHAPES]
COUNT = sum(height * width for height, width in SHAPES)
KEY = jax.random.key(5)
_KILLED = f"""
import os, pathlib, signal, sys
import numpy as np
from stylized_nerf_jax.pixels import pixel_file

def read(index):
  if index == 2:
    os.kill(os.getpid(), signal.SIGKILL)
  width, height = {SIZES}[index]
  return np.zeros((height, width, 3), np.uint8), None

folder = pathlib.Path(sys.argv[1])
pixel_file.make(folder, "a", {SIZES}, read, masked=False, workers=1)
"""


def make_views(seed=0, masked=None):
  """Returns uint8 images and masks; `masked` is the share left out."""
  rng = np.random.default_rng(seed)
  images = [rng.integers(0, 256, (*s, 3)).astype(np.uint8) for s in SHAPES]
  if masked is None:
    return images, None
  return images, [rng.random(shape) >= masked for shape in SHAPES]


def make_file(folder, images, masks, content="a", **options):
  def read(index):
    return images[index], None if masks is None else masks[index]

  return pixel_file.make(
    folder, content, SIZES, read, masked=masks is not None, **options
  )


def pixel_key(key):
  return jax.random.fold_in(key, 3)


@pytest.mark.parametrize("masked", [None, 0.0, 0.4, 0.995])
def test_the_host_draws_what_devices_draw(tmp_path, masked):
  images, masks = make_views(masked=masked)
  file = make_file(tmp_path, images, masks)
  bank = pixel_bank.make_pixel_bank(iter(images), None, masks)
  store = pixel_store.PixelStore(file, SIZES, KEY, pixel_key)
  steps, rows = (2, 3, 70), 32
  found = store.draw(steps, 4 * rows)

  @jax.jit
  def on_device(step, device):
    return bank.draw_pixels(
      pixel_key(prng.step_key(KEY, step, rows * device)), rows
    )

  for s, step in enumerate(steps):
    shares = [on_device(step, device) for device in range(4)]
    drawn = jax.tree.map(lambda *values: np.concatenate(values), *shares)
    of_step = jax.tree.map(lambda values, s=s: values[s], found)
    jax.tree.map(np.testing.assert_array_equal, of_step, drawn)
  some = np.array([5, 6, 100, 100])
  shares = store.draw(steps, 4 * rows, some)
  jax.tree.map(
    lambda share, whole: np.testing.assert_array_equal(share, whole[:, some]),
    shares,
    found,
  )
  types = [values.dtype for values in (found.view, found.xy, found.colors)]
  assert types == [np.int32, np.float32, np.uint8]
  assert (tmp_path / "usable.bin").exists() == bool(masked)


def test_ranks_are_found_as_a_loop_finds_them(tmp_path):
  images, masks = make_views(masked=0.5)
  masks[2][:30] = False  # More than one block without a pixel.
  file = make_file(tmp_path, images, masks)
  usable = [
    i for i, u in enumerate(np.concatenate([*map(np.ravel, masks)])) if u
  ]
  assert file.num_usable == len(usable)
  found = file.find(np.arange(len(usable)))
  np.testing.assert_array_equal(found, usable)
  flat = np.concatenate([image.reshape(-1, 3) for image in images])
  np.testing.assert_array_equal(file.colors(found), flat[usable])


def test_floats_are_stored_as_the_same_bytes(tmp_path):
  images, _ = make_views()
  floats = [image.astype(np.float32) / 255 for image in images]
  for name, given in (("bytes", images), ("floats", floats)):
    make_file(tmp_path / name, given, None)
  folders = (tmp_path / "bytes", tmp_path / "floats")
  one, other = ((f / "colors.bin").read_bytes() for f in folders)
  assert one == other and len(one) == 3 * COUNT


def test_indices_wider_than_32_bits(monkeypatch):
  """Draws of 64 bits: in range, even, and equal however they are shared."""
  monkeypatch.setattr(pixel_bank, "WIDE", 1)
  count = 3 * 2**31
  file = types.SimpleNamespace(
    num_usable=count,
    find=lambda rank: rank,
    colors=lambda index: np.zeros((*index.shape, 3), np.uint8),
  )
  sizes = [(2**16, 2**15)] * 3
  store = pixel_store.PixelStore(file, sizes, KEY, pixel_key)
  drawn = store.draw([0], 3000)
  view, xy = drawn.view, drawn.xy
  np.testing.assert_allclose(np.bincount(view[0]) / 3000, 1 / 3, atol=0.04)
  assert (xy > 0).all() and (xy < (2**16, 2**15)).all()
  np.testing.assert_allclose(
    xy[0].mean(axis=0), (2**15, 2**14), rtol=0.05, atol=0
  )
  fewer = store.draw([0], 1000)
  np.testing.assert_array_equal(fewer.xy[0], xy[0, :1000])


def test_pixels_are_used_again_only_for_the_same_content(tmp_path):
  images, masks = make_views(masked=0.4)
  assert pixel_file.state(tmp_path) == "nothing"
  make_file(tmp_path, images, masks)
  assert pixel_file.find(tmp_path, "a", COUNT).num_usable < COUNT
  assert pixel_file.find(tmp_path, "b", COUNT) is None
  assert pixel_file.find(tmp_path, "a", COUNT - 1) is None
  assert pixel_file.state(tmp_path) == "pixels"
  for name in ("colors.bin", "usable.bin"):
    path = tmp_path / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert pixel_file.find(tmp_path, "a", COUNT) is None
    path.write_bytes(whole)
  assert pixel_file.find(tmp_path, "a", COUNT) is not None
  (tmp_path / "pixels.json").write_text("[]")
  assert pixel_file.find(tmp_path, "a", COUNT) is None


def test_a_kill_while_they_are_made_leaves_no_pixels(tmp_path):
  """A process is killed in earnest, with an older file of pixels in place."""
  images, _ = make_views()
  make_file(tmp_path, images, None, content="older")
  killed = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)])
  assert killed.returncode == -signal.SIGKILL
  assert pixel_file.state(tmp_path) == "unfinished"
  for content in ("a", "older"):
    assert pixel_file.find(tmp_path, content, COUNT) is None
  make_file(tmp_path, images, None)
  flat = np.concatenate([image.reshape(-1, 3) for image in images])
  found = pixel_file.find(tmp_path, "a", COUNT).colors(np.arange(COUNT))
  np.testing.assert_array_equal(found, flat)


def test_a_full_disk_is_said_before_anything_is_decoded(tmp_path, monkeypatch):
  def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")

  monkeypatch.setattr(os, "posix_fallocate", full)
  images = types.SimpleNamespace(
    __getitem__=lambda _: pytest.fail("decoded a picture")
  )
  with pytest.raises(disk.DiskFullError, match="no space left.*colors.bin"):
    make_file(tmp_path, images, None)
  assert not list(tmp_path.iterdir())


def test_masks_that_leave_nothing_are_refused(tmp_path):
  images, masks = make_views(masked=1.0)
  with pytest.raises(ValueError, match="leave no pixel.*invert the masks"):
    make_file(tmp_path, images, masks)
  assert not list(tmp_path.iterdir())


def test_a_picture_of_another_size_than_its_camera_is_refused(tmp_path):
  images, _ = make_views()
  images[1] = np.zeros((2, 1, 3), np.uint8)
  with pytest.raises(ValueError, match="image 1 has 1x2 .* camera 1x1"):
    make_file(tmp_path, images, None)
