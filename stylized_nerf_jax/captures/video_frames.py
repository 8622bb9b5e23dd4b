"""Frames of a video for a capture: as many as wanted, the sharpest ones.

The video is decoded twice by the ffmpeg that comes with imageio-ffmpeg (the
extra `video`), at one rate: once small and grey, to see which frames are
sharp, and once to keep these. ffmpeg turns frames of a camera that was held
sideways upright itself.
"""

import contextlib
import dataclasses
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from PIL import Image

from stylized_nerf_jax import user_error
from stylized_nerf_jax.captures import sharpness
from stylized_nerf_jax.outputs import video

SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".3gp", ".mts")
# Frames among which the sharpest of a window is chosen.
_CANDIDATES = 8
_SCORED_WIDTH = 480
_QUALITY = 95
_NO_VIDEO = "expected a video: check the file, or name a folder of photographs"


@dataclasses.dataclass(frozen=True)
class Video:
  """What the header of a video says.

  Attributes:
    path: its file.
    duration: seconds.
    rate: frames per second.
    width: pixels as stored, before it is turned upright; height likewise.
  """

  path: pathlib.Path
  duration: float
  rate: float
  width: int
  height: int

  def candidate_rate(self, count: int) -> float:
    """Frames per second that are looked at when `count` are wanted."""
    return min(self.rate, _CANDIDATES * count / self.duration)


def read_header(path: pathlib.Path) -> Video:
  """Reads what a video file says of itself.

  Raises:
    ValueError: the extra is missing, the file cannot be read, or it holds no
      video stream.
  """
  ffmpeg = _ffmpeg()
  if path.stat().st_size == 0:
    raise user_error.UserError(
      f"{path}: the file is empty (0 bytes); copy it again"
    )
  # Without an output ffmpeg says what it found, and fails.
  told = subprocess.run(
    [ffmpeg, "-hide_banner", *_input(path)],
    stdin=subprocess.DEVNULL,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.PIPE,
  ).stderr.decode(errors="replace")
  streams = re.findall(r"^\s*Stream #.*$", told, re.MULTILINE)
  if not streams:
    raise user_error.UserError(
      f"{path}: cannot be read as a video; {_NO_VIDEO}"
    )
  moving = [
    line
    for line in streams
    if " Video: " in line and "(attached pic)" not in line
  ]
  if not moving:
    kinds = ", ".join(re.findall(r": (\w+): ", " ".join(streams))).lower()
    raise user_error.UserError(
      f"{path}: no video stream (found: {kinds or 'none'}); {_NO_VIDEO}"
    )
  size = re.search(r"\b([1-9][0-9]{0,5})x([1-9][0-9]{0,5})\b", moving[0])
  if not size:
    raise user_error.UserError(f"{path}: its frames have no size; {_NO_VIDEO}")
  rate = re.search(r"([0-9.]+k?) fps", moving[0])
  rate = rate or re.search(r"([0-9.]+k?) tbr", moving[0])
  return Video(
    path=path,
    duration=_duration(told, path),
    rate=min(_number(rate[1]), 240.0) if rate else 25.0,
    width=int(size[1]),
    height=int(size[2]),
  )


def score(
  source: Video, rate: float, advance: Callable[[int], None]
) -> list[float]:
  """Scores the frames of a video by their sharpness.

  Args:
    source: of the frames.
    rate: frames per second that are looked at.
    advance: told of every frame.

  Returns:
    `sharpness.sharpness` of each, from the first on.

  Raises:
    ValueError: no frame can be decoded.
  """
  scores = []
  filters = f"fps={rate:.6f},scale={_SCORED_WIDTH}:-2"
  for frame in _decode(source.path, filters, "pgm"):
    scores.append(sharpness.sharpness(frame))
    advance(1)
  return scores


def extract(
  source: Video,
  rate: float,
  chosen: Sequence[int],
  folder: pathlib.Path,
  advance: Callable[[int], None],
) -> list[str]:
  """Writes frames at full size, as JPEG.

  Args:
    source: of the frames.
    rate: as they were scored at.
    chosen: their indices at this rate, ascending.
    folder: to write to; what another call left there is replaced, and nothing
      is there before all is.
    advance: told of every frame.

  Returns:
    The names of the files, in order.

  Raises:
    ValueError: frames cannot be decoded.
    OSError: they cannot be written.
  """
  partial = folder.with_name(folder.name + ".partial")
  shutil.rmtree(partial, ignore_errors=True)
  partial.mkdir(parents=True)
  names = []
  filters = f"fps={rate:.6f},select={_is_one_of(chosen)}"
  for frame in _decode(source.path, filters, "ppm"):
    names.append(f"frame_{len(names) + 1:05d}.jpg")
    Image.fromarray(frame).save(
      partial / names[-1], quality=_QUALITY, subsampling=0
    )
    advance(1)
  shutil.rmtree(folder, ignore_errors=True)
  partial.replace(folder)
  return names


