"""Write and read mp4 videos: H.264, 4:2:0, which every player shows.

Encoding is done by the ffmpeg that comes with imageio-ffmpeg (the extra
`video`). Frames go to it one at a time, into a file beside the wanted one
that takes its place when all is written.
"""

import contextlib
import pathlib
import subprocess
import tempfile
from collections.abc import Iterable, Iterator

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.outputs import image_writer

_INSTALL = "pip install 'stylized-nerf-jax[video]'"
# Marked as BT.709, or players guess the colours from the size. Its transfer,
# not sRGB's: players show values of BT.709 as they are, and not all know the
# other. A filter sets the marks: ffmpeg 9 drops such options of the output.
_COLOURS = (
  "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,setparams=range=tv:"
  "colorspace=bt709:color_primaries=bt709:color_trc=bt709"
)


def check_available() -> None:
  """Raise ValueError, naming the extra, where videos cannot be written."""
  _import_ffmpeg()


def is_available() -> bool:
  """Tells whether videos can be written."""
  try:
    check_available()
  except user_error.UserError:
    return False
  return True


class VideoWriter:
  """Write frames to an mp4 file, one by one; a context manager.

  Where the block ends by an exception nothing is left behind, and a video
  that had the name before is kept.
  """

  def __init__(
    self, path: str | pathlib.Path, *, fps: float = 24, quality: float = 7
  ):
    """Prepare to write; nothing is written before the first frame.

    Args:
      path: file to write, ending in .mp4.
      fps: frames per second, positive.
      quality: 1 (small) to 10 (best).

    Raises:
      ValueError: an argument is out of range, or the extra is missing.
    """
    self.path = pathlib.Path(path)
    if self.path.suffix.lower() != ".mp4":
      raise user_error.UserError(f"{path}: expected a name that ends in .mp4")
    if not 0 < fps <= 1000:
      raise user_error.UserError(f"fps is {fps}; expected above 0, up to 1000")
    if not 1 <= quality <= 10:
      raise user_error.UserError(
        f"video quality is {quality}; expected 1 to 10"
      )
    self._ffmpeg = _import_ffmpeg()
    self._options = ["-r", f"{fps:g}"]
    self._crf = round(40 - 3.2 * quality)
    self._partial = self.path.with_name(f".{self.path.stem}.partial.mp4")
    self._process = None
    self._log = None
    self._shape = None
    self.num_frames = 0

  def __enter__(self) -> "VideoWriter":
    return self

  def __exit__(self, kind, error, trace) -> None:
    if kind is None:
      self.close()
    else:
      self._abandon()

  def append(self, frame: np.ndarray) -> None:
    """Add a frame.

    Args:
      frame: [H, W, 3], floats in [0, 1] or uint8; all frames of one shape.
        Odd sides are made even by repeating the last row or column.

    Raises:
      ValueError: the shape differs, the frame holds NaN, or ffmpeg failed.
    """
    pixels = frame_pixels(frame, self.num_frames, self._shape)
    self._shape = pixels.shape
    height, width = pixels.shape[:2]
    even = ((0, height % 2), (0, width % 2), (0, 0))
    pixels = np.pad(pixels, even, mode="edge")
    if self._process is None:
      self._start(pixels.shape[1], pixels.shape[0])
    try:
      self._process.stdin.write(pixels.tobytes())
    except OSError:
      raise self._failure() from None
    self.num_frames += 1

  def close(self) -> None:
    """Finish the file and put it in its place.

    Raises:
      ValueError: no frame was written, or ffmpeg failed.
    """
    if self._process is None:
      raise user_error.UserError(
        f"{self.path}: a video without frames is not written"
      )
    try:
      self._process.stdin.close()
    except OSError:
      raise self._failure() from None
    if self._process.wait():
      raise self._failure()
    self._log.close()
    with image_writer.writing(self.path):
      self._partial.replace(self.path)

  def _start(self, width: int, height: int) -> None:
    command = [
      self._ffmpeg.get_ffmpeg_exe(),
      *("-y", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"),
      *("-s", f"{width}x{height}", *self._options, "-i", "-", "-an"),
      *("-vf", _COLOURS, "-c:v", "libx264", "-pix_fmt", "yuv420p"),
      *("-crf", str(self._crf), "-movflags", "+faststart"),
      str(self._partial),
    ]
    with image_writer.writing(self.path):
      self._partial.parent.mkdir(parents=True, exist_ok=True)
      self._partial.touch()
    self._log = tempfile.TemporaryFile()  # noqa: SIM115
    self._process = subprocess.Popen(
      command,
      stdin=subprocess.PIPE,
      stdout=subprocess.DEVNULL,
      stderr=self._log,
    )

  def _failure(self) -> user_error.UserError:
    """Clean up, and return what to raise: ffmpeg's last words."""
    self._process.wait()
    self._log.seek(0)
    words = self._log.read().decode(errors="replace").strip().splitlines()
    self._abandon()
    reason = words[-1] if words else "ffmpeg stopped"
    return user_error.UserError(
      f"{self.path}: the video cannot be written ({reason})"
    )

  def _abandon(self) -> None:
    if self._process is None:
      return
    self._process.kill()
    self._process.wait()
    # Frames that ffmpeg has not taken are given up.
    with contextlib.suppress(OSError):
      self._process.stdin.close()
    self._log.close()
    self._partial.unlink(missing_ok=True)


def frame_pixels(
  frame: np.ndarray, number: int, shape: tuple[int, ...] | None
) -> np.ndarray:
  """Check a frame of a sequence.

  Args:
    frame: [H, W, 3], floats in [0, 1] or uint8.
    number: of the frame, from 0.
    shape: of the frames before; None: there is none.

  Returns:
    uint8 [H, W, 3].

  Raises:
    ValueError: the shape differs, or the frame holds NaN.
  """
  pixels = image_writer.to_uint8(frame, name=f"frame {number}")
  if pixels.ndim != 3 or pixels.shape[2] != 3:
    raise user_error.UserError(
      f"frame {number} has shape {pixels.shape}; expected [H, W, 3]"
    )
  if shape not in (None, pixels.shape):
    raise user_error.UserError(
      f"frame {number} has shape {pixels.shape}; expected {shape}, as the "
      "frames before"
    )
  return pixels


def write_video(
  path: str | pathlib.Path,
  frames: Iterable[np.ndarray],
  *,
  fps: float = 24,
  quality: float = 7,
) -> int:
  """Write frames, taken one at a time, to an mp4 file.

  Args:
    path: file to write, ending in .mp4.
    frames: [H, W, 3] each, floats in [0, 1] or uint8.
    fps: frames per second.
    quality: 1 (small) to 10 (best).

  Returns:
    The number of frames written.

  Raises:
    ValueError: as `VideoWriter` does.
  """
  with VideoWriter(path, fps=fps, quality=quality) as writer:
    for frame in frames:
      writer.append(frame)
  return writer.num_frames


def read_video(path: str | pathlib.Path) -> Iterator[np.ndarray]:
  """Yield the frames of a video, uint8 [H, W, 3], one at a time.

  Raises:
    ValueError: the file is missing or no video, or the extra is missing.
  """
  path = pathlib.Path(path)
  ffmpeg = _import_ffmpeg()
  if not path.is_file():
    raise user_error.UserError(f"{path}: no such video file")
  command = [
    *(ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path)),
    *("-f", "image2pipe", "-c:v", "ppm", "-"),
  ]
  empty = True
  # Leaving the block early closes the pipe, at which ffmpeg stops.
  with subprocess.Popen(
    command,
    stdin=subprocess.DEVNULL,
    stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
  ) as process:
    while process.stdout.readline() == b"P6\n":
      width, height = map(int, process.stdout.readline().split())
      process.stdout.readline()
      frame = process.stdout.read(width * height * 3)
      yield np.frombuffer(frame, np.uint8).reshape(height, width, 3)
      empty = False
  if empty:
    raise user_error.UserError(f"{path}: cannot be read as a video")


def _import_ffmpeg():
  try:
    import imageio_ffmpeg
  except ImportError:
    raise user_error.UserError(
      f"videos need the extra `video`: {_INSTALL} (or name a folder instead "
      "of an .mp4 file to write PNG frames)"
    ) from None
  return imageio_ffmpeg
