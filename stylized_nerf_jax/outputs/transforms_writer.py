"""Writes a scene as nerfstudio reads it: transforms.json and images.

Everything a camera has is kept, and so are masks and splits. Bounds and layout
are no part of the format: "near", "far" and "layout" are read by this project,
and ignored by others, which guess them. nerfstudio (1.1.5) reads "camera_model"
of the file only, has no FULL_OPENCV, and stops where a file lists splits but
not those of "val".
"""

import json
import pathlib
from collections.abc import Sequence

from stylized_nerf_jax.outputs import image_writer, scene_pictures
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.readers import transforms_json


def write_transforms(scene: scene_lib.Scene, folder: str | pathlib.Path):
  """Writes transforms.json, `images` and, where there are any, `masks`.

  Args:
    scene: any scene.
    folder: new or empty.

  Raises:
    ValueError: the folder holds something, an image cannot be read, or a file
      cannot be written.
  """
  folder = scene_pictures.check_destination(folder)
  pictures, masks = [], []
  for i, camera in enumerate(scene.cameras):
    name = camera.name.removeprefix("images/") or str(i)
    pictures.append(scene_pictures.write(scene, i, folder, f"images/{name}"))
    if scene.masks is not None:
      masks.append(scene_pictures.write_mask(scene, i, folder, f"masks/{name}"))
  write_file(scene, folder, pictures, masks)


def write_file(
  scene: scene_lib.Scene,
  folder: pathlib.Path,
  pictures: Sequence[str],
  masks: Sequence[str] = (),
) -> None:
  """Writes transforms.json alone, for pictures that lie in the folder.

  Intrinsics that all cameras share stand in the file, others in its frames.
  Where there is no "val", it is listed as "test" is.

  Args:
    scene: V images.
    folder: of the scene.
    pictures: V names of files relative to it.
    masks: V of them, or none.

  Raises:
    ValueError: the file cannot be written.
  """
  fields = [_fields(camera) for camera in scene.cameras]
  shared = all(own == fields[0] for own in fields)
  models = {own["camera_model"] for own in fields}
  frames = []
  for i, camera in enumerate(scene.cameras):
    frame = {
      "file_path": pictures[i],
      "transform_matrix": camera.camera_to_world.tolist(),
      **({} if shared else fields[i]),
    }
    if masks:
      frame["mask_path"] = masks[i]
    frames.append(frame)
  content = dict(fields[0]) if shared else {}
  if len(models) == 1:
    content["camera_model"] = models.pop()
  content |= transforms_json.bound_fields(scene)
  splits = dict(scene.splits)
  if splits.get("test"):
    splits.setdefault("val", splits["test"])
  for split, indices in splits.items():
    content[f"{split}_filenames"] = [pictures[i] for i in indices]
  content["frames"] = frames
  path = folder / "transforms.json"
  with image_writer.writing(path):
    path.write_text(json.dumps(content, indent=1) + "\n")


def _fields(camera: scene_lib.Camera) -> dict:
  """Returns the intrinsics of a camera, its lens as OPENCV where that will do.

  OPENCV's k3 is read by this project and nerfstudio alike.
  """
  fields = {"camera_model": "OPENCV", **transforms_json.camera_fields(camera)}
  beyond = ("k4", "k5", "k6")
  if camera.model == "full_opencv" and not any(fields[key] for key in beyond):
    fields["camera_model"] = "OPENCV"
    return {key: v for key, v in fields.items() if key not in beyond}
  return fields
