"""What is captured: a folder of photographs, or a video. Both give images."""

import dataclasses
import pathlib
from collections.abc import Sequence

from stylized_nerf_jax import user_error
from stylized_nerf_jax.captures import (
  duration,
  photographs,
  sharpness,
  video_frames,
)
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.scenes.pictures import image_reader

DEFAULT_FRAMES = 100
_LEAST, _MOST_FRAMES = 3, 2000


@dataclasses.dataclass(frozen=True)
class Photographs:
  """A folder of photographs, all readable.

  Attributes:
    path: the folder.
    items: what lies there, in natural order.
  """

  path: pathlib.Path
  items: Sequence[photographs.Photograph]

  is_video = False

  @property
  def sizes(self) -> list[tuple[int, int]]:
    """(width, height) of every image."""
    return [item.size for item in self.items]

  @property
  def messages(self) -> list[str]:
    """What is left out, and what is done about colours."""
    return photographs.describe(self.path, self.items)

  @property
  def identity(self) -> dict:
    """What tells one source from another, for JSON."""
    return {
      "photographs": [
        [item.path.name, item.path.stat().st_size] for item in self.items
      ]
    }

  def describe(self) -> str:
    """Names what is there."""
    sizes = sorted({f"{w}x{h}" for w, h in self.sizes})
    shown = sizes[0] if len(sizes) == 1 else f"{len(sizes)} sizes"
    return f"{len(self.items)} photographs of {shown}"

  def seconds(self, threads: int) -> float:
    """Estimates how long `bring` takes, which is next to nothing."""
    return 0.02 * len(self.items) / threads

  def bring(self, folder: pathlib.Path) -> list[list[str]]:
    """Brings the images into a folder.

    Returns:
      Their names, in groups of one camera.
    """
    with progress.progress(len(self.items), "photographs") as bar:
      names = photographs.bring(self.items, folder, bar.advance)
    return photographs.group(self.items, names)


@dataclasses.dataclass(frozen=True)
class Frames:
  """A video, of which some frames are taken.

  Attributes:
    video: its header.
    wanted: frames, at least 3.
  """

  video: video_frames.Video
  wanted: int

  is_video = True

  @property
  def path(self) -> pathlib.Path:
    """The file."""
    return self.video.path

  @property
  def sizes(self) -> list[tuple[int, int]]:
    """(width, height) of every image that is expected."""
    count = min(self.wanted, round(self.video.duration * self.video.rate))
    return [(self.video.width, self.video.height)] * max(1, count)

  @property
  def messages(self) -> list[str]:
    """What is done about colours."""
    return self.video.colors.messages

  @property
  def identity(self) -> dict:
    """What tells one source from another, for JSON."""
    size = self.path.stat().st_size
    return {"video": [self.path.name, size], "frames": self.wanted}

  def describe(self) -> str:
    """Names what is there."""
    video = self.video
    return (
      f"a video of {video.duration:.1f} s, {video.width}x{video.height}, of "
      f"which the sharpest {len(self.sizes)} frames are taken, one of each "
      f"{video.duration / len(self.sizes):.2g} s"
    )

  def seconds(self, threads: int) -> float:
    """Estimates how long `bring` takes."""
    size = (self.video.width, self.video.height)
    frames = self.video.duration * self.video.rate
    return duration.estimate_frames(size, frames, threads=threads)

  def bring(self, folder: pathlib.Path) -> list[list[str]]:
    """Brings the images into a folder.

    Returns:
      Their names, in one group, as one camera took them all.

    Raises:
      ValueError: too few frames can be decoded.
    """
    rate = self.video.candidate_rate(self.wanted)
    expected = max(1, round(self.video.duration * rate))
    with progress.progress(expected, "sharpness of frames") as bar:
      times, scores = video_frames.score(self.video, rate, bar.advance)
      if len(scores) < self.wanted and rate < self.video.rate:
        # Frames stand so unevenly that a constant rate passes many over.
        rate = self.video.rate
        times, scores = video_frames.score(self.video, rate, bar.advance)
    chosen = sharpness.sharpest_of_windows(scores, self.wanted, times)
    _check_count(len(chosen), self.path, "frames")
    with progress.progress(len(chosen), "frames") as bar:
      names = video_frames.extract(
        self.video, rate, chosen, folder, bar.advance
      )
    return [names]


def open_source(
  path: str | pathlib.Path, frames: int | None = None
) -> Photographs | Frames:
  """Looks at a folder of photographs or at a video.

  Args:
    path: of either.
    frames: to take from a video; None takes `DEFAULT_FRAMES`.

  Raises:
    ValueError: nothing is there, too little, or something that cannot be read.
  """
  path = pathlib.Path(path).expanduser()
  if path.is_dir():
    if frames is not None:
      raise user_error.UserError(
        f"--frames is {frames}, but {path} is a folder of photographs; "
        "expected it with a video only: leave it out"
      )
    found = photographs.find(path)
    _check_count(len(found), path, "photographs")
    return Photographs(path, found)
  if not path.exists():
    raise user_error.UserError(
      f"{path}: no such file or folder; expected a folder of photographs or a "
      "video"
    )
  if path.suffix.lower() in image_reader.SUFFIXES:
    raise user_error.UserError(
      f"{path}: a single picture; expected a folder of photographs or a video"
    )
  frames = DEFAULT_FRAMES if frames is None else frames
  if not _LEAST <= frames <= _MOST_FRAMES:
    raise user_error.UserError(
      f"--frames is {frames}; expected {_LEAST} to {_MOST_FRAMES}"
    )
  return Frames(video_frames.read_header(path), frames)


def _check_count(count: int, path: pathlib.Path, kind: str) -> None:
  if count < _LEAST:
    raise user_error.UserError(
      f"{path}: {count} {kind}; expected {_LEAST} at the very least, and "
      "better 20 or more"
    )
