"""Paintings that are dropped into the page: limited, and checked as files."""

import pathlib
import re

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes.pictures import style_set, styles

LARGEST = 20 * 2**20  # bytes
MOST = 16  # paintings of one client
_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic")
_LONGEST_NAME = 40


def check_size(name: str, size: int) -> None:
  """Raises ValueError where a picture is larger than is taken."""
  if size > LARGEST:
    raise user_error.UserError(
      f"{name}: {size / 2**20:.1f} MiB; expected a picture of at most "
      f"{LARGEST // 2**20} MiB: make it smaller"
    )


def keep(
  folder: pathlib.Path, name: str, content: bytes, *, style_size: int
) -> tuple[pathlib.Path, style_set.StyleImage]:
  """Writes what was dropped into a folder, and reads it as a style.

  Args:
    folder: made where it is missing.
    name: as the client says; only its letters and its ending are kept.
    content: of the file.
    style_size: short side that the picture is resized to.

  Returns:
    The file, and the picture in it.

  Raises:
    ValueError: it is too large, or no picture; then nothing is left.
  """
  check_size(name, len(content))
  ending = pathlib.Path(name).suffix.lower()
  if ending not in _ENDINGS:
    raise user_error.UserError(
      f"{name}: expected a picture: {', '.join(_ENDINGS)}"
    )
  stem = re.sub(r"[^\w-]+", "-", pathlib.Path(name).stem).strip("-")
  folder.mkdir(parents=True, exist_ok=True)
  path = _free(folder, stem[:_LONGEST_NAME] or "painting", ending)
  path.write_bytes(content)
  try:
    return path, styles.load_style_image(path, style_size=style_size)
  except BaseException:
    path.unlink()
    raise


def _free(folder: pathlib.Path, stem: str, ending: str) -> pathlib.Path:
  """A name that nothing has yet."""
  path, count = folder / f"{stem}{ending}", 1
  while path.exists():
    count += 1
    path = folder / f"{stem}-{count}{ending}"
  return path
