"""Frames of a video for a capture: as many as wanted, the sharpest ones.

The video is decoded twice by the ffmpeg that comes with imageio-ffmpeg (the
extra `video`): once small and grey, to see when frames are shown and which are
sharp, and once to keep these. Frames are those that were filmed, at their own
times: none is shown twice to fill a rate. ffmpeg turns frames of a camera that
was held sideways upright itself; pixels that are not square are made so.
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
from stylized_nerf_jax.captures import sharpness, video_colors
from stylized_nerf_jax.outputs import video

SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".3gp", ".mts")
# Frames among which the sharpest of a window is chosen.
_CANDIDATES = 8
_SCORED_WIDTH = 480
_QUALITY = 95
# Widest pixels that are in use are those of DV and anamorphic lenses.
_MOST_ASPECT = 4
_SQUARE = (
  "w=if(gt(sar\\,1)\\,round(iw*sar)\\,iw)"
  ":h=if(lt(sar\\,1)\\,round(ih/sar)\\,ih)"
)
# Times of frames, and what went wrong; else films of HDR fill a log.
_TELLING = r"pts_time:|\[(error|fatal)\]|Unrecognized option|No such filter"
_NO_VIDEO = "expected a video: check the file, or name a folder of photographs"


@dataclasses.dataclass(frozen=True)
class Video:
  """What the header of a video says.

  Attributes:
    path: its file.
    duration: seconds.
    rate: frames per second.
    width: square pixels, before it is turned upright; height likewise.
    colors: of its frames.
  """

  path: pathlib.Path
  duration: float
  rate: float
  width: int
  height: int
  colors: video_colors.VideoColors

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
  width, height = _square(int(size[1]), int(size[2]), moving[0], path)
  rate = re.search(r"([0-9.]+k?) fps", moving[0])
  rate = rate or re.search(r"([0-9.]+k?) tbr", moving[0])
  return Video(
    path=path,
    duration=_duration(told, path),
    rate=min(_number(rate[1]), 240.0) if rate else 25.0,
    width=width,
    height=height,
    colors=_read_colors(path, (width, height)),
  )


def _square(
  width: int, height: int, stream: str, path: pathlib.Path
) -> tuple[int, int]:
  """Returns the size of frames whose pixels are square."""
  found = re.search(r"\bSAR ([0-9]+):([0-9]+)", stream)
  if not found or not int(found[1]) or not int(found[2]):
    return width, height
  aspect = int(found[1]) / int(found[2])
  if not 1 / _MOST_ASPECT <= aspect <= _MOST_ASPECT:
    raise user_error.UserError(
      f"{path}: its pixels are {found[1]}:{found[2]}; expected at most "
      f"{_MOST_ASPECT}:1 or 1:{_MOST_ASPECT}: export it with square pixels"
    )
  if aspect > 1:
    return round(width * aspect), height
  return width, round(height / aspect)


def _read_colors(
  path: pathlib.Path, size: tuple[int, int]
) -> video_colors.VideoColors:
  """Asks the first frame for its colours."""
  command = [_ffmpeg(), "-hide_banner", "-nostats", *_input(path)]
  command += ["-map", "0:V:0", "-frames:v", "1", "-vf", "showinfo"]
  told = subprocess.run(
    [*command, "-f", "null", "-"],
    stdin=subprocess.DEVNULL,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.PIPE,
  ).stderr.decode(errors="replace")
  shown = "\n".join(re.findall(r"^.*showinfo.*$", told, re.MULTILINE))
  return video_colors.read(shown, size, path)


def score(
  source: Video, rate: float, advance: Callable[[int], None]
) -> tuple[list[float], list[float]]:
  """Scores the frames of a video by their sharpness.

  Args:
    source: of the frames.
    rate: frames per second that are looked at, at most.
    advance: told of every frame.

  Returns:
    times: seconds of the frames, ascending.
    scores: `sharpness.sharpness` of each.

  Raises:
    ValueError: no frame can be decoded.
  """
  scores, told = [], []
  filters = [*_thinned(source, rate), "showinfo", f"scale={_SCORED_WIDTH}:-2"]
  for frame in _decode(source.path, filters, "gray", told):
    scores.append(sharpness.sharpness(frame))
    advance(1)
  times = [
    float(seconds) for line in told if (seconds := _time(line)) is not None
  ]
  if len(times) != len(scores) or np.any(np.diff(times) < 0):
    times = [i / rate for i in range(len(scores))]
  return times, scores


def extract(
  source: Video,
  rate: float,
  chosen: Sequence[int],
  folder: pathlib.Path,
  advance: Callable[[int], None],
) -> list[str]:
  """Writes frames at full size, as JPEG in sRGB.

  Args:
    source: of the frames.
    rate: as they were scored at.
    chosen: their indices among those that were scored, ascending.
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
  colors = source.colors
  filters = [
    *_thinned(source, rate),
    f"select={_is_one_of(chosen)}",
    ":".join(filter(None, (f"scale={_SQUARE}", colors.scale_options))),
    f"format={colors.pixel_format},setsar=1",
  ]
  for frame in _decode(source.path, filters, colors.pixel_format, []):
    names.append(f"frame_{len(names) + 1:05d}.jpg")
    Image.fromarray(colors.to_srgb(frame)).save(
      partial / names[-1], quality=_QUALITY, subsampling=0
    )
    advance(1)
  shutil.rmtree(folder, ignore_errors=True)
  partial.replace(folder)
  return names


