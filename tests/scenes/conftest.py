"""Writers of tiny scenes on disk, as fixtures; cameras around the origin."""

import json
import pathlib

import numpy as np
import pytest
from PIL import Image


def _pose(azimuth: float, elevation: float = 0.3, radius: float = 4.0):
  """Returns a [4, 4] OpenGL pose that looks at the origin, z up."""
  back = np.array(
    [
      np.cos(azimuth) * np.cos(elevation),
      np.sin(azimuth) * np.cos(elevation),
      np.sin(elevation),
    ]
  )
  right = np.cross([0, 0, 1], back)
  right /= np.linalg.norm(right)
  pose = np.eye(4)
  pose[:3] = np.stack(
    [right, np.cross(back, right), back, radius * back], axis=-1
  )
  return pose


def _picture(path: pathlib.Path, width: int, height: int, mode="RGB", seed=0):
  """Writes random pixels and returns them: uint8 [H, W, C]."""
  channels = len(mode)
  pixels = np.random.default_rng(seed).integers(
    0, 256, (height, width, channels), dtype=np.uint8
  )
  path.parent.mkdir(parents=True, exist_ok=True)
  Image.fromarray(pixels).save(path)
  return pixels


@pytest.fixture
def look_at_origin():
  """Function: azimuth, elevation, radius -> pose that looks at the origin."""
  return _pose


@pytest.fixture
def write_picture():
  """Function: path, width, height, mode, seed -> the pixels written."""
  return _picture


@pytest.fixture
def write_llff(tmp_path):
  """Function that writes an LLFF scene and returns its folder and table.

  Poses look along -z from a row of centres, bounds are 2 and 10 + i.
  """

  def write(
    count=4, *, folder="images", names=None, size=(16, 12), all_round=False
  ):
    root = tmp_path / "capture"
    root.mkdir(exist_ok=True)
    names = names or [f"image{i:03d}.png" for i in range(count)]
    for i, name in enumerate(names):
      _picture(root / folder / name, *size, seed=i)
    table = np.zeros((len(names), 17))
    for i in range(len(names)):
      pose = np.eye(4)
      pose[0, 3] = 0.1 * i
      if all_round:
        pose = _pose(2 * np.pi * i / len(names))
      right, up, back, center = pose[:3].T
      hwf = [12, 16, 20.0]
      table[i, :15] = np.stack([-up, right, back, center, hwf], -1).ravel()
      table[i, 15:] = [2, 10 + i]
    np.save(root / "poses_bounds.npy", table)
    return root, table

  return write


@pytest.fixture
def write_transforms(tmp_path):
  """Function that writes a transforms.json scene and returns its folder.

  Keyword arguments go into the file; `frames` are (name, fields) pairs.
  """

  def write(frames=None, *, pictures=True, size=(16, 12), **fields):
    root = tmp_path / "capture"
    root.mkdir(exist_ok=True)
    if frames is None:
      frames = [(f"images/{i}.png", {}) for i in range(1, 4)]
    content = {"fl_x": 20.0, "w": 16, "h": 12, **fields, "frames": []}
    content = {k: v for k, v in content.items() if v is not None}
    for i, (name, extra) in enumerate(frames):
      pose = _pose(0.5 * i).tolist()
      content["frames"].append(
        {"file_path": name, "transform_matrix": pose, **extra}
      )
      if pictures:
        path = root / name
        path = path if path.suffix else path.with_suffix(".png")
        _picture(path, *size, seed=i)
    (root / "transforms.json").write_text(json.dumps(content))
    return root

  return write


@pytest.fixture
def write_blender(tmp_path):
  """Function that writes a NeRF-synthetic scene and returns its folder."""

  def write(counts=None, *, size=(16, 16), mode="RGBA", angle=0.8):
    root = tmp_path / "object"
    for split, count in (counts or {"train": 11, "test": 2}).items():
      frames = []
      for i in range(count):
        _picture(root / split / f"r_{i}.png", *size, mode=mode, seed=i)
        frames.append(
          {
            "file_path": f"./{split}/r_{i}",
            "transform_matrix": _pose(0.5 * i).tolist(),
          }
        )
      (root / f"transforms_{split}.json").write_text(
        json.dumps({"camera_angle_x": angle, "frames": frames})
      )
    return root

  return write
