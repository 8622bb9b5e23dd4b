"""Photographs of a loaded scene, as files or bytes for a converted one."""

import pathlib
import shutil

import numpy as np
from PIL import Image

from stylized_nerf_jax import user_error
from stylized_nerf_jax.outputs import image_writer
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import image_reader

_PIXEL_TOLERANCE = 1e-4
_HINT = "write --format transforms, which can hold it"
# Formats of files that are handed on, as other programs read them.
_KEPT = ("PNG", "JPEG", "MPO", "WEBP", "BMP", "TIFF")


def check_destination(folder: str | pathlib.Path) -> pathlib.Path:
  """Returns a folder to write a scene into.

  Raises:
    ValueError: something is there already.
  """
  folder = pathlib.Path(folder)
  if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
    raise user_error.UserError(
      f"{folder} is there already; expected a new or empty folder: choose "
      "another one"
    )
  return folder


def pixels(scene: scene_lib.Scene, index: int) -> np.ndarray:
  """Returns a photograph as uint8 [H, W, 3], or [H, W, 4] with its alpha.

  Alpha that images were composited with is taken out of the colours again.
  """
  items, index = scene_lib.source(scene.images, index)
  if not hasattr(items, "rgba"):
    return image_writer.to_uint8(np.asarray(items[index]))
  color, alpha = items.rgba(index)
  if alpha is None:
    return image_writer.to_uint8(color)
  straight = color / np.maximum(alpha, 1e-6)[..., None]
  return image_writer.to_uint8(
    np.concatenate([straight, alpha[..., None]], axis=-1)
  )


def write(
  scene: scene_lib.Scene, index: int, folder: pathlib.Path, name: str
) -> str:
  """Writes a photograph: its own file where that is one of the scene's pixels.

  Other programs read it too, who need not know of colour profiles or HEIC.

  Args:
    scene: the scene.
    index: of the photograph.
    folder: of the new scene.
    name: of the new file in it, whose ending may be changed.

  Returns:
    The name it got.

  Raises:
    ValueError: the photograph cannot be decoded, or the file not be written.
  """
  items, own = scene_lib.source(scene.images, index)
  path = folder / name
  if isinstance(items, image_reader.ImageFiles):
    source = items.paths[own]
    kind, _, size = image_reader.read_kind(source)
    same = size == items.sizes[own] and kind in _KEPT
    if same and image_reader.is_srgb(source):
      path = _free(path.with_suffix(source.suffix), index)
      with image_writer.writing(path):
        shutil.copyfile(source, path)
      return path.relative_to(folder).as_posix()
  path = _free(path.with_suffix(".png"), index)
  values = pixels(scene, index)
  with image_writer.writing(path):
    Image.fromarray(values).save(path)
  return path.relative_to(folder).as_posix()


def write_mask(
  scene: scene_lib.Scene, index: int, folder: pathlib.Path, name: str
) -> str:
  """Writes a mask, white where a pixel may be used; returns its name."""
  path = _free((folder / name).with_suffix(".png"), index)
  image_writer.save_image(
    path, np.where(scene.masks[index], 255, 0).astype(np.uint8)
  )
  return path.relative_to(folder).as_posix()


def check_one_camera(scene: scene_lib.Scene, format: str, *, focal: bool):
  """Raises ValueError unless simple formats can hold the scene's cameras.

  Args:
    scene: the scene.
    format: to be written, for the message.
    focal: whether all must have one focal length, not only one each.
  """
  check_plain_cameras(scene, format)
  cameras = scene.cameras
  for camera in cameras:
    where = f"{format} cannot hold {camera.name!r}"
    reference = cameras[0].fl_x if focal else camera.fl_x
    for found in (camera.fl_x, camera.fl_y):
      if _off(camera, found, reference) > _PIXEL_TOLERANCE:
        raise user_error.UserError(
          f"{where}: focal lengths {found:g} and {reference:g} differ; "
          f"expected one: {_HINT}, or choose a downsample that divides the size"
        )
    middle = (camera.width / 2, camera.height / 2)
    off = np.abs(np.subtract((camera.cx, camera.cy), middle)).max()
    if off > _PIXEL_TOLERANCE:
      raise user_error.UserError(
        f"{where}: its principal point is ({camera.cx:g}, {camera.cy:g}); "
        f"expected the middle, ({middle[0]:g}, {middle[1]:g}): {_HINT}"
      )


def check_plain_cameras(scene: scene_lib.Scene, format: str) -> None:
  """Raises ValueError where a lens distorts, or sizes differ."""
  first = scene.cameras[0]
  for camera in scene.cameras:
    where = f"{format} cannot hold {camera.name!r}"
    if any(camera.distortion) or camera.model == "fisheye":
      raise user_error.UserError(
        f"{where}: its lens is {camera.model} with distortion "
        f"{camera.distortion}; expected none: {_HINT}, or undistort the images"
      )
    size = (camera.width, camera.height)
    if size != (first.width, first.height):
      raise user_error.UserError(
        f"{where}: its size is {size[0]}x{size[1]}, that of {first.name!r} "
        f"{first.width}x{first.height}; expected one size: {_HINT}"
      )


def check_shared_intrinsics(scene: scene_lib.Scene, format: str) -> None:
  """Raises ValueError unless all cameras are one but for their poses."""
  check_plain_cameras(scene, format)
  first = scene.cameras[0]
  for camera in scene.cameras:
    off = max(
      _off(camera, camera.fl_x, first.fl_x),
      _off(camera, camera.fl_y, first.fl_y),
      abs(camera.cx - first.cx),
      abs(camera.cy - first.cy),
    )
    if off > _PIXEL_TOLERANCE:
      raise user_error.UserError(
        f"{format} cannot hold {camera.name!r}: its focal lengths or principal "
        f"point are not those of {first.name!r}; expected one camera: {_HINT}"
      )


def _off(camera: scene_lib.Camera, found: float, reference: float) -> float:
  """Returns how far a pixel at the rim looks past its place, in pixels."""
  return abs(found / reference - 1) * max(camera.width, camera.height) / 2


def _free(path: pathlib.Path, index: int) -> pathlib.Path:
  """Returns a path, or one beside it where another image has taken it."""
  if path.exists():
    return path.with_stem(f"{path.stem}_{index}")
  return path
