"""Picture files of a scene: listed, measured, decoded on access, resized.

Decoded pictures are float32 in [0, 1], sRGB values (never linearised), rows
from the top. Pictures of other colours are turned into sRGB (`color_profiles`);
all others keep the values that are stored. EXIF rotation is ignored: poses and
intrinsics of a capture refer to the pixels as stored.
"""

import concurrent.futures
import hashlib
import pathlib
import re
from collections.abc import Sequence

import numpy as np
from PIL import Image

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes.pictures import (
  color_profiles,
  picture_formats,
  picture_opening,
)

SUFFIXES = picture_formats.SUFFIXES
MAX_PIXELS = picture_opening.MAX_PIXELS
EncodedPicture = picture_opening.EncodedPicture
BACKGROUNDS = {"white": 1.0, "black": 0.0}
_ASPECT_TOLERANCE = 0.02
_ALPHA_MODES = ("RGBA", "LA", "PA", "La", "RGBa")


def natural_key(name: str) -> list:
  """Sort key under which "r_10" follows "r_9"; the name itself breaks ties."""
  parts = re.split(r"([0-9]+)", name.lower())
  return [[int(p) if i % 2 else p for i, p in enumerate(parts)], name]


def list_images(folder: pathlib.Path) -> list[pathlib.Path]:
  """Returns the picture files of a folder in natural order, hidden ones not.

  Of a HEIC or AVIF file and another of its stem the other one is taken; HEIC
  files are passed over where others are there and the extra `heic` is not.

  Raises:
    ValueError: the folder is missing or holds no picture that can be read.
  """
  if not folder.is_dir():
    raise user_error.UserError(
      f"{folder}: no such folder of images; check the path of the scene"
    )
  found = [
    path
    for path in folder.iterdir()
    if picture_formats.is_picture_name(path) and path.is_file()
  ]
  paths, _, unread = picture_formats.choose(found)
  if unread and not paths:
    raise picture_formats.missing_heif(min(unread))
  if not paths:
    raise user_error.UserError(
      f"{folder}: no images; expected files ending in {', '.join(SUFFIXES)}"
    )
  return sorted(paths, key=lambda path: natural_key(path.name))


def read_header(
  path: pathlib.Path | EncodedPicture,
) -> tuple[tuple[int, int], bool]:
  """Returns ((width, height), has alpha) of a picture without decoding it."""
  with picture_opening.open_image(path) as image:
    has_alpha = image.mode in _ALPHA_MODES or "transparency" in image.info
    return image.size, has_alpha


def read_kind(path: pathlib.Path) -> tuple[str, str, tuple[int, int]]:
  """Returns Pillow's format, its mode ("RGB", ...) and (width, height).

  The mode of a file whose palette or one colour is transparent is "", and of
  one that is not of sRGB.
  """
  with picture_opening.open_image(path) as image:
    other = "transparency" in image.info or color_profiles.find(image)
    return image.format, "" if other else image.mode, image.size


def is_srgb(path: pathlib.Path) -> bool:
  """Tells whether a picture's values are those that it is decoded to."""
  with picture_opening.open_image(path) as image:
    return color_profiles.find(image) is None


def describe_colors(paths: Sequence[pathlib.Path], noun: str) -> list[str]:
  """Says what is done about the colours of pictures, by their headers.

  Args:
    paths: of the pictures.
    noun: what they are, in the plural.
  """

  def opened():
    for path in paths:
      with picture_opening.open_image(path) as image:
        yield image

  return color_profiles.describe(opened(), noun)


def check_files(paths: Sequence[pathlib.Path]) -> None:
  """Reads pictures through, as cheaply as each format lets damage be found.

  A picture that is held out is decoded long after training began; whoever
  waits for it should know at once.

  Raises:
    ValueError: a file is damaged; the message names the first one.
  """
  with concurrent.futures.ThreadPoolExecutor() as pool:
    for _ in pool.map(_check_file, paths):
      pass


