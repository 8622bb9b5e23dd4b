"""Films of phones and camcorders: HDR, old matrices, pixels, frame times."""

import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.captures import sources, video_colors, video_frames

# sRGB, in patches of 32 pixels. The first one is made twice as bright.
_PATCHES = (
  (255, 255, 255), (255, 255, 255), (118, 118, 118), (200, 120, 60),
  (90, 150, 90), (255, 0, 0), (0, 0, 255), (20, 20, 20),
)  # fmt: skip
_SATURATED = (5, 6)
_TO_2020 = [  # BT.2087
  [0.6274, 0.3293, 0.0433],
  [0.0691, 0.9195, 0.0114],
  [0.0164, 0.0880, 0.8956],
]


def _light():
  """Linear light of the patches in BT.2020, white being 1."""
  values = np.array(_PATCHES) / 255
  low = values <= 0.04045
  light = np.where(low, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
  light[0] *= 2
  return light @ np.transpose(_TO_2020)


def _pq(light):
  """SMPTE ST 2084's curve, of 203 cd/m2 where light is 1."""
  power = (light * 203 / 10000) ** (2610 / 16384)
  ratio = (3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)
  return ratio ** (2523 / 32)


def _hlg(light):
  """BT.2100's curve, of a display of 1000 cd/m2, 203 where light is 1."""
  light = np.maximum(light * 0.203, 1e-9)
  luminance = light @ [0.2627, 0.6780, 0.0593]
  scene = light * luminance[:, None] ** ((1 - 1.2) / 1.2)
  high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9))
  return np.where(scene <= 1 / 12, np.sqrt(3 * scene), high + 0.55991073)


def _encode(path, frames, filters, codec, *, rate=10):
  """Makes a film of frames, uint16 [N, H, W, 3]."""
  height, width = frames.shape[1:3]
  command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
  command += ["-f", "rawvideo", "-pix_fmt", "rgb48le", "-r", str(rate)]
  command += ["-s", f"{width}x{height}", "-i", "-", "-vf", filters, *codec]
  content = frames.astype("<u2").tobytes()
  subprocess.run([*command, str(path)], input=content, check=True)
  return path


def _wall(values):
  """A frame of patches, values in [0, 1]."""
  row = np.rint(65535 * np.clip(values, 0, 1)).astype(np.uint16)[None]
  return np.kron(row, np.ones((32, 32, 1), np.uint16))


def _marks(matrix, range_="tv", primaries=None, transfer=None):
  """The filter that marks frames."""
  marks = {
    "colorspace": matrix, "range": range_, "color_primaries": primaries,
    "color_trc": transfer,
  }  # fmt: skip
  given = ":".join(f"{key}={value}" for key, value in marks.items() if value)
  return f"setparams={given}"


def _first(path, folder):
  """Returns the source, and the first frame that a capture takes of it."""
  source = sources.open_source(path, 3)
  (names,) = source.bring(folder)
  return source, np.asarray(Image.open(folder / names[0])).astype(float)


_FFV1 = ("-c:v", "ffv1")
_HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-crf", "4")
_HEVC += ("-tag:v", "hvc1", "-x265-params", "log-level=error:pools=1")


