"""What a model remembers of its scene: everything but the pixels."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import normalization as normalization_lib
from stylized_nerf_jax.scenes import scene as scene_lib


@dataclasses.dataclass(frozen=True, eq=False)
class SceneRecord:
  """Cameras, bounds and model frame of a scene.

  Attributes:
    name, format, path, layout, near, far, splits, content_hash: as in
      `scene.Scene`.
    cameras: of all images, file frame.
    background: colour behind the scene, [0, 1], that images with alpha were
      composited over; None where every pixel shows something.
    normalization: of the model.
  """

  name: str
  format: str
  path: str
  layout: str
  near: float
  far: float
  splits: Mapping[str, tuple[int, ...]]
  content_hash: str
  cameras: scene_lib.Cameras
  background: tuple[float, float, float] | None
  normalization: normalization_lib.Normalization

  def split(self, name: str) -> scene_lib.Cameras:
    """Returns the cameras of one split.

    Raises:
      ValueError: there is no such split; the message lists the names known.
    """
    if name not in self.splits:
      raise user_error.UserError(
        f"scene {self.name!r} has no split {name!r}; expected one of "
        f"{', '.join(sorted(self.splits))}"
      )
    return self.cameras[np.asarray(self.splits[name], dtype=np.int64)]

  def to_dict(self) -> dict:
    """Returns what JSON can hold; `from_dict` restores it exactly."""
    values = {
      field.name: getattr(self, field.name)
      for field in dataclasses.fields(self)
    }
    values["splits"] = {k: list(v) for k, v in self.splits.items()}
    values["normalization"] = self.normalization.to_dict()
    values["cameras"] = {
      field.name: np.asarray(getattr(self.cameras, field.name)).tolist()
      for field in dataclasses.fields(self.cameras)
    }
    return values

  @classmethod
  def from_dict(cls, values: dict) -> "SceneRecord":
    """Restores what `to_dict` returned, also through JSON."""
    values = dict(values)
    columns = values["cameras"]
    values["cameras"] = scene_lib.Cameras(
      **{
        name: tuple(column)
        if name in ("models", "names")
        else np.asarray(column)
        for name, column in columns.items()
      }
    )
    values["splits"] = {k: tuple(v) for k, v in values["splits"].items()}
    if values["background"] is not None:
      values["background"] = tuple(values["background"])
    values["normalization"] = normalization_lib.Normalization.from_dict(
      values["normalization"]
    )
    return cls(**values)


def make_scene_record(
  scene: scene_lib.Scene, *, space: str = "auto", background: str = "white"
) -> SceneRecord:
  """Normalises a scene and keeps what rendering needs of it.

  Args:
    scene: the whole scene.
    space: as in `normalization.normalize_scene`.
    background: "white" or "black", under images with alpha.
  """
  behind = (1.0,) * 3 if background == "white" else (0.0,) * 3
  return SceneRecord(
    name=scene.name,
    format=scene.format,
    path=scene.path,
    layout=scene.layout,
    near=scene.near,
    far=scene.far,
    splits=scene.splits,
    content_hash=scene.content_hash,
    cameras=scene.cameras,
    background=behind if scene.transparent else None,
    normalization=normalization_lib.normalize_scene(scene, space=space),
  )
