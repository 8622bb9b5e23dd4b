"""Posed recordings whose frames lie in a video, taken apart for a while.

Readers of scenes decode pictures, not videos, and write nothing: where frames
of a recording have to be read, `unpacked` lends a folder that has them.
"""

import contextlib
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence

from stylized_nerf_jax import user_error
from stylized_nerf_jax.outputs import image_writer, video
from stylized_nerf_jax.scenes.exports import stray

# Of ffmpeg's JPEGs, 2 to 31: the best.
_QUALITY = 2


@contextlib.contextmanager
def unpacked(
  scene: str, workplace: str | pathlib.Path
) -> Iterator[str | pathlib.Path]:
  """Lends a scene whose pictures can be read.

  Args:
    scene: what `formats.load_scene` takes.
    workplace: folder in which to make a temporary one, on a disk that has
      room for the frames; it may be missing.

  Yields:
    The scene; of a recording of Stray Scanner with a video and no frames, a
    folder with as many of its frames as are used, which is removed afterwards.

  Raises:
    ValueError: the extra `video` is missing, the recording is wrong, its video
      cannot be decoded, or a file cannot be written.
  """
  root = pathlib.Path(scene).expanduser()
  source = root / stray.VIDEO
  if (
    not stray.is_stray(root)
    or (root / stray.PICTURES).is_dir()
    or not source.is_file()
  ):
    yield scene
    return
  video.check_available()
  numbers = stray.frames(root)
  workplace = pathlib.Path(workplace)
  existing = next(p for p in (workplace, *workplace.parents) if p.is_dir())
  with contextlib.ExitStack() as stack:
    with image_writer.writing(existing / root.name):
      folder = stack.enter_context(tempfile.TemporaryDirectory(dir=existing))
      # Its name is that of the scene.
      folder = pathlib.Path(folder) / root.resolve().name
      (folder / stray.PICTURES).mkdir(parents=True)
      for name in (stray.ODOMETRY, stray.MATRIX):
        shutil.copyfile(root / name, folder / name)
      _extract(source, numbers, folder / stray.PICTURES)
    yield folder


def _extract(
  source: pathlib.Path, numbers: Sequence[int], folder: pathlib.Path
) -> None:
  """Writes frames of a video, as they are stored, called by their numbers."""
  import imageio_ffmpeg

  command = [
    *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin"),
    *("-protocol_whitelist", "file", "-noautorotate", "-i"),
    f"file:{source.resolve()}",
    *("-map", "0:V:0", "-vf", f"select={_is_among(numbers)}"),
    *("-fps_mode", "passthrough", "-q:v", str(_QUALITY), "%d.jpg"),
  ]
  done = subprocess.run(
    command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True
  )
  count = sum(1 for _ in folder.iterdir())
  if count != len(numbers):
    words = done.stderr.decode(errors="replace").strip().splitlines()
    reason = f" ({words[-1].strip()})" if words else ""
    raise user_error.UserError(
      f"{source}: {count} of {len(numbers)} frames can be decoded{reason}; "
      f"expected one for every row of {stray.ODOMETRY}: copy the video again"
    )
  # Backwards: no name is taken that is still to be read.
  for i, number in reversed(list(enumerate(numbers, start=1))):
    (folder / f"{i}.jpg").rename(folder / f"{number:06d}.jpg")


def _is_among(numbers: Sequence[int]) -> str:
  """Returns ffmpeg's expression for a frame n that is one of ascending ones."""
  if len(numbers) == 1:
    return f"eq(n\\,{numbers[0]})"
  middle = len(numbers) // 2
  below, above = _is_among(numbers[:middle]), _is_among(numbers[middle:])
  return f"if(lt(n\\,{numbers[middle]})\\,{below}\\,{above})"
