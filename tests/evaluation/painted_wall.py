"""A painted wall seen by cameras that move along it, with exact depth."""

import json
import pathlib

import numpy as np
from PIL import Image

from stylized_nerf_jax.evaluation import geometry
from stylized_nerf_jax.scenes import cameras as cameras_lib

WIDTH, HEIGHT = 40, 32
_FOCAL = 40.0
_DISTANCE = 4.0
# World units that a pixel shows of the wall.
PIXEL = _DISTANCE / _FOCAL


def make_wall(count, *, step, origin=(0.0, 0.0, 0.0)) -> geometry.Geometry:
  """Makes exact pictures and depths; the camera moves `step` along x."""
  column, row = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
  x = PIXEL * (column + 0.5 - WIDTH / 2)
  y = -PIXEL * (row + 0.5 - HEIGHT / 2)
  depth = np.sqrt(x**2 + y**2 + _DISTANCE**2).astype(np.float32)
  cameras, pictures = [], []
  for index in range(count):
    pose = np.eye(4)
    pose[:3, 3] = np.asarray(origin) + [index * step, 0.0, 0.0]
    cameras.append(
      cameras_lib.Camera(
        camera_to_world=pose,
        fl_x=_FOCAL,
        fl_y=_FOCAL,
        cx=WIDTH / 2,
        cy=HEIGHT / 2,
        width=WIDTH,
        height=HEIGHT,
      )
    )
    world = x + index * step
    waves = [np.sin(2 * world), np.cos(y + world), np.sin(y - world)]
    picture = 0.5 + 0.4 * np.stack(waves, axis=-1)
    pictures.append(picture.astype(np.float32))
  return geometry.Geometry(
    cameras=cameras_lib.Cameras.from_list(cameras),
    depths=[depth] * count,
    content=pictures,
  )


def save_wall(folder: pathlib.Path, wall: geometry.Geometry, **lists) -> None:
  """Writes geometry and its pictures as the renderer writes them."""
  (folder / "depth").mkdir(parents=True)
  names = [f"depth/{index:05d}.npy" for index in range(len(wall.cameras))]
  geometry.write_cameras(folder, wall.cameras, depth_paths=names, **lists)
  for index, name in enumerate(names):
    np.save(folder / name, wall.depths[index])
    save_picture(folder / f"{index:05d}.png", wall.content[index])


def save_picture(path: pathlib.Path, picture: np.ndarray) -> None:
  """Writes one picture of [0, 1]."""
  Image.fromarray(np.round(255 * picture).astype(np.uint8)).save(path)


def edit_cameras(folder: pathlib.Path, change) -> None:
  """Applies `change` to the content of cameras.json."""
  path = folder / "cameras.json"
  content = json.loads(path.read_text())
  change(content)
  path.write_text(json.dumps(content))
