"""Writes a scene as nerfstudio reads it: transforms.json and images.

Everything a camera has is kept, and so are masks and splits. Bounds and layout
are no part of the format; its readers guess them.
"""

import json
import pathlib

from stylized_nerf_jax.outputs import images, scene_pictures
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes import transforms_json


def write_transforms(scene: scene_lib.Scene, folder: str | pathlib.Path):
  """Writes transforms.json, `images` and, where there are any, `masks`.

  Intrinsics that all cameras share stand in the file, others in its frames.

  Args:
    scene: any scene.
    folder: new or empty.

  Raises:
    ValueError: the folder holds something, an image cannot be read, or a file
      cannot be written.
  """
  folder = scene_pictures.check_destination(folder)
  fields = [
    {"camera_model": "OPENCV", **transforms_json.camera_fields(camera)}
    for camera in scene.cameras
  ]
  shared = all(own == fields[0] for own in fields)
  frames = []
  for i, camera in enumerate(scene.cameras):
    name = camera.name.removeprefix("images/") or str(i)
    frame = {
      "file_path": scene_pictures.write(scene, i, folder, f"images/{name}"),
      "transform_matrix": camera.camera_to_world.tolist(),
      **({} if shared else fields[i]),
    }
    if scene.masks is not None:
      frame["mask_path"] = scene_pictures.write_mask(
        scene, i, folder, f"masks/{name}"
      )
    frames.append(frame)
  content = dict(fields[0]) if shared else {}
  for split, indices in scene.splits.items():
    content[f"{split}_filenames"] = [frames[i]["file_path"] for i in indices]
  content["frames"] = frames
  path = folder / "transforms.json"
  with images.writing(path):
    path.write_text(json.dumps(content, indent=1) + "\n")