@pytest.mark.parametrize(
  ("transfer", "codec", "depth", "turned"),
  [
    ("arib-std-b67", _FFV1, "yuv444p10le", False),
    ("smpte2084", _FFV1, "yuv420p10le", False),
    ("arib-std-b67", _HEVC, "yuv420p10le", True),
  ],
)
def test_hdr_becomes_srgb(transfer, codec, depth, turned, tmp_path):
  curve = {"arib-std-b67": _hlg, "smpte2084": _pq}[transfer]
  path = tmp_path / ("a.mov" if turned else "a.mkv")
  filters = f"scale=out_color_matrix=bt2020:out_range=tv,format={depth},"
  filters += _marks("bt2020nc", "tv", "bt2020", transfer)
  frames = np.stack([_wall(curve(_light()))] * 4)
  _encode(path, frames, filters, codec)
  if turned:
    flat, path = path, tmp_path / "portrait.mov"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"]
    command += ["-display_rotation", "90", "-i", str(flat), "-c", "copy"]
    subprocess.run([*command, str(path)], check=True)
  source, frame = _first(path, tmp_path / "images")
  if turned:
    assert frame.shape == (256, 32, 3)
    frame = np.rot90(frame, -1)
  assert frame.shape == (32, 256, 3)
  found = frame[16, 16::32]
  errors = np.abs(found - _PATCHES).max(axis=-1)
  assert errors[list(_SATURATED)].max() <= 12
  assert np.delete(errors, _SATURATED).max() <= 8
  assert (found[:2] >= 254).all()
  (line,) = source.messages
  name = "HLG" if transfer == "arib-std-b67" else "PQ"
  assert line == (
    f"converted from {name} in BT.2020 (HDR) to sRGB: all frames; 203 cd/m2 "
    "is white, brighter is clipped"
  )


@pytest.mark.parametrize(
  ("matrix", "range_", "tagged", "width"),
  [
    ("bt709", "tv", True, 256),
    ("bt709", "pc", True, 256),
    ("bt601", "tv", True, 256),
    ("bt601", "pc", True, 256),
    ("bt601", "tv", False, 256),
    ("bt709", "tv", False, 1280),
  ],
)
def test_matrices_and_ranges_of_common_films(
  matrix, range_, tagged, width, tmp_path
):
  values = np.array(_PATCHES) / 255
  frame = np.pad(_wall(values), ((0, 0), (0, width - 256), (0, 0)))
  name = {"bt709": "bt709", "bt601": "smpte170m"}[matrix]
  filters = f"scale=out_color_matrix={matrix}:out_range={range_},"
  filters += "format=yuv444p," + (
    _marks(name, range_) if tagged else _marks("unknown", "unknown")
  )
  path = _encode(tmp_path / "a.mkv", np.stack([frame] * 3), filters, _FFV1)
  source, found = _first(path, tmp_path / "images")
  assert np.abs(found[16, 16:256:32] - _PATCHES).max() <= 4
  assert source.messages == []


def test_wide_colours_of_a_common_range(tmp_path):
  stored = np.array([(187, 123, 73), (104, 147, 96)] * 4) / 255
  filters = "scale=out_color_matrix=bt709:out_range=tv,format=yuv444p10le,"
  filters += _marks("bt709", "tv", "smpte432", "bt709")
  frames = np.stack([_wall(stored)] * 3)
  path = _encode(tmp_path / "a.mkv", frames, filters, _FFV1)
  source, found = _first(path, tmp_path / "images")
  expected = [(200, 120, 60), (90, 150, 90)] * 4
  assert np.abs(found[16, 16::32] - expected).max() <= 4
  assert source.messages == ["converted from Display P3 to sRGB: all frames"]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("aspect", "size"), [("4/3", (192, 96)),
                                              ("3/4", (144, 128))])  # fmt: skip
def test_pixels_become_square(aspect, size, turned, tmp_path):
  frames = np.zeros((3, 96, 144, 3), np.uint16)
  frames[:, 24:72, 36:108] = 60000
  filters = f"format=yuv420p,setsar={aspect}"
  path = _encode(tmp_path / "a.mp4", frames, filters, ("-c:v", "libx264"))
  if turned:
    flat, path = path, tmp_path / "b.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"]
    command += ["-display_rotation", "90", "-i", str(flat), "-c", "copy"]
    subprocess.run([*command, str(path)], check=True)
  source, found = _first(path, tmp_path / "images")
  assert source.sizes[0] == size
  found = np.rot90(found) if turned else found
  assert found.shape[1::-1] == size
  # The square in the middle is where it was.
  bright = found[..., 1] > 128
  for share, count in ((bright.any(axis=0), size[0]), (bright.any(1), size[1])):
    assert abs(share.sum() - count / 2) <= 4


