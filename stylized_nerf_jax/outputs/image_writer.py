"""Write pictures and depth maps, and lay pictures side by side.

Pictures are float [H, W, 3] or [H, W] in [0, 1], or uint8; rows from the top.
"""

import contextlib
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from stylized_nerf_jax import user_error

# From far to near; dark to light, so that it also reads in grey.
_DEPTH_COLOURS = (
  np.array(
    [
      [24, 20, 60],
      [62, 48, 138],
      [43, 101, 161],
      [46, 150, 150],
      [98, 192, 112],
      [199, 219, 72],
      [255, 236, 160],
    ]
  )
  / 255
)


def to_uint8(image: np.ndarray, *, name: str = "image") -> np.ndarray:
  """Round a picture to 8 bits.

  Args:
    image: float in [0, 1] (values beyond are clipped) or uint8; any shape.
    name: what an error calls it.

  Returns:
    uint8 of the same shape.

  Raises:
    ValueError: the picture holds NaN or infinity, or is of another type.
  """
  image = np.asarray(image)
  if image.dtype == np.uint8:
    return image
  if not np.issubdtype(image.dtype, np.floating):
    raise user_error.UserError(
      f"{name} has dtype {image.dtype}; expected uint8 or floats in [0, 1]"
    )
  if not np.isfinite(image).all():
    bad = int(np.size(image) - np.isfinite(image).sum())
    raise user_error.UserError(
      f"{name} holds {bad} values that are NaN or infinite; it is not written"
    )
  return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)


def save_image(
  path: str | pathlib.Path, image: np.ndarray, *, quality: int = 92
) -> None:
  """Write a picture: PNG, or JPEG where the name ends in .jpg or .jpeg.

  Args:
    path: file to write; its folder is created.
    image: [H, W, 3] or [H, W], floats in [0, 1] or uint8.
    quality: of JPEG, 1 to 95.

  Raises:
    ValueError: the shape or a value is wrong, or the file cannot be written.
  """
  path = pathlib.Path(path)
  pixels = to_uint8(image, name=f"the picture for {path.name}")
  if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
    raise user_error.UserError(
      f"the picture for {path} has shape {pixels.shape}; expected [H, W, 3] "
      "or [H, W]"
    )
  options = {}
  if path.suffix.lower() in (".jpg", ".jpeg"):
    options = {"quality": quality}
  elif path.suffix.lower() != ".png":
    raise user_error.UserError(
      f"{path}: expected a name that ends in .png or .jpg"
    )
  with writing(path):
    Image.fromarray(pixels).save(path, **options)


def save_depth(path: str | pathlib.Path, depth: np.ndarray) -> None:
  """Write a depth map as .npy, float32 [H, W], for anyone's evaluator.

  Args:
    path: file to write, ending in .npy; its folder is created.
    depth: [H, W], Euclidean distance from the camera centre in the scene
      file's units, 0 where nothing is.

  Raises:
    ValueError: the shape or a value is wrong, or the file cannot be written.
  """
  path = pathlib.Path(path)
  depth = np.asarray(depth, np.float32)
  if depth.ndim != 2 or path.suffix != ".npy":
    raise user_error.UserError(
      f"{path}: depth of shape {depth.shape}; expected [H, W] and a name that "
      "ends in .npy"
    )
  if not np.isfinite(depth).all() or (depth < 0).any():
    raise user_error.UserError(
      f"{path}: depth holds NaN, infinite or negative values; it is not written"
    )
  with writing(path):
    np.save(path, depth)


def depth_to_colour(
  depth: np.ndarray, *, near: float | None = None, far: float | None = None
) -> np.ndarray:
  """Colour a depth map by inverse depth: near is light, far is dark blue.

  Args:
    depth: [H, W], 0 where nothing is.
    near: depth of the lightest colour; default: the nearest but 1%.
    far: depth of the darkest colour; default: the farthest but 1%.

  Returns:
    float32 [H, W, 3] in [0, 1]; black where depth is 0.
  """
  depth = np.asarray(depth, np.float64)
  hit = depth > 0
  if not hit.any():
    return np.zeros((*depth.shape, 3), np.float32)
  near = np.percentile(depth[hit], 1) if near is None else near
  far = np.percentile(depth[hit], 99) if far is None else far
  if not 0 < near <= far:
    raise user_error.UserError(
      f"depth range {near} to {far}; expected 0 < near <= far"
    )
  inverse = 1 / np.where(hit, depth, far)
  span = max(1 / near - 1 / far, 1e-9)
  share = np.clip((inverse - 1 / far) / span, 0, 1)
  knots = np.linspace(0, 1, len(_DEPTH_COLOURS))
  channels = [np.interp(share, knots, c) for c in _DEPTH_COLOURS.T]
  colours = np.stack(channels, axis=-1) * hit[..., None]
  return colours.astype(np.float32)


def side_by_side(images: Sequence[np.ndarray], *, gap: int = 0) -> np.ndarray:
  """Join pictures of one height from left to right.

  Args:
    images: [H, W_i, 3] each, floats in [0, 1] or uint8.
    gap: white pixels between two pictures.

  Returns:
    uint8 [H, sum W_i + gaps, 3].

  Raises:
    ValueError: there is no picture, or heights differ.
  """
  pixels = [to_uint8(image) for image in images]
  heights = sorted({len(part) for part in pixels})
  if len(heights) != 1:
    raise user_error.UserError(
      f"pictures of heights {heights} side by side; expected one height"
    )
  space = np.full((heights[0], gap, 3), 255, np.uint8)
  parts = [pixels[0]]
  for part in pixels[1:]:
    parts += [space, part]
  return np.concatenate(parts, axis=1)


@contextlib.contextmanager
def writing(path: pathlib.Path) -> Iterator[None]:
  """Create a file's folder, and say in one line why writing failed."""
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    yield
  except OSError as error:
    reason = error.strerror or str(error)
    raise user_error.UserError(
      f"{path}: cannot be written ({reason}); choose another place"
    ) from error