def all_frames(source: Video, longest: int) -> Iterator[np.ndarray]:
  """Yields every frame, upright, at one rate: that of the header.

  Args:
    source: of the frames.
    longest: pixels of the longer side, to which larger frames are reduced; 0:
      none are.

  Yields:
    uint8 [H, W, 3].

  Raises:
    ValueError: no frame can be decoded.
  """
  filters = f"fps={source.rate:.6f}"
  if longest:
    share = f"min(1\\,{longest}/max(iw\\,ih))"
    filters += f",scale=round(iw*{share}):round(ih*{share}):flags=area"
  yield from _decode(source.path, filters, "ppm")


def _decode(
  path: pathlib.Path, filters: str, codec: str
) -> Iterator[np.ndarray]:
  """Yields filtered frames: uint8 [H, W] of "pgm", [H, W, 3] of "ppm".

  Raises:
    ValueError: there are none, or ffmpeg fails before the first one.
  """
  command = [
    *(_ffmpeg(), "-v", "error", *_input(path)),
    *("-map", "0:V:0", "-vf", filters, "-fps_mode", "passthrough"),
    *("-f", "image2pipe", "-c:v", codec),
    *("-pix_fmt", "gray" if codec == "pgm" else "rgb24", "-"),
  ]
  channels = () if codec == "pgm" else (3,)
  empty = True
  with (
    tempfile.TemporaryFile() as log,
    subprocess.Popen(
      command,
      stdin=subprocess.DEVNULL,
      stdout=subprocess.PIPE,
      stderr=log,
    ) as process,
  ):
    try:
      while process.stdout.readline() in (b"P5\n", b"P6\n"):
        width, height = map(int, process.stdout.readline().split())
        process.stdout.readline()
        shape = (height, width, *channels)
        frame = process.stdout.read(int(np.prod(shape)))
        if len(frame) < np.prod(shape):
          break
        yield np.frombuffer(frame, np.uint8).reshape(shape)
        empty = False
    finally:
      process.kill()
    log.seek(0)
    words = log.read().decode(errors="replace").strip().splitlines()
  if empty:
    reason = f" ({words[-1].strip()})" if words else ""
    raise user_error.UserError(
      f"{path}: no frame can be decoded{reason}; {_NO_VIDEO}"
    )


def _is_one_of(chosen: Sequence[int]) -> str:
  """Returns ffmpeg's expression for a frame n that is among ascending ones.

  By halves: ffmpeg refuses sums of more than 100 terms.
  """
  if len(chosen) == 1:
    return f"eq(n\\,{chosen[0]})"
  middle = len(chosen) // 2
  below, above = _is_one_of(chosen[:middle]), _is_one_of(chosen[middle:])
  return f"if(lt(n\\,{chosen[middle]})\\,{below}\\,{above})"


def _input(path: pathlib.Path) -> list[str]:
  """Names a file to ffmpeg, which else may take names and lists for URLs."""
  options = ["-nostdin", "-protocol_whitelist", "file"]
  return [*options, "-i", f"file:{path}"]


def _duration(told: str, path: pathlib.Path) -> float:
  """Returns seconds, counting them where the header has none."""
  found = re.search(r"Duration: ([0-9]+):([0-9]+):([0-9.]+)", told)
  seconds = 0.0
  if found:
    hours, minutes, rest = found.groups()
    seconds = 3600 * int(hours) + 60 * int(minutes) + float(rest)
  if seconds <= 0:
    import imageio_ffmpeg

    with contextlib.suppress(RuntimeError):
      seconds = imageio_ffmpeg.count_frames_and_secs(str(path))[1]
  return max(seconds, 0.04)


def _number(text: str) -> float:
  """Reads ffmpeg's rates, of which 1k is a thousand."""
  if text.endswith("k"):
    return 1000 * float(text[:-1])
  return max(float(text), 0.01)


def _ffmpeg() -> str:
  video.check_available()
  import imageio_ffmpeg

  return imageio_ffmpeg.get_ffmpeg_exe()
