"""Writes a scene as a binary COLMAP model, and its images.

All lenses have names in COLMAP. Its models have points, of which these have
none, and neither bounds nor splits: `sparse/0/test.txt` lists what is held out,
as readers of 3D Gaussian splatting take it. Masks lie where COLMAP looks for
them: masks/NAME.png of images/NAME.
"""

import pathlib
import struct

from stylized_nerf_jax.outputs import image_writer, scene_pictures
from stylized_nerf_jax.scenes import pose_geometry
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.readers import colmap_model

_NAMES = {
  "pinhole": "PINHOLE",
  "opencv": "OPENCV",
  "full_opencv": "FULL_OPENCV",
  "fisheye": "OPENCV_FISHEYE",
}
_NUMBERS = {name: number for number, (name, _) in colmap_model.LENSES.items()}


def write_colmap(
  scene: scene_lib.Scene, folder: str | pathlib.Path
) -> tuple[str, ...]:
  """Writes `sparse/0`, `images` and, where there are any, `masks`.

  Args:
    scene: any scene.
    folder: new or empty.

  Returns:
    What a user should be told.

  Raises:
    ValueError: the folder holds something, an image cannot be read, or a file
      cannot be written.
  """
  folder = scene_pictures.check_destination(folder)
  names = []
  for i, camera in enumerate(scene.cameras):
    name = camera.name.removeprefix("images/") or str(i)
    path = scene_pictures.write(scene, i, folder, f"images/{name}")
    names.append(path.removeprefix("images/"))
    if scene.masks is not None:
      scene_pictures.write_mask(scene, i, folder, f"masks/{names[-1]}.png")
  lenses = {}
  numbers = [
    lenses.setdefault(_lens(camera), len(lenses) + 1)
    for camera in scene.cameras
  ]
  held_out = [names[i] for i in scene.splits.get("test", ())]
  model = folder / "sparse" / "0"
  for name, data in (
    ("cameras.bin", struct.pack("<Q", len(lenses)) + _cameras(lenses)),
    ("images.bin", _images(scene, names, numbers)),
    ("points3D.bin", struct.pack("<Q", 0)),
    ("test.txt", "".join(f"{name}\n" for name in held_out).encode()),
  ):
    with image_writer.writing(model / name):
      (model / name).write_bytes(data)
  return (
    "COLMAP's models have neither bounds nor splits: readers guess them, but "
    "for those that take sparse/0/test.txt as what is held out",
    "the model has no points: programs that start from them have to find some",
  )


def _lens(camera: scene_lib.Camera) -> tuple:
  """Returns name, width, height and parameters."""
  name = _NAMES[camera.model]
  terms = () if camera.model == "pinhole" else camera.distortion
  intrinsics = (camera.fl_x, camera.fl_y, camera.cx, camera.cy)
  return name, camera.width, camera.height, (*intrinsics, *terms)


def _cameras(lenses: dict[tuple, int]) -> bytes:
  data = b""
  for (name, width, height, parameters), number in lenses.items():
    data += struct.pack("<IiQQ", number, _NUMBERS[name], width, height)
    data += struct.pack(f"<{len(parameters)}d", *parameters)
  return data


def _images(
  scene: scene_lib.Scene, names: list[str], numbers: list[int]
) -> bytes:
  """Returns images.bin: world-to-camera, x right, y down, z forward."""
  parts = [struct.pack("<Q", len(names))]
  for i, (name, number) in enumerate(zip(names, numbers, strict=True)):
    pose = scene.cameras.camera_to_world[i] * [1, -1, -1, 1]
    rotation = pose[:3, :3].T
    motion = (
      *pose_geometry.quaternion(rotation),
      *(-rotation @ pose[:3, 3]),
    )
    parts.append(struct.pack("<I7dI", i + 1, *motion, number))
    parts.append(name.encode() + b"\0" + struct.pack("<Q", 0))
  return b"".join(parts)