def all_frames(source: Video, longest: int) -> Iterator[np.ndarray]:
  """Yields every frame, upright and in sRGB, at one rate: that of the header.

  Args:
    source: of the frames.
    longest: pixels of the longer side, to which larger frames are reduced; 0:
      none are.

  Yields:
    uint8 [H, W, 3].

  Raises:
    ValueError: no frame can be decoded.
  """
  colors = source.colors
  filters = [
    f"fps={source.rate:.6f}",
    ":".join(filter(None, (f"scale={_SQUARE}", colors.scale_options))),
    f"format={colors.pixel_format},setsar=1",
  ]
  if longest:
    share = f"min(1\\,{longest}/max(iw\\,ih))"
    filters.append(f"scale=round(iw*{share}):round(ih*{share}):flags=area")
  for frame in _decode(source.path, filters, colors.pixel_format, []):
    yield colors.to_srgb(frame)


def _thinned(source: Video, rate: float) -> list[str]:
  """Returns the filter that takes the first frame of every 1/rate seconds."""
  if rate >= source.rate:
    return []

  def number(time: str) -> str:
    # Times are rounded to the clock of the file.
    return f"floor(({time}-start_t)*{rate:.6f}+0.001)"

  later = f"gt({number('t')}\\,{number('prev_selected_t')})"
  return [f"select=isnan(prev_selected_t)+{later}"]


def _time(line: str) -> str | None:
  """Returns the seconds that a line of `showinfo` tells of a frame."""
  found = re.search(r"showinfo.* n: *[0-9]+ .*pts_time:\s*(-?[0-9.e+-]+)", line)
  return found[1] if found else None


def _decode(
  path: pathlib.Path, filters: Sequence[str], pixel_format: str, told: list[str]
) -> Iterator[np.ndarray]:
  """Yields filtered frames.

  Args:
    path: of the video.
    filters: of ffmpeg.
    pixel_format: "gray", "rgb24" or "rgb48be".
    told: gets those lines of ffmpeg's words that this file looks at, when all
      frames were taken.

  Yields:
    uint8 [H, W] of "gray", uint8 [H, W, 3] of "rgb24", uint16 of "rgb48be".

  Raises:
    ValueError: there are none, or ffmpeg fails before the first one.
  """
  command = [
    *(_ffmpeg(), "-hide_banner", "-nostats", "-v", "level+info"),
    *_input(path),
    *("-map", "0:V:0", "-vf", ",".join(filters), "-fps_mode", "passthrough"),
    *("-f", "image2pipe", "-c:v", "pgm" if pixel_format == "gray" else "ppm"),
    *("-pix_fmt", pixel_format, "-"),
  ]
  channels = () if pixel_format == "gray" else (3,)
  # PPM of 16 bits has the high byte first.
  values = np.dtype(">u2" if pixel_format == "rgb48be" else "u1")
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
        count = int(np.prod(shape))
        content = process.stdout.read(count * values.itemsize)
        if len(content) < count * values.itemsize:
          break
        frame = np.frombuffer(content, values).reshape(shape)
        yield frame.astype(values.newbyteorder("="), copy=False)
        empty = False
    finally:
      process.kill()
    log.seek(0)
    lines = (line.decode(errors="replace") for line in log)
    told.extend(line for line in lines if re.search(_TELLING, line))
  if empty:
    raise _no_frame(path, told)


def _no_frame(path: pathlib.Path, told: Sequence[str]) -> user_error.UserError:
  """Words ffmpeg's failure."""
  words = "\n".join(told)
  lacks = re.search(
    r"Unrecognized option '(fps_mode)'|No such filter: '(\w+)'", words
  )
  if lacks:
    return user_error.UserError(
      f"{path}: {_ffmpeg()} cannot read it (it lacks "
      f"{lacks[1] or lacks[2]}); expected ffmpeg 5.1 or later: pip install "
      "--upgrade imageio-ffmpeg, and unset IMAGEIO_FFMPEG_EXE"
    )
  errors = [line for line in told if "[error]" in line or "[fatal]" in line]
  reason = f" ({errors[-1].partition('] ')[2].strip()})" if errors else ""
  return user_error.UserError(
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
