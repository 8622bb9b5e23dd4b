"""Clicks in the page as pixels of the photograph that it looks from."""

import numpy as np

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.viewer.world import World

# Of the distance between photographs: nearer, and it is the same place.
_SAME_PLACE = 0.02


class Clicks:
  """Of one photograph.

  Args:
    record: of the scene.
    world: the page's coordinates.
    view: number of the photograph.

  Attributes:
    view: as given.
    inside, outside: pixels (x, y) of it that belong to what is picked, or do
      not.
  """

  def __init__(self, record: scene_record.SceneRecord, world: World, view: int):
    self._record, self._world, self.view = record, world, view
    self._camera = record.cameras[view]
    self._arrays = rays_lib.camera_arrays(self._camera, record.normalization)
    self.inside: list[tuple[float, float]] = []
    self.outside: list[tuple[float, float]] = []

  def stands_at(self, position) -> bool:
    """Whether a position [3] of the page is the photograph's."""
    own = self._world.point(self._camera.camera_to_world[:3, 3])
    away = float(np.linalg.norm(np.asarray(position) - own))
    return away < _SAME_PLACE * self._world.spacing

  def pixel(self, direction) -> tuple[float, float] | None:
    """The pixel of a direction [3] of the page; None: it is outside."""
    ahead = self._camera.camera_to_world[:3, 3] + np.asarray(direction)
    point = self._record.normalization.points_to_model(ahead[None])
    xy, depth = rays_lib.project(np.asarray(point, np.float32), self._arrays)
    x, y = (float(value) for value in np.asarray(xy)[0])
    size = self._camera.width, self._camera.height
    if float(depth[0]) <= 0 or not (0 <= x < size[0] and 0 <= y < size[1]):
      return None
    return x, y

  def add(self, direction, *, inside: bool) -> bool:
    """Takes a click; returns whether it is in the photograph."""
    found = self.pixel(direction)
    if found is not None:
      (self.inside if inside else self.outside).append(found)
    return found is not None

  def clear(self) -> None:
    """Forgets all."""
    self.inside, self.outside = [], []

  def in_words(self) -> str:
    """Says how many there are, and of which photograph."""
    name = self._record.cameras.names[self.view]
    said = f"{len(self.inside)} inside"
    if self.outside:
      said += f", {len(self.outside)} outside"
    return f"{said}, of {name}"

  def options(self) -> list[str]:
    """Options of `stylized-nerf region` that say the same."""
    words = ["--view", self._record.cameras.names[self.view]]
    for option, points in (
      ("--points", self.inside),
      ("--not-points", self.outside),
    ):
      if points:
        words += [option, *(f"{x:.1f},{y:.1f}" for x, y in points)]
    return words