def test_absurd_pixels_are_refused(tmp_path):
  frames = np.zeros((3, 16, 16, 3), np.uint16)
  path = _encode(tmp_path / "a.mkv", frames, "format=yuv420p,setsar=9/1", _FFV1)
  with pytest.raises(ValueError, match=r"a\.mkv: its pixels are 9:1; expected"):
    sources.open_source(path)


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
  """60 frames: 30 in half a second, then 30 in five; each of its own grey."""
  frames = np.zeros((60, 16, 32, 3), np.uint16)
  for i in range(60):
    frames[i] = 257 * (4 * i + 8)
    frames[i, ::4] //= 2
  times = "if(lt(N\\,30)\\,N/60\\,0.5+(N-30)/6)"
  filters = f"settb=1/6000,setpts='({times})/TB',format=yuv444p"
  path = tmp_path_factory.mktemp("uneven") / "a.mkv"
  codec = ("-c:v", "ffv1", "-fps_mode", "vfr")
  return _encode(path, frames, filters, codec, rate=60)


def _number(name):
  """Which of the uneven film's frames a picture is."""
  with Image.open(name) as image:
    return round((np.asarray(image).mean() / 0.875 - 8) / 4)


@pytest.mark.parametrize("wanted", [4, 12, 40, 60, 90])
def test_frames_at_their_own_times(uneven, wanted, tmp_path):
  source = sources.open_source(uneven, wanted)
  (names,) = source.bring(tmp_path / "images")
  numbers = [_number(tmp_path / "images" / name) for name in names]
  assert len(numbers) == min(wanted, 60)
  assert numbers == sorted(set(numbers))
  times = [n / 60 if n < 30 else 0.5 + (n - 30) / 6 for n in numbers]
  if wanted <= 12:
    # One of each window of time, where windows hold any.
    length = 5.5 / wanted
    assert [int(t / length + 1e-3) for t in times] == list(range(wanted))


def test_times_are_those_of_the_film(uneven):
  found = video_frames.read_header(uneven)
  times, scores = video_frames.score(found, found.rate, lambda _: None)
  expected = [i / 60 if i < 30 else 0.5 + (i - 30) / 6 for i in range(60)]
  assert len(scores) == 60
  # Matroska's clock is of milliseconds.
  np.testing.assert_allclose(times, expected, atol=2e-3)
  times, _ = video_frames.score(found, 2, lambda _: None)
  np.testing.assert_allclose(np.floor(np.array(times) * 2 + 0.01),
                             np.arange(len(times)))  # fmt: skip


def test_colours_that_cannot_be_read():
  told = "fmt:yuv420p10le color_range:tv color_space:ictcp "
  told += "color_primaries:bt2020 color_trc:smpte2084"
  with pytest.raises(ValueError, match=r"a\.mov: .*as ictcp; expected BT\.601"):
    video_colors.read(told, (64, 64), "a.mov")
  assert video_colors.read("", (64, 64), "a.mov").matrix == "bt601"
  wide = "color_space:unknown color_primaries:bt2020 color_trc:arib-std-b67"
  assert video_colors.read(wide, (64, 64), "a.mov").matrix == "bt2020"
  grey = video_colors.read("fmt:gray color_space:unknown", (64, 64), "a")
  assert grey.matrix == "" and grey.space is None


def test_an_ffmpeg_that_is_too_old_is_told_of(uneven, tmp_path, monkeypatch):
  found = video_frames.read_header(uneven)
  old = tmp_path / "ffmpeg"
  old.write_text("#!/bin/sh\necho \"Unrecognized option 'fps_mode'.\" >&2\n")
  old.chmod(0o755)
  monkeypatch.setattr(video_frames, "_ffmpeg", lambda: str(old))
  with pytest.raises(ValueError, match=r"lacks fps_mode\); expected ffmpeg 5"):
    video_frames.score(found, 2, lambda _: None)