def _check_file(path: pathlib.Path) -> None:
  """Raises ValueError where a picture is cut off or its checksums are wrong."""
  with picture_opening.open_image(path) as image:
    try:
      if image.format == "PNG":
        image.verify()
        return
      # JPEG can be decoded at an eighth of its size; others ignore this.
      image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
      image.load()
    except Exception as error:  # Pillow's readers raise nearly anything.
      raise _damaged(path, error) from error


def _damaged(path: pathlib.Path, error: Exception) -> user_error.UserError:
  reason = " ".join(str(error).split()) or type(error).__name__
  return user_error.UserError(
    f"{path}: the image is damaged ({reason}); copy it again or remove the "
    "image and its pose"
  )


def _decode(
  path: pathlib.Path | EncodedPicture, *, colors: bool = True
) -> np.ndarray:
  """Decodes a picture to float32 [H, W, 3], or [H, W, 4] where it has alpha.

  Args:
    path: picture file, or its bytes.
    colors: whether values are colours, to be made sRGB, and not a mask.
  """
  with picture_opening.open_image(path) as image:
    try:
      space = color_profiles.find(image) if colors else None
      image.load()
      if image.mode.startswith("I;16"):
        grey = np.asarray(image)
        if space is not None:
          grey = space.grey_to_srgb(grey)
        else:
          grey = grey.astype(np.float32) / 65535
        return np.repeat(grey[..., None], 3, axis=-1)
      has_alpha = image.mode in _ALPHA_MODES or "transparency" in image.info
      if space is not None:
        image = space.to_srgb(image)
      pixels = np.asarray(image.convert("RGBA" if has_alpha else "RGB"))
    except Exception as error:  # Pillow's readers raise nearly anything.
      raise _damaged(path, error) from error
  return pixels.astype(np.float32) / 255


