"""Pictures that move: frames, times, colours, sizes, as Pillow reads them."""

import numpy as np
import pytest
from PIL import Image, ImageSequence

from stylized_nerf_jax.outputs import animation


def _frames(count=6, height=40, width=60):
  """A disc of growing brightness that moves over a slow gradient."""
  y, x = np.mgrid[:height, :width]
  frames = []
  for i in range(count):
    frame = np.stack([x / width, y / height, 0 * x + 0.4], axis=-1)
    disc = (x - 10 - 6 * i) ** 2 + (y - height / 2) ** 2 < 64
    frame[disc] = [1, 0.5, 0.1 + i / count]
    frames.append(frame.astype(np.float32))
  return frames


def _write(path, frames, fps=20):
  with animation.AnimationWriter(path, fps=fps) as writer:
    for frame in frames:
      writer.append(frame)


def _read(path):
  """(Frames uint8 [N, H, W, 3], milliseconds of each, loops) of a file."""
  with Image.open(path) as file:
    pages, times = [], []
    for page in ImageSequence.Iterator(file):
      pages.append(np.asarray(page.convert("RGB")))
      times.append(page.info["duration"])
    return np.stack(pages), times, file.info["loop"]


@pytest.mark.parametrize(
  ("ending", "most"), [(".gif", 40), (".webp", 120), (".apng", 0.51)]
)
def test_frames_and_times_come_back(tmp_path, ending, most):
  frames, path = _frames(), tmp_path / f"tour{ending}"
  _write(path, frames)
  found, times, loops = _read(path)
  assert loops == 0 and times == [50] * 6
  error = np.abs(found - 255 * np.stack(frames))
  assert error.max() <= most
  assert error.mean() < 4
  assert list(tmp_path.iterdir()) == [path]


def test_a_gif_has_one_palette_for_all_frames(tmp_path):
  path = tmp_path / "tour.gif"
  _write(path, _frames())
  found, _, _ = _read(path)
  colours = np.unique(found.reshape(-1, 3), axis=0)
  assert 100 < len(colours) <= 256
  # What stands still stays what it is: above the disc's way, all frames.
  assert (found[1:, :10] == found[0, :10]).all()


def test_large_frames_are_reduced(tmp_path):
  path = tmp_path / "tour.webp"
  _write(path, _frames(2, height=500, width=1000))
  assert _read(path)[0].shape == (2, 320, 640, 3)


def test_frames_that_are_alike_are_one_longer(tmp_path):
  """As a file may keep them; it lasts as long."""
  path = tmp_path / "still.gif"
  _write(path, _frames(1) * 4, fps=10)
  assert sum(_read(path)[1]) == 400


@pytest.mark.parametrize(
  ("name", "fps", "message"),
  [
    ("a.mp4", 24, "a.mp4: expected a name that ends in one of .gif, .webp"),
    ("a.gif", 60, "fps is 60; expected above 0, up to 50 for .gif"),
    ("a.webp", 0, "fps is 0; expected above 0"),
  ],
)
def test_bad_arguments_are_named(tmp_path, name, fps, message):
  with pytest.raises(ValueError, match=message):
    animation.AnimationWriter(tmp_path / name, fps=fps)


def test_bad_frames_are_named_and_nothing_is_left(tmp_path):
  path = tmp_path / "a.gif"
  path.write_text("before")
  good = np.zeros((4, 4, 3), np.uint8)
  for bad, message in (
    (good[..., 0], r"frame 1 has shape \(4, 4\); expected \[H, W, 3\]"),
    (good[:2], r"frame 1 has shape \(2, 4, 3\); expected \(4, 4, 3\)"),
    (np.full((4, 4, 3), np.nan), "frame 1 holds 48 values that are NaN"),
  ):
    with pytest.raises(ValueError, match=message):
      _write(path, [good, bad])
  with pytest.raises(ValueError, match="without frames is not written"):
    _write(path, [])
  assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
  (tmp_path / "file").touch()
  path = tmp_path / "file" / "a.gif"
  writer = animation.AnimationWriter(path)
  # At the first frame, and not when all have been rendered.
  with pytest.raises(ValueError, match="a.gif: cannot be written"):
    writer.append(_frames(1)[0])
