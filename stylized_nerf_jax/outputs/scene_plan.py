"""A picture of a scene: cameras from above and from the side, photographs."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from stylized_nerf_jax.outputs import contact_sheet, image_writer
from stylized_nerf_jax.scenes import pose_geometry
from stylized_nerf_jax.scenes import scene as scene_lib

_SIDE, _MARGIN = 420, 40  # pixels
_INK = (30, 30, 30)
_COLOURS = {"train": (43, 101, 161), "val": (98, 160, 72)}
_OTHER = (214, 92, 60)
_POINT = (150, 150, 150)
# Points beyond these percentiles along an axis do not widen the picture.
_TRIMMED = (3, 97)


def draw_scene(
  scene: scene_lib.Scene, points: np.ndarray | None = None
) -> np.ndarray:
  """Draws the cameras of a scene, and the first photograph of each split.

  Up is the mean up of the cameras, and what they look at on average is up in
  the plan and to the right in the side view. Every camera is a dot with a line
  along its view, coloured by its split; a cross is what they look at.

  Args:
    scene: with one camera or more.
    points: of its surfaces, drawn in grey: [P, 3], file frame; or None.

  Returns:
    uint8 [H, W, 3].

  Raises:
    ValueError: a photograph cannot be decoded.
  """
  if points is not None and not len(points):
    points = None
  plans = image_writer.side_by_side(
    [
      _plan(scene, points, (0, 1), "from above"),
      _plan(scene, points, (1, 2), "from the side"),
    ]
  )
  shown = {name: split[0] for name, split in scene.splits.items() if split}
  sheet = contact_sheet.make_contact_sheet(
    [scene.images[index] for index in shown.values()],
    labels=[f"{name}: {scene.cameras.names[i]}" for name, i in shown.items()],
    columns=len(shown),
    tile_width=plans.shape[1] // max(len(shown), 2) - 12,
  )
  height = len(plans) + len(sheet)
  picture = np.full((height, plans.shape[1], 3), 255, np.uint8)
  picture[: len(plans)] = plans
  left = max(0, (picture.shape[1] - sheet.shape[1]) // 2)
  sheet = sheet[:, : picture.shape[1]]
  picture[len(plans) :, left : left + sheet.shape[1]] = sheet
  return picture


def _plan(
  scene: scene_lib.Scene,
  points: np.ndarray | None,
  axes: tuple[int, int],
  title: str,
) -> np.ndarray:
  """Projects cameras and points along an axis: uint8 [_SIDE, _SIDE, 3]."""
  cameras = scene.cameras
  turned = upright(cameras)
  centers = (cameras.centers @ turned.T)[:, axes]
  focus = (pose_geometry.focus_point(cameras) @ turned.T)[list(axes)]
  directions = (cameras.view_directions @ turned.T)[:, axes]
  everything = np.concatenate([centers, focus[None]])
  if points is not None:
    points = (points @ turned.T)[:, axes]
    borders = np.percentile(points, _TRIMMED, axis=0)
    everything = np.concatenate([everything, borders])
  low, high = everything.min(axis=0), everything.max(axis=0)
  extent = max(float((high - low).max()), 1e-9)
  scale = (_SIDE - 2 * _MARGIN) / extent
  length = _MARGIN * 0.8

  def place(points):
    """Pixels of points, up in the picture being up or away."""
    shifted = (points - (low + high) / 2) * scale * [1, -1]
    return shifted + _SIDE / 2

  pixels = np.full((_SIDE, _SIDE, 3), 255, np.uint8)
  if points is not None:
    columns, rows = np.floor(place(points)).T
    inside = (np.minimum(columns, rows) >= 0) & (
      np.maximum(columns, rows) < _SIDE
    )
    pixels[rows[inside].astype(int), columns[inside].astype(int)] = _POINT
  canvas = Image.fromarray(pixels)
  drawing = ImageDraw.Draw(canvas)
  colours = {i: _OTHER for i in range(len(scene))}
  for name, split in scene.splits.items():
    colours.update({i: _COLOURS.get(name, _OTHER) for i in split})
  for i, (x, y) in enumerate(place(centers)):
    dx, dy = directions[i] * length * [1, -1]
    drawing.line([x, y, x + dx, y + dy], fill=colours[i], width=1)
    drawing.ellipse([x - 3, y - 3, x + 3, y + 3], fill=colours[i])
  x, y = place(focus)
  drawing.line([x - 6, y, x + 6, y], fill=_INK, width=2)
  drawing.line([x, y - 6, x, y + 6], fill=_INK, width=2)
  font = ImageFont.load_default(size=16)
  text = f"{title}, {extent:.3g} units across"
  drawing.text((10, 8), text, fill=_INK, font=font)
  return np.array(canvas)


def upright(cameras: scene_lib.Cameras) -> np.ndarray:
  """Returns the rotation [3, 3] of up to +z and the mean view towards +y."""
  turned = pose_geometry.rotation_to_z(pose_geometry.mean_up(cameras))
  x, y, _ = turned @ cameras.view_directions.mean(axis=0)
  if np.hypot(x, y) < 0.1:  # An orbit has no such view.
    return turned
  turn = pose_geometry.axis_rotation(np.array([0, 0, 1]), np.arctan2(x, y))
  return turn @ turned
