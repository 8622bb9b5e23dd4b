"""What a user says of a region: masks of views, a box, or clicks; checked."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.scenes.pictures import mask_files

Point = tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Evidence:
  """One of masks, a box and clicks.

  Attributes:
    views: numbers of the views that masks or clicks are of.
    masks: of these views, bool [H, W] each.
    box: lower and upper corner, in the scene file's coordinates.
    inside: pixels (x, y) of the one view that are inside.
    outside: likewise, that are not.
  """

  views: tuple[int, ...] = ()
  masks: tuple[np.ndarray, ...] = ()
  box: tuple[Point, Point] | None = None
  inside: tuple[Point, ...] = ()
  outside: tuple[Point, ...] = ()


def of_masks(
  record: scene_record.SceneRecord,
  masks: Sequence[str | pathlib.Path],
  views: Sequence[str],
) -> Evidence:
  """Reads masks of views.

  Args:
    record: of the scene.
    masks: files, not black where the region is, of the views' proportions.
    views: names or numbers, one for each.

  Raises:
    ValueError: unknown or doubled views, or a mask that cannot be read, has
      other proportions, or marks nothing or everything.
  """
  if len(masks) != len(views):
    raise user_error.UserError(
      f"{len(masks)} --mask and {len(views)} --view; expected one view for "
      "each mask, in the same order"
    )
  numbers = [find_view(record, view) for view in views]
  if len(set(numbers)) < len(numbers):
    raise user_error.UserError(
      f"--view {' '.join(views)}: two masks of one view; draw both into one"
    )
  found = [
    _read(pathlib.Path(mask), record.cameras[number])
    for mask, number in zip(masks, numbers)
  ]
  return Evidence(views=tuple(numbers), masks=tuple(found))


def of_box(text: str) -> Evidence:
  """Reads x0,y0,z0,x1,y1,z1.

  Raises:
    ValueError: these are no six numbers, or no box.
  """
  values = _numbers(text, 6, "--box", "x0,y0,z0,x1,y1,z1")
  lower, upper = values[:3], values[3:]
  if not all(low < high for low, high in zip(lower, upper)):
    raise user_error.UserError(
      f"--box {text}: expected x0 < x1, y0 < y1 and z0 < z1"
    )
  return Evidence(box=(lower, upper))


def of_clicks(
  record: scene_record.SceneRecord,
  view: str,
  inside: Sequence[str],
  outside: Sequence[str] = (),
) -> Evidence:
  """Reads pixels x,y of a view.

  Args:
    record: of the scene.
    view: name or number.
    inside: pixels that are inside, one at least.
    outside: pixels that are not.

  Raises:
    ValueError: an unknown view, or what is no pixel of it.
  """
  if not inside:
    raise user_error.UserError(
      "--not-points without --points; give a pixel that is inside, too"
    )
  number = find_view(record, view)
  camera = record.cameras[number]
  clicks = [
    tuple(_pixel(camera, text, option) for text in texts)
    for texts, option in ((inside, "--points"), (outside, "--not-points"))
  ]
  return Evidence(views=(number,), inside=clicks[0], outside=clicks[1])


def find_view(record: scene_record.SceneRecord, text: str) -> int:
  """Finds a view by the name of its photograph, with or without its ending,
  or by its number.

  Raises:
    ValueError: there is none, or several.
  """
  names = record.cameras.names
  for said in (
    lambda name: name == text,
    lambda name: pathlib.PurePath(name).name == text,
    lambda name: pathlib.PurePath(name).stem == text,
  ):
    found = [number for number, name in enumerate(names) if said(name)]
    if len(found) == 1:
      return found[0]
    if found:
      raise user_error.UserError(
        f"--view {text}: several views, {names[found[0]]} and "
        f"{names[found[1]]}; give the whole name"
      )
  if text.isdecimal() and int(text) < len(names):
    return int(text)
  raise user_error.UserError(
    f"--view {text}: the scene has no such view; expected a number from 0 to "
    f"{len(names) - 1}, or the name of a photograph, such as {names[0]}"
  )


def _read(path: pathlib.Path, camera: cameras_lib.Camera) -> np.ndarray:
  if not path.is_file():
    raise user_error.UserError(f"--mask {path}: there is no such file")
  size = camera.width, camera.height
  mask_files.check(path, size, where=f"--mask {path}")
  mask = mask_files.MaskFiles([path], [size])[0]
  if not mask.any() or mask.all():
    what = "white everywhere" if mask.any() else "black everywhere"
    raise user_error.UserError(
      f"--mask {path} is {what}; expected a picture that is black but where "
      "the region is"
    )
  return mask


def _pixel(camera: cameras_lib.Camera, text: str, option: str) -> Point:
  x, y = _numbers(text, 2, option, "x,y")
  if not (0 <= x < camera.width and 0 <= y < camera.height):
    raise user_error.UserError(
      f"{option} {text}: outside of the view, which has {camera.width}x"
      f"{camera.height} pixels in this run"
    )
  return x, y


def _numbers(text: str, count: int, option: str, form: str) -> Point:
  try:
    values = tuple(float(part) for part in text.split(","))
  except ValueError:
    values = ()
  if len(values) != count or not np.all(np.isfinite(values)):
    raise user_error.UserError(
      f"{option} {text}: expected {count} numbers, {form}"
    )
  return values