def resize(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
  """Resizes float32 [H, W, C] to size (width, height), averaging areas.

  A whole factor is the exact mean of its block; any other takes Pillow's
  Hamming filter, which has the support of one output pixel and does not ring.
  """
  height, width = pixels.shape[:2]
  if (width, height) == tuple(size):
    return pixels
  whole = width % size[0] == 0 and height % size[1] == 0
  resample = Image.Resampling.BOX if whole else Image.Resampling.HAMMING
  channels = [
    np.asarray(Image.fromarray(channel).resize(size, resample))
    for channel in np.moveaxis(pixels, -1, 0)
  ]
  return np.stack(channels, axis=-1)


def decode_rgba(
  path: pathlib.Path | EncodedPicture,
  size: tuple[int, int] | None = None,
  *,
  colors: bool = True,
) -> tuple[np.ndarray, np.ndarray | None]:
  """Decodes a picture and resizes it with its colours premultiplied by alpha.

  Args:
    path: picture file, or its bytes.
    size: (width, height) to resize to; None keeps the size of the file.
    colors: whether values are colours, to be made sRGB, and not a mask.

  Returns:
    premultiplied colour: float32 [H, W, 3] in [0, 1].
    alpha: float32 [H, W] in [0, 1], or None where the file has none.

  Raises:
    ValueError: the file cannot be decoded.
  """
  pixels = _decode(path, colors=colors)
  has_alpha = pixels.shape[-1] == 4
  if has_alpha:
    pixels = pixels.copy()
    pixels[..., :3] *= pixels[..., 3:]
  if size is not None:
    pixels = np.clip(resize(pixels, size), 0, 1)
  return pixels[..., :3], pixels[..., 3] if has_alpha else None


def check_background(background: str) -> None:
  """Raises ValueError unless the background is "white" or "black"."""
  if background not in BACKGROUNDS:
    raise user_error.UserError(
      f"background is {background!r}; expected one of {', '.join(BACKGROUNDS)}"
    )


def composite(
  color: np.ndarray, alpha: np.ndarray | None, background: str
) -> np.ndarray:
  """Lays a picture over a background.

  Args:
    color: [H, W, 3], in [0, 1], premultiplied.
    alpha: [H, W], in [0, 1]; None: opaque.
    background: name of it, one of BACKGROUNDS.

  Returns:
    [H, W, 3], in [0, 1].
  """
  if alpha is None:
    return color
  return color + (1 - alpha[..., None]) * BACKGROUNDS[background]


class _Files(Sequence):
  """Files of V pictures with the sizes (width, height) they are wanted in."""

  def __init__(
    self,
    paths: Sequence[pathlib.Path],
    sizes: Sequence[tuple[int, int]],
  ):
    self.paths = tuple(paths)
    self.sizes = tuple((int(w), int(h)) for w, h in sizes)

  def __len__(self) -> int:
    return len(self.paths)

  def __getitem__(self, index: int) -> np.ndarray:
    return self.decode(self.paths[index], self.sizes[index])

  def decode(self, path: pathlib.Path, size: tuple[int, int]) -> np.ndarray:
    """Decodes one file."""
    raise NotImplementedError

  def file_digest(self, index: int) -> bytes:
    """Returns the sha256 of one file's bytes, and of how it is decoded."""
    with self.paths[index].open("rb") as file:
      digest = hashlib.file_digest(file, "sha256")
    digest.update(repr((type(self).__name__, self.sizes[index])).encode())
    return digest.digest()


class ImageFiles(_Files):
  """images[i]: float32 [H, W, 3], alpha composited over the background."""

  def __init__(self, paths, sizes, *, background: str = "white"):
    super().__init__(paths, sizes)
    check_background(background)
    self.background = background

  def rgba(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns premultiplied colour and alpha of one, as `decode_rgba`."""
    return decode_rgba(self.paths[index], self.sizes[index])

  def decode(self, path, size):
    return composite(*decode_rgba(path, size), self.background)

  def file_digest(self, index):
    # The background changes the pixels only where there is alpha, and colours
    # are turned only where they are not sRGB; then what a field learns differs.
    digest = super().file_digest(index)
    with picture_opening.open_image(self.paths[index]) as image:
      space = color_profiles.find(image)
    if space is not None and not space.broken:
      digest = hashlib.sha256(digest + b"made sRGB").digest()
    if not read_header(self.paths[index])[1]:
      return digest
    return hashlib.sha256(digest + self.background.encode()).digest()


class AlphaFiles(_Files):
  """alphas[i]: float32 [H, W]; 1 everywhere where a file has no alpha."""

  def decode(self, path, size):
    color, alpha = decode_rgba(path, size, colors=False)
    return np.ones_like(color[..., 0]) if alpha is None else alpha


def downsampled_size(size: tuple[int, int], factor: float) -> tuple[int, int]:
  """Returns (width, height) divided by a factor of at least 1, rounded."""
  return (
    max(1, round(size[0] / factor)),
    max(1, round(size[1] / factor)),
  )


def same_aspect(
  size: tuple[int, int], whole: tuple[float, float], *, reduced: bool = False
) -> bool:
  """Tells whether two sizes (width, height) are of one picture, but for 2%.

  Args:
    size: of the file.
    whole: what is said of it.
    reduced: the file may be a smaller copy, a pixel off from rounding.
  """
  ratio = size[0] / size[1] * whole[1] / whole[0]
  slack = 1 / min(size) if reduced else 0.0
  return not abs(np.log(ratio)) > _ASPECT_TOLERANCE + slack


def check_downsample(downsample: float) -> None:
  """Raises ValueError unless the factor is a number of at least 1."""
  if isinstance(downsample, bool) or not isinstance(
    downsample, (int, float, np.integer, np.floating)
  ):
    raise user_error.UserError(
      f"downsample is {downsample!r}; expected a number of at least 1"
    )
  if not 1 <= downsample < float("inf"):
    raise user_error.UserError(
      f"downsample is {downsample:g}; expected at least 1 (8 divides width "
      "and height by 8)"
    )
