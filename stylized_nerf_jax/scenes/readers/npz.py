"""Reader of scenes in one NumPy file, as tiny NeRF examples use it.

`images` [V, H, W, 3 or 4] are uint8 or floats in [0, 1]; `poses` [V, 4, 4] are
OpenGL camera-to-world; `focal` [] is in pixels, and the principal point is the
middle. `masks` [V, H, W] (nonzero where a pixel may be used), `near`, `far`,
`layout` and the indices `train`, `val` and `test` may stand there too. Without
near and far, bounds are `camera_bounds`.
"""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import leftovers
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import image_reader
from stylized_nerf_jax.scenes.readers import camera_bounds, numpy_files

SPLITS = ("train", "val", "test")
_READ = (
  *("images", "masks", "poses", "focal", "near", "far", "layout"),
  *SPLITS,
)


class _Arrays(Sequence):
  """V pictures [H, W, C] of one array, resized when they are asked for."""

  def __init__(self, pixels: np.ndarray, size: tuple[int, int]):
    self._pixels = pixels
    self._size = size

  def __len__(self) -> int:
    return len(self._pixels)

  def rgba(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns premultiplied colour and alpha, as `image_reader.decode_rgba`."""
    pixels = self._pixels[index]
    whole = pixels.dtype == np.uint8
    pixels = pixels.astype(np.float32)
    pixels = pixels / 255 if whole else np.clip(pixels, 0, 1)
    if pixels.shape[-1] == 4:
      pixels[..., :3] *= pixels[..., 3:]
    pixels = np.clip(image_reader.resize(pixels, self._size), 0, 1)
    alpha = pixels[..., 3] if pixels.shape[-1] == 4 else None
    return pixels[..., :3], alpha


class _Images(_Arrays):
  """images[i]: float32 [H, W, 3], alpha composited over the background."""

  def __init__(self, pixels, size, *, background: str):
    super().__init__(pixels, size)
    image_reader.check_background(background)
    self.background = background

  def __getitem__(self, index: int) -> np.ndarray:
    return image_reader.composite(*self.rgba(index), self.background)


class _Alphas(_Arrays):
  """alphas[i]: float32 [H, W]."""

  def __getitem__(self, index: int) -> np.ndarray:
    return self.rgba(index)[1]


class _Masks(_Arrays):
  """masks[i]: bool [H, W]."""

  def __getitem__(self, index: int) -> np.ndarray:
    mask = (self._pixels[index] != 0).astype(np.float32)[..., None]
    return image_reader.resize(mask, self._size)[..., 0] >= 0.5


def find_file(root: pathlib.Path) -> pathlib.Path | None:
  """Returns the one `.npz` file of a folder, or the file itself, or None."""
  if root.is_file():
    return root if root.suffix == ".npz" else None
  files = sorted(root.glob("*.npz"))
  return files[0] if len(files) == 1 else None


def load_npz(
  path: str | pathlib.Path,
  *,
  downsample: float = 1,
  background: str = "white",
  holdout: int = 8,
) -> scene_lib.Scene:
  """Reads a scene of one file.

  Args:
    path: the file, or a folder with exactly one.
    downsample: width and height are divided by this.
    background: "white" or "black", under images with alpha.
    holdout: every holdout-th image is "test" unless the file says which are;
      0 holds none out.

  Raises:
    ValueError: the file is missing or wrong; the message names it.
  """
  root = pathlib.Path(path)
  image_reader.check_downsample(downsample)
  source = find_file(root)
  if source is None:
    count = len(list(root.glob("*.npz"))) if root.is_dir() else 0
    raise user_error.UserError(
      f"{root}: {count} .npz files; expected exactly one with images, poses "
      "and focal: name the file itself"
    )
  content = numpy_files.NpzFile(source)
  images = _read_images(content, source)
  count, height, width = images.shape[:3]
  size = image_reader.downsampled_size((width, height), downsample)
  cameras = camera_lib.Cameras.from_list(
    [
      camera.resized(*size)
      for camera in _read_cameras(content, source, count, width, height)
    ]
  )
  masks = _read(content, source, "masks", (count, height, width))
  near, far, layout = _read_bounds(content, source, cameras)
  return scene_lib.Scene(
    name=source.stem if root.is_file() else root.resolve().name,
    format="npz",
    path=str(root),
    cameras=cameras,
    images=_Images(images, size, background=background),
    masks=None if masks is None else _Masks(masks, size),
    alphas=_Alphas(images, size) if images.shape[-1] == 4 else None,
    depths=None,
    layout=layout,
    near=near,
    far=far,
    bounding_box=None,
    splits=_read_splits(content, source, count)
    or scene_lib.holdout_splits(count, holdout),
    messages=(
      *leftovers.unread_keys(content, _READ, source),
      *(
        leftovers.unread_entries(root, (source.name,)) if root.is_dir() else ()
      ),
    ),
  )


def _read(
  content: Mapping[str, np.ndarray],
  source: pathlib.Path,
  name: str,
  shape: tuple[int | None, ...],
  *,
  needed: bool = False,
) -> np.ndarray | None:
  """Reads an array of a shape, None where a side is free.

  Returns:
    The array, or None where it is absent.

  Raises:
    ValueError: it is of another shape, or absent though needed.
  """
  if name not in content:
    if not needed:
      return None
    raise user_error.UserError(
      f'{source}: no array "{name}" (found {", ".join(content) or "none"}); '
      "expected images, poses and focal"
    )
  array = content[name]
  if array.ndim != len(shape) or any(
    side not in (None, found) for side, found in zip(shape, array.shape)
  ):
    expected = ["any" if side is None else side for side in shape]
    raise user_error.UserError(
      f'{source}: "{name}" has shape {list(array.shape)}; expected '
      f"{str(expected).replace(chr(39), '')}"
    )
  return array


def _read_images(content, source: pathlib.Path) -> np.ndarray:
  """Reads `images`, uint8 or finite floats [V, H, W, 3 or 4]."""
  shape = (None, None, None, None)
  images = _read(content, source, "images", shape, needed=True)
  if images.shape[-1] not in (3, 4) or 0 in images.shape:
    raise user_error.UserError(
      f'{source}: "images" has shape {list(images.shape)}; expected [images, '
      "height, width, 3 or 4]"
    )
  if images.dtype != np.uint8 and (
    images.dtype.kind != "f" or not np.isfinite(images).all()
  ):
    raise user_error.UserError(
      f'{source}: "images" are {images.dtype}, or not finite; expected uint8, '
      "or finite floats in [0, 1]"
    )
  return images


def _read_cameras(
  content, source: pathlib.Path, count: int, width: int, height: int
) -> list[camera_lib.Camera]:
  """Reads `poses` and `focal`."""
  poses = _read(content, source, "poses", (count, None, None), needed=True)
  focal = _read(content, source, "focal", (), needed=True)
  focal = float(focal)
  intrinsics = (focal, focal, width / 2, height / 2, width, height)
  camera_lib.check_intrinsics(*intrinsics, where=f"{source}, focal")
  cameras = []
  digits = len(str(count - 1))
  for i, pose in enumerate(poses):
    pose = camera_lib.check_pose(pose, where=f"{source}, poses[{i}]")
    cameras.append(camera_lib.Camera(pose, *intrinsics, name=f"{i:0{digits}d}"))
  return cameras


def _read_bounds(
  content, source: pathlib.Path, cameras: camera_lib.Cameras
) -> tuple[float, float, str]:
  """Returns near, far and layout."""
  near, far = (_read(content, source, name, ()) for name in ("near", "far"))
  index = _read(content, source, "layout", ())
  if near is None or far is None:
    return *camera_bounds.near_and_far(cameras), "unbounded"
  if not 0 < near < far < np.inf:
    raise user_error.UserError(
      f"{source}: near is {near:g} and far {far:g}; expected 0 < near < far"
    )
  layout = "bounded"
  if index is not None:
    if index not in range(len(scene_lib.LAYOUTS)):
      raise user_error.UserError(
        f'{source}: "layout" is {index}; expected 0, 1 or 2 for '
        f"{', '.join(scene_lib.LAYOUTS)}"
      )
    layout = scene_lib.LAYOUTS[int(index)]
  return float(near), float(far), layout


def _read_splits(
  content, source: pathlib.Path, count: int
) -> dict[str, tuple[int, ...]] | None:
  """Returns the splits that stand in the file, if any."""
  splits = {}
  for name in SPLITS:
    indices = _read(content, source, name, (None,))
    if indices is None:
      continue
    if indices.size and not (
      indices.dtype.kind in "iu" and 0 <= indices.min() <= indices.max() < count
    ):
      raise user_error.UserError(
        f'{source}: "{name}" holds no indices of images; expected whole '
        f"numbers from 0 to {count - 1}"
      )
    splits[name] = tuple(sorted(set(map(int, indices))))
  if not splits.get("train"):
    return None
  return scene_lib.with_test(splits)
