"""Videos read back by imageio: frames, colours, order, sizes, failures."""

import gc
import subprocess
import sys
import warnings

import imageio.v3 as iio
import imageio_ffmpeg
import numpy as np
import pytest

from stylized_nerf_jax.outputs import contact_sheet, video


def _read(path):
  """All frames and the properties of a video, as imageio reads them."""
  with warnings.catch_warnings():
    # Its reader leaves pipes to be closed by the garbage collector.
    warnings.simplefilter("ignore", ResourceWarning)
    frames = iio.imread(path, plugin="FFMPEG")
    properties = iio.immeta(path, plugin="FFMPEG")
    gc.collect()
  return frames, properties


def _frames(count, height, width):
  """Red at the left, blue at the right, a green bar that moves down."""
  for number in range(count):
    frame = np.zeros((height, width, 3), np.float32)
    frame[:, : width // 2, 0] = 0.9
    frame[:, width // 2 :, 2] = 0.8
    frame[8 * number : 8 * number + 8] = [0.1, 0.7, 0.2]
    yield frame


@pytest.mark.parametrize("height, width", [(48, 64), (45, 63), (48, 33)])
def test_round_trip(tmp_path, height, width):
  path = tmp_path / "new" / "a.mp4"
  written = video.write_video(path, _frames(5, height, width), fps=12)
  found, properties = _read(path)
  assert written == 5
  assert found.shape == (5, height + height % 2, width + width % 2, 3)
  for number, expected in enumerate(_frames(5, height, width)):
    got = found[number, :height, :width].astype(float) / 255
    # Chroma is stored at half size: look inside the areas.
    assert np.abs(got - expected).mean() < 0.06
    middle = 8 * number + 4
    np.testing.assert_allclose(got[middle, 5], expected[middle, 5], atol=0.06)
    np.testing.assert_allclose(got[44, 5], [0.9, 0, 0], atol=0.06)
    np.testing.assert_allclose(got[44, -6], [0, 0, 0.8], atol=0.06)
  if width % 2:
    gap = found[:, :, -1].astype(float) - found[:, :, -2]
    assert np.abs(gap).mean() < 12  # The added column repeats the last.
  assert [p.name for p in path.parent.iterdir()] == ["a.mp4"]
  assert properties["fps"] == 12


def test_codec_and_pixel_format(tmp_path):
  video.write_video(tmp_path / "a.mp4", _frames(2, 32, 32))
  _, properties = _read(tmp_path / "a.mp4")
  assert properties["codec"] == "h264"
  assert properties["pix_fmt"].startswith("yuv420p")


def test_colours_and_their_marks_are_read_back(tmp_path):
  """Every ffmpeg marks all of it; BT.709 by its matrix, not by a guess."""
  colors = [(255, 255, 255), (200, 120, 60), (90, 150, 90), (40, 40, 40)]
  colors += [(230, 20, 20), (20, 20, 230), (20, 230, 20), (0, 0, 0)]
  frame = np.kron(np.array(colors, np.uint8)[None], np.ones((32, 32, 1)))
  path = tmp_path / "a.mp4"
  video.write_video(path, [frame.astype(np.uint8)] * 3, quality=10)
  told = subprocess.run(
    [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(path)],
    capture_output=True,
    text=True,
  ).stderr
  # Of one name where matrix, primaries and transfer are all of it.
  assert "yuv420p(tv, bt709" in told and "unknown" not in told
  for found in (_read(path)[0][1], list(video.read_video(path))[1]):
    assert np.abs(found[16, 16::32] - np.array(colors, float)).max() <= 3


def test_better_quality_is_nearer_and_larger(tmp_path):
  rng = np.random.default_rng(0)
  coarse = rng.random((6, 8, 3))
  frame = np.kron(coarse, np.ones((8, 8, 1)))
  errors, sizes = [], []
  for quality in (2, 9):
    path = tmp_path / f"{quality}.mp4"
    video.write_video(path, [frame] * 3, quality=quality)
    found = _read(path)[0][1] / 255
    errors.append(np.abs(found - frame).mean())
    sizes.append(path.stat().st_size)
  assert errors[1] < errors[0] and sizes[1] > sizes[0]


@pytest.mark.parametrize(
  "second, word",
  [
    (np.full((16, 16, 3), np.nan), "frame 1 holds"),
    (np.zeros((16, 18, 3)), "frame 1 has shape"),
    (np.zeros((16, 16)), "frame 1 has shape"),
  ],
)
def test_a_bad_frame_keeps_the_old_video(tmp_path, second, word):
  path = tmp_path / "a.mp4"
  path.write_bytes(b"before")
  with pytest.raises(ValueError, match=word):
    video.write_video(path, [np.zeros((16, 16, 3)), second])
  assert path.read_bytes() == b"before"
  assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_no_frames(tmp_path):
  with pytest.raises(ValueError, match="without frames"):
    video.write_video(tmp_path / "a.mp4", [])
  assert not list(tmp_path.iterdir())


def test_arguments_are_checked(tmp_path):
  with pytest.raises(ValueError, match="mp4"):
    video.VideoWriter(tmp_path / "a.avi")
  with pytest.raises(ValueError, match="fps"):
    video.VideoWriter(tmp_path / "a.mp4", fps=0)
  with pytest.raises(ValueError, match="quality"):
    video.VideoWriter(tmp_path / "a.mp4", quality=11)
  (tmp_path / "file").write_text("")
  with pytest.raises(ValueError, match="cannot be written"):
    video.write_video(tmp_path / "file" / "a.mp4", _frames(1, 16, 16))


def test_ffmpeg_that_fails_is_reported(tmp_path, monkeypatch):
  monkeypatch.setattr(video, "_COLOURS", "no_such_filter")
  with pytest.raises(ValueError, match=r"a\.mp4.*cannot be written"):
    video.write_video(tmp_path / "a.mp4", _frames(3, 16, 16))
  assert not list(tmp_path.iterdir())


def test_missing_extra_is_named(tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
  with pytest.raises(ValueError, match=r"stylized-nerf-jax\[video\]"):
    video.VideoWriter(tmp_path / "a.mp4")
  with pytest.raises(ValueError, match=r"stylized-nerf-jax\[video\]"):
    video.check_available()


def test_contact_sheet_frames_of_a_video(tmp_path):
  video.write_video(tmp_path / "a.mp4", _frames(5, 48, 64))
  own = np.stack(list(video.read_video(tmp_path / "a.mp4")))
  np.testing.assert_allclose(own, _read(tmp_path / "a.mp4")[0], atol=3)
  frames, labels = contact_sheet.load_frames(tmp_path / "a.mp4", count=3)
  assert labels == ["0", "2", "4"]
  for number, frame in zip((0, 2, 4), frames):
    assert frame[8 * number + 4, 30].argmax() == 1
  with pytest.raises(ValueError, match="no such video"):
    contact_sheet.load_frames(tmp_path / "b.mp4")
  (tmp_path / "c.mp4").write_bytes(b"no video")
  with pytest.raises(ValueError, match="cannot be read as a video"):
    contact_sheet.load_frames(tmp_path / "c.mp4")
