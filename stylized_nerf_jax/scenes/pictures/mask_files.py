"""Masks of a scene's pictures: files of two kinds, and discs.

One kind is black where a picture is not to be used (nerfstudio's "mask_path"),
the other where it may be (instant-ngp's dynamic_mask_NAME.png). Both are told
by what is zero, as both programs have it, so that labels of 0 and 1 are masks
like those of 0 and 255. JPEG has no exact zeros: there, half of the range
decides.
"""

import hashlib
import pathlib
from collections.abc import Sequence

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes.pictures import image_reader, picture_opening

_LOSSY = ("JPEG", "WEBP")


class MaskFiles(Sequence):
  """masks[i]: bool [H, W], True where a pixel may be used; decoded on access.

  Masks of other sizes than their pictures are resized: a pixel may be used
  where at least half of its area may.
  """

  def __init__(
    self,
    use: Sequence[pathlib.Path | None],
    sizes: Sequence[tuple[int, int]],
    *,
    avoid: Sequence[pathlib.Path | None] | None = None,
    radii: Sequence[float | None] | None = None,
  ):
    """Takes three things of V pictures, each None where there is none.

    Args:
      use: files that are not black where a pixel may be used.
      sizes: (width, height) of the pictures.
      avoid: files that are black where a pixel may be used.
      radii: of a disc around the middle of the picture, in its widths, beyond
        which nothing is used.
    """
    count = len(sizes)
    self.sizes = tuple((int(w), int(h)) for w, h in sizes)
    self.use = tuple(use)
    self.avoid = tuple(avoid or [None] * count)
    self.radii = tuple(radii or [None] * count)

  def __len__(self) -> int:
    return len(self.sizes)

  def __getitem__(self, index: int) -> np.ndarray:
    size = self.sizes[index]
    usable = np.ones(size[::-1], dtype=bool)
    if self.use[index] is not None:
      usable &= _resized(_marked(self.use[index]), size)
    if self.avoid[index] is not None:
      usable &= _resized(~_marked(self.avoid[index]), size)
    if self.radii[index] is not None:
      usable &= _disc(size, self.radii[index])
    return usable

  def file_digest(self, index: int) -> bytes:
    """Returns the sha256 of one mask's files, and of how they are decoded."""
    digest = hashlib.sha256()
    if self.use[index] is not None:
      digest = _hash(self.use[index])
    digest.update(repr((type(self).__name__, self.sizes[index])).encode())
    if self.avoid[index] is not None:
      digest.update(b"avoid" + _hash(self.avoid[index]).digest())
    if self.radii[index] is not None:
      digest.update(f"radius {self.radii[index]!r}".encode())
    return digest.digest()


def check(mask: pathlib.Path, size: tuple[int, int], *, where: str) -> None:
  """Raises ValueError unless a mask can be read and has a picture's shape.

  Args:
    mask: its file.
    size: (width, height) of the picture.
    where: file, frame and field, for messages.
  """
  found, _ = image_reader.read_header(mask)
  if not image_reader.same_aspect(found, size, reduced=True):
    raise user_error.UserError(
      f"{where}: the mask {mask.name} is {found[0]}x{found[1]} but its image "
      f"is {size[0]}x{size[1]}; expected one aspect ratio: make the mask anew"
    )


def _marked(path: pathlib.Path) -> np.ndarray:
  """Tells where a picture is not black: bool [H, W]."""
  with picture_opening.open_image(path) as image:
    lossy = image.format in _LOSSY
    try:
      image.load()
      if "transparency" in image.info or image.mode in ("LA", "PA", "La"):
        image = image.convert("RGBA")
      # Of a palette the numbers count, not the colours.
      values = np.asarray(image)
    except Exception as error:  # Pillow's readers raise nearly anything.
      reason = " ".join(str(error).split()) or type(error).__name__
      raise user_error.UserError(
        f"{path}: the mask is damaged ({reason}); copy it again or remove it"
      ) from error
  marked = values >= 128 if lossy else values != 0
  if marked.ndim == 3:
    if marked.shape[-1] == 4 and image.mode in ("RGBA", "RGBa"):
      return marked[..., :3].any(axis=-1) & marked[..., 3]
    return marked.any(axis=-1)
  return marked


def _resized(usable: np.ndarray, size: tuple[int, int]) -> np.ndarray:
  share = image_reader.resize(usable.astype(np.float32)[..., None], size)
  return share[..., 0] >= 0.5


def _disc(size: tuple[int, int], radius: float) -> np.ndarray:
  """Tells which pixels lie in a disc around the middle: bool [H, W]."""
  x, y = (np.arange(side) + 0.5 - side / 2 for side in size)
  reach = radius * size[0]
  # Not reach**2: a power of a number that is too large is an error.
  return x**2 + y[:, None] ** 2 <= reach * reach


def _hash(path: pathlib.Path):
  with path.open("rb") as file:
    return hashlib.file_digest(file, "sha256")
