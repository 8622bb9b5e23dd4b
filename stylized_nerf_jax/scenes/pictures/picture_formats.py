"""The formats of picture files, for scenes, styles and captures alike.

HEIC and HEIF take pillow-heif (the extra `heic`). What a file is of is told by
its first bytes: phones' exports name HEIC files ".jpg".
"""

import functools
import io
import pathlib
import warnings
from collections.abc import Iterable, Sequence

from PIL import Image, features

from stylized_nerf_jax import user_error

HEIF_SUFFIXES = (".heic", ".heif", ".hif")
SUFFIXES = (
  *(".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"),
  *(".jfif", ".mpo", ".avif", *HEIF_SUFFIXES),
)
# What is of several pictures, MPO, is JPEG to Pillow's `open`.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
# Of two files of one stem that hold the same picture these are left out.
_SECOND_CHOICE = (*HEIF_SUFFIXES, ".avif")
_INSTALL = "pip install 'stylized-nerf-jax[heic]'"
_HEAD = 64  # bytes, of which the brands of HEIF and AVIF are


class MissingError(user_error.UserError):
  """A picture is of a format that nothing installed can read."""


def is_picture_name(path: str | pathlib.Path) -> bool:
  """Tells by its name whether a file is a picture, of any format."""
  path = pathlib.Path(path)
  return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def missing_heif(where: object) -> MissingError:
  """Returns the error that names the extra for HEIC pictures."""
  return MissingError(
    f"{where}: HEIC and HEIF pictures need the extra `heic`: {_INSTALL} (or "
    "export them as JPEG)"
  )


def open_picture(
  source: pathlib.Path | io.BytesIO, where: object
) -> Image.Image:
  """Opens a picture by its header.

  Args:
    source: the file, or its bytes.
    where: what an error calls it.

  Raises:
    MissingError: nothing that is installed reads its format.
    Exception: whatever Pillow's readers raise, for callers to word.
  """
  formats = list(_FORMATS)
  brands = _brands(source)
  if brands and (b"avif" in brands or b"avis" in brands):
    if not features.check("avif"):
      raise MissingError(
        f"{where}: this Pillow cannot read AVIF; expected 11.3 or later, with "
        "AVIF: pip install --upgrade pillow (or store it as PNG)"
      )
    formats = ["AVIF"]
  elif brands:
    if not _register_heif():
      raise missing_heif(where)
    formats = ["HEIF"]
  with warnings.catch_warnings():
    # The callers' own limit decides, with a message that names the file.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    return Image.open(source, formats=formats)


def choose(
  paths: Iterable[pathlib.Path],
) -> tuple[list[pathlib.Path], list[pathlib.Path], list[pathlib.Path]]:
  """Chooses the pictures to read among those that are there.

  Phones export HEIC or AVIF beside a JPEG of the same picture; the JPEG is
  read without an extra.

  Args:
    paths: names of pictures.

  Returns:
    kept: in order.
    twins: HEIC and AVIF files beside another picture of the same stem.
    unread: HEIC files, where the extra `heic` is not installed.
  """
  paths = list(paths)
  plain = {
    _stem(path) for path in paths if path.suffix.lower() not in _SECOND_CHOICE
  }
  kept, twins, unread = [], [], []
  for path in paths:
    suffix = path.suffix.lower()
    if suffix in _SECOND_CHOICE and _stem(path) in plain:
      twins.append(path)
    elif suffix in HEIF_SUFFIXES and not _register_heif():
      unread.append(path)
    else:
      kept.append(path)
  return kept, twins, unread


def describe_choice(
  twins: Sequence[pathlib.Path], unread: Sequence[pathlib.Path]
) -> list[str]:
  """Says in a line for each kind what `choose` has left out."""
  lines = []
  if twins:
    lines.append(
      f"{len(twins)} HEIC or AVIF file(s) such as {twins[0].name} stand beside "
      "another picture of the same name, which is taken"
    )
  if unread:
    lines.append(
      f"{len(unread)} HEIC file(s) such as {unread[0].name} are not read; they "
      f"need the extra `heic`: {_INSTALL} (or export them as JPEG)"
    )
  return lines


def _stem(path: pathlib.Path) -> tuple[pathlib.Path, str]:
  return path.parent, path.stem.casefold()


def _brands(source: pathlib.Path | io.BytesIO) -> bytes:
  """Returns the brands of a file of HEIF's family; none of any other."""
  if isinstance(source, io.BytesIO):
    head = source.getvalue()[:_HEAD]
  else:
    with pathlib.Path(source).open("rb") as file:
      head = file.read(_HEAD)
  if head[4:8] != b"ftyp":
    return b""
  return head[8 : int.from_bytes(head[:4], "big")]


@functools.cache
def _register_heif() -> bool:
  """Makes Pillow read HEIF; tells whether it does."""
  try:
    import pillow_heif
  except ImportError:
    return False
  pillow_heif.register_heif_opener()
  return True
