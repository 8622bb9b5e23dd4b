"""The cameras of a scene from above, as SVG."""

import numpy as np

from stylized_nerf_jax.outputs import scene_plan
from stylized_nerf_jax.outputs.report_page.markup import Markup, element
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.scenes import pose_geometry

_SIDE, _MARGIN = 420, 40
# What is looked at is shown where it is no farther than so many times the
# cameras lie apart; beyond, they would be a speck.
_FARTHEST = 2.0
# Class of the cross that marks it.
FOCUS = "focus"


def draw(
  cameras: cameras_lib.Cameras,
  splits,
  path: cameras_lib.Cameras | None = None,
) -> Markup:
  """Draws the cameras of a scene, each a wedge that opens to what it sees.

  Args:
    cameras: of all photographs, file frame.
    splits: names of splits to the numbers of their photographs.
    path: cameras of a film, drawn as a line; or None.
  """
  upright = scene_plan.upright(cameras)

  def flat(points):
    return (np.asarray(points) @ upright.T)[..., :2]

  centers = flat(cameras.centers)
  focus = flat(pose_geometry.focus_point(cameras))
  apart = float(np.ptp(centers, axis=0).max())
  distance = float(np.linalg.norm(focus - centers.mean(axis=0)))
  is_near = not apart or distance <= _FARTHEST * apart
  shown = [centers, focus[None]] if is_near else [centers]
  along = None if path is None else flat(path.centers)
  if along is not None:
    shown.append(along)
  everything = np.concatenate(shown)
  low, high = everything.min(axis=0), everything.max(axis=0)
  extent = max(float((high - low).max()), 1e-9)
  scale = (_SIDE - 2 * _MARGIN) / extent
  # Low scenes are not given a square.
  height = float((high - low)[1]) * scale + 2 * _MARGIN
  middle = np.array([_SIDE / 2, height / 2])

  def place(points):
    return (points - (low + high) / 2) * scale * [1, -1] + middle

  parts = []
  if along is not None:
    parts.append(
      element("polyline", points=_joined(place(along)), class_="path")
    )
  groups = {i: "other" for i in range(len(cameras))}
  for name in ("train", "test"):
    groups |= {i: name for i in splits.get(name, ())}
  directions = flat(cameras.view_directions)
  for i, center in enumerate(place(centers)):
    wedge = _wedge(center, directions[i] * [1, -1], cameras[i])
    title = element("title", f"{cameras.names[i]} ({groups[i]})")
    parts.append(
      element("polygon", title, points=wedge, class_=f"camera {groups[i]}")
    )
  if is_near:
    x, y = place(focus)
    cross = f"M{x - 6:.1f} {y:.1f}h12M{x:.1f} {y - 6:.1f}v12"
    parts.append(element("path", d=cross, class_=FOCUS))
  counts = [
    f"{len(splits[name])} {words}"
    for name, words in (("train", "to train on"), ("test", "held out"))
    if splits.get(name)
  ]
  label = f"Plan of {len(cameras)} cameras from above, {', '.join(counts)}"
  if is_near:
    label += "; a cross marks what they look at"
  return element(
    "svg",
    *parts,
    viewBox=f"0 0 {_SIDE} {height:.0f}",
    role="img",
    aria_label=label,
    class_="plan",
  )


def _wedge(center, direction, camera) -> str:
  """Returns the corners of a camera's angle of view, seen from above."""
  half = np.arctan(camera.width / (2 * camera.fl_x))
  # Looking up or down, it has less of a direction in the plan.
  angle = np.arctan2(direction[1], direction[0])
  corners = [center]
  for turn in (-half, half):
    corners.append(
      center + 17 * np.array([np.cos(angle + turn), np.sin(angle + turn)])
    )
  return _joined(corners)


def _joined(points) -> str:
  return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
