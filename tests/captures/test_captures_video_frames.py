"""Frames of a video: which are taken, upright, at full size; broken files."""

import pathlib
import subprocess
import sys
import wave

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.captures import sharpness, sources, video_frames
from stylized_nerf_jax.outputs import video


def _ignore(_):
  """In place of a progress bar."""


def _scene(height=48, width=64):
  random = np.random.default_rng(0)
  small = random.uniform(0.1, 0.9, (height // 4, width // 4, 3))
  return np.kron(small, np.ones((4, 4, 1))).astype(np.float32)


@pytest.fixture
def blinking(tmp_path):
  """A video of 40 frames at 10 per second: sharp at 3, 17, 20 and 39."""
  sharp = _scene()
  dull = np.full_like(sharp, sharp.mean())
  frames = []
  for i in range(40):
    share = 1.0 if i in (3, 17, 20, 39) else 0.1
    frames.append(share * sharp + (1 - share) * dull)
  path = tmp_path / "blinking.mp4"
  video.write_video(path, frames, fps=10, quality=10)
  return path


def test_the_header(blinking):
  found = video_frames.read_header(blinking)
  assert (found.width, found.height) == (64, 48)
  assert found.rate == pytest.approx(10)
  assert found.duration == pytest.approx(4, abs=0.11)
  # Eight looks a window, and never more than there are.
  assert found.candidate_rate(4) == pytest.approx(8, rel=0.03)
  assert found.candidate_rate(100) == 10


def test_the_sharpest_of_each_window_at_full_size(blinking, tmp_path):
  found = video_frames.read_header(blinking)
  counted = []
  times, scores = video_frames.score(found, 10, counted.append)
  assert len(scores) == sum(counted) == 40
  np.testing.assert_allclose(times, np.arange(40) / 10, atol=1e-4)
  chosen = sharpness.sharpest_of_windows(scores, 4, times)
  assert chosen == [3, 17, 20, 39]
  folder = tmp_path / "images"
  names = video_frames.extract(found, 10, chosen, folder, _ignore)
  assert names == [f"frame_0000{i}.jpg" for i in (1, 2, 3, 4)]
  assert sorted(p.name for p in folder.iterdir()) == names
  for name in names:
    with Image.open(folder / name) as image:
      found_pixels = np.asarray(image) / 255
    # Colours are those that went in, not shifted from BT.709 to BT.601.
    assert np.abs(found_pixels - _scene()).mean() < 0.05
    assert found_pixels.std() > 0.8 * _scene().std()


def test_as_many_as_wanted_or_as_there_are(blinking, tmp_path):
  for wanted, expected in ((3, 3), (7, 7), (500, 40)):
    source = sources.open_source(blinking, wanted)
    folder = tmp_path / f"images{wanted}"
    (names,) = source.bring(folder)
    assert len(names) == len(list(folder.iterdir())) == expected
    assert len(source.sizes) == pytest.approx(expected, abs=1)


def test_a_phone_held_sideways(blinking, tmp_path):
  turned = tmp_path / "turned.mp4"
  command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"]
  command += ["-display_rotation", "90", "-i", str(blinking)]
  subprocess.run([*command, "-c", "copy", str(turned)], check=True)
  found = video_frames.read_header(turned)
  assert (found.width, found.height) == (64, 48)
  names = video_frames.extract(found, 10, [3], tmp_path / "images", _ignore)
  with Image.open(tmp_path / "images" / names[0]) as image:
    assert image.size == (48, 64)
    pixels = np.asarray(image) / 255
  errors = [
    np.abs(np.rot90(_scene(), turns) - pixels).mean() for turns in (1, 3)
  ]
  assert min(errors) < 0.05 < max(errors)


def test_what_an_interrupted_call_left_is_replaced(blinking, tmp_path):
  found = video_frames.read_header(blinking)
  folder = tmp_path / "images"
  for left in (folder, tmp_path / "images.partial"):
    left.mkdir()
    (left / "frame_00009.jpg").write_bytes(b"half")
  video_frames.extract(found, 10, [0, 5], folder, _ignore)
  assert len(list(folder.iterdir())) == 2
  assert not (tmp_path / "images.partial").exists()


def test_as_many_frames_as_may_be_asked_for(blinking, tmp_path):
  found = video_frames.read_header(blinking)
  folder = tmp_path / "images"
  names = video_frames.extract(found, 10, range(1, 4000, 2), folder, _ignore)
  assert len(names) == 20
  # Of 3, 17, 20 and 39, the even one is left out.
  sharp = [np.asarray(Image.open(folder / name)).std() for name in names]
  assert sorted(np.argsort(sharp)[-3:]) == [1, 8, 19]
  for wanted in (2, 2001):
    with pytest.raises(ValueError, match="expected 3 to 2000"):
      sources.open_source(blinking, wanted)


def test_names_that_look_like_addresses(blinking, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  for name in ("concat:a.mp4", "-i.mp4", "pipe:0.mp4"):
    path = pathlib.Path(name)
    path.write_bytes(blinking.read_bytes())
    assert video_frames.read_header(path).width == 64
  pathlib.Path("list.mp4").write_text(
    "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n"
    "http://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n"
  )
  with pytest.raises(ValueError, match="list.mp4: cannot be read as a video"):
    video_frames.read_header(pathlib.Path("list.mp4"))


def _sound(path):
  with wave.open(str(path), "wb") as file:
    file.setnchannels(1)
    file.setsampwidth(2)
    file.setframerate(8000)
    file.writeframes(bytes(16000))


def test_files_that_are_no_video(tmp_path, blinking):
  _sound(tmp_path / "speech.mp4")
  (tmp_path / "text.mp4").write_text("a letter")
  (tmp_path / "empty.mp4").write_bytes(b"")
  (tmp_path / "cut.mp4").write_bytes(blinking.read_bytes()[:900])
  for name, words in (
    ("speech", "speech.mp4: no video stream \\(found: audio\\)"),
    ("text", "text.mp4: cannot be read as a video"),
    ("empty", "empty.mp4: the file is empty"),
    ("cut", "cut.mp4: cannot be read as a video"),
  ):
    with pytest.raises(ValueError, match=words):
      sources.open_source(tmp_path / f"{name}.mp4")


def test_a_video_whose_frames_are_damaged(tmp_path, blinking):
  content = bytearray(blinking.read_bytes())
  start = content.find(b"mdat")
  content[start + 4 :] = bytes(len(content) - start - 4)
  path = tmp_path / "zeros.mp4"
  path.write_bytes(content)
  with pytest.raises(ValueError, match=r"zeros\.mp4: no frame can be decoded"):
    sources.open_source(path).bring(tmp_path / "images")
  assert not (tmp_path / "images").exists()


def test_the_extra_that_is_missing_is_named(blinking, monkeypatch):
  monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
  with pytest.raises(ValueError, match=r"stylized-nerf-jax\[video\]"):
    sources.open_source(blinking)
