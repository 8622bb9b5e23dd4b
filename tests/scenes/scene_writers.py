"""Writers of one small scene in every format that is read.

A `Given` scene holds what the files say: OpenGL poses, intrinsics, pictures.
Writers take it and a folder, which they create, and return the folder.
"""

import dataclasses
import json
import pathlib
import struct

import numpy as np
from PIL import Image

from stylized_nerf_jax.scenes.cameras import Camera, Cameras
from stylized_nerf_jax.scenes.readers import colmap_model

_NUMBERS = {name: number for number, (name, _) in colmap_model.LENSES.items()}


@dataclasses.dataclass(frozen=True)
class Given:
  """V cameras, V pictures uint8 [H, W, 3] and P points [P, 3]."""

  cameras: Cameras
  pictures: np.ndarray
  points: np.ndarray


def make(count=5, *, size=(16, 12), focal=20.0, lens=None) -> Given:
  """Cameras in a row that look along -z, a little turned, at points there.

  Args:
    count: of views.
    size: (width, height) of their pictures.
    focal: length in pixels; the principal point is the middle.
    lens: (model, terms) of all of them; None: none.
  """
  random = np.random.default_rng(7)
  model, terms = lens or ("pinhole", (0.0,) * 4)
  cameras = []
  for i in range(count):
    turn = np.linalg.qr(np.eye(3) + 0.05 * random.normal(size=(3, 3)))[0]
    pose = np.eye(4)
    pose[:3, :3] = turn * np.sign(np.diag(turn))
    pose[:3, 3] = [0.4 * i - 0.8, 0.1 * random.normal(), 0.05 * i]
    cameras.append(
      Camera(
        pose, focal, focal, size[0] / 2, size[1] / 2, *size,
        distortion=terms, model=model, name=f"{i}.png",
      )
    )  # fmt: skip
  return Given(
    Cameras.from_list(cameras),
    random.integers(0, 256, (count, size[1], size[0], 3), dtype=np.uint8),
    random.uniform([-1, -1, -8], [1, 1, -4], (30, 3)),
  )


def make_ring(count=16, *, size=(16, 12)) -> Given:
  """Cameras on a circle of radius 4 that look at its middle, z up."""
  random = np.random.default_rng(8)
  cameras = []
  for i, angle in enumerate(np.arange(count) * 2 * np.pi / count):
    back = np.array([np.cos(angle), np.sin(angle), 0.0])
    pose = np.eye(4)
    pose[:3, :3] = np.stack(
      [[-np.sin(angle), np.cos(angle), 0], [0, 0, 1], back], axis=-1
    )
    pose[:3, 3] = 4 * back
    middle = size[0] / 2, size[1] / 2
    cameras.append(Camera(pose, 20, 20, *middle, *size, name=f"v{i}.png"))
  return Given(
    Cameras.from_list(cameras),
    random.integers(0, 256, (count, size[1], size[0], 3), dtype=np.uint8),
    random.uniform(-1, 1, (30, 3)),
  )


def renamed(given: Given, names) -> Given:
  """The same under other names of pictures."""
  cameras = dataclasses.replace(given.cameras, names=tuple(names))
  return dataclasses.replace(given, cameras=cameras)


def write_pictures(given: Given, folder: pathlib.Path) -> None:
  """Writes the pictures under the cameras' names."""
  folder.mkdir(parents=True, exist_ok=True)
  for camera, pixels in zip(given.cameras, given.pictures, strict=True):
    Image.fromarray(pixels).save(folder / camera.name)


def llff(given: Given, root: pathlib.Path) -> pathlib.Path:
  """Bounds are 3 and 9."""
  write_pictures(given, root / "images")
  rows = []
  for camera in given.cameras:
    right, up, back, center = camera.camera_to_world[:3].T
    hwf = [camera.height, camera.width, camera.fl_x]
    rows.append([*np.stack([-up, right, back, center, hwf], -1).ravel(), 3, 9])
  np.save(root / "poses_bounds.npy", np.array(rows))
  return root


def blender(given: Given, root: pathlib.Path) -> pathlib.Path:
  """All in the split "train"."""
  write_pictures(given, root / "train")
  camera = given.cameras[0]
  content = {
    "camera_angle_x": 2 * np.arctan(camera.width / 2 / camera.fl_x),
    "frames": [
      {
        "file_path": f"./train/{camera.name.removesuffix('.png')}",
        "transform_matrix": camera.camera_to_world.tolist(),
      }
      for camera in given.cameras
    ],
  }
  (root / "transforms_train.json").write_text(json.dumps(content))
  return root


def transforms(
  given: Given, root: pathlib.Path, *, per_frame=False, **fields
) -> pathlib.Path:
  """Intrinsics in the file, or in every frame; `fields` go into the file."""
  write_pictures(given, root / "images")
  names = {"fisheye": "OPENCV_FISHEYE", "full_opencv": "FULL_OPENCV"}
  frames = []
  for camera in given.cameras:
    terms = {
      "fisheye": ("k1", "k2", "k3", "k4"),
      "full_opencv": ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
    }.get(camera.model, ("k1", "k2", "p1", "p2"))
    own = {
      "fl_x": camera.fl_x,
      "fl_y": camera.fl_y,
      "cx": camera.cx,
      "cy": camera.cy,
      "w": camera.width,
      "h": camera.height,
      "camera_model": names.get(camera.model, "OPENCV"),
      **dict(zip(terms, camera.distortion, strict=True)),
    }
    frames.append(
      {
        "file_path": f"images/{camera.name}",
        "transform_matrix": camera.camera_to_world.tolist(),
        **(own if per_frame else {}),
      }
    )
  content = {**({} if per_frame else own), **fields, "frames": frames}
  (root / "transforms.json").write_text(json.dumps(content))
  return root


def nerfpp(given: Given, root: pathlib.Path) -> pathlib.Path:
  """All in the split "train"."""
  folder = root / "train"
  write_pictures(given, folder / "rgb")
  for camera in given.cameras:
    matrix = np.eye(4)
    matrix[[0, 1, 0, 1], [0, 1, 2, 2]] = [
      camera.fl_x, camera.fl_y, camera.cx, camera.cy,
    ]  # fmt: skip
    pose = camera.camera_to_world * [1, -1, -1, 1]
    for name, values in (("pose", pose), ("intrinsics", matrix)):
      path = folder / name / camera.name.replace(".png", ".txt")
      path.parent.mkdir(exist_ok=True)
      path.write_text(" ".join(repr(float(v)) for v in values.ravel()) + "\n")
  return root


def npz(given: Given, root: pathlib.Path, **arrays) -> pathlib.Path:
  """A folder with tiny.npz; `arrays` are added."""
  root.mkdir(parents=True, exist_ok=True)
  np.savez(
    root / "tiny.npz",
    **{
      "images": given.pictures,
      "poses": given.cameras.camera_to_world,
      "focal": given.cameras[0].fl_x,
      **arrays,
    },
  )
  return root


def colmap_lens(camera: Camera) -> tuple[str, tuple[float, ...]]:
  """Returns COLMAP's name and parameters of a camera's lens."""
  name = {
    "pinhole": "PINHOLE",
    "opencv": "OPENCV",
    "fisheye": "OPENCV_FISHEYE",
    "full_opencv": "FULL_OPENCV",
  }[camera.model]
  terms = () if name == "PINHOLE" else camera.distortion
  return name, (camera.fl_x, camera.fl_y, camera.cx, camera.cy, *terms)


def quaternion(rotation: np.ndarray) -> np.ndarray:
  """Returns (w, x, y, z) of a rotation [3, 3]."""
  (a, b, c), (d, e, f), (g, h, i) = rotation
  # Four times the outer product of the quaternion with itself.
  outer = np.array(
    [
      [1 + a + e + i, h - f, c - g, d - b],
      [h - f, 1 + a - e - i, b + d, c + g],
      [c - g, b + d, 1 - a + e - i, f + h],
      [d - b, c + g, f + h, 1 - a - e + i],
    ]
  )
  row = outer[np.argmax(np.diag(outer))]
  return row / np.linalg.norm(row)


def colmap_motion(camera: Camera) -> np.ndarray:
  """Returns quaternion and translation, world to camera: [7]."""
  rotation = (camera.camera_to_world[:3, :3] * [1, -1, -1]).T
  translation = -rotation @ camera.camera_to_world[:3, 3]
  return np.array([*quaternion(rotation), *translation])


def colmap(
  given: Given,
  root: pathlib.Path,
  *,
  binary=True,
  folder="sparse/0",
  images="images",
  lenses=None,
) -> pathlib.Path:
  """One lens a picture, and every point seen by every picture.

  `lenses` are (name, width, height, parameters) in place of the cameras' own.
  """
  write_pictures(given, root / images)
  model = root / folder
  model.mkdir(parents=True)
  if lenses is None:
    lenses = [
      (name, camera.width, camera.height, parameters)
      for camera in given.cameras
      for name, parameters in [colmap_lens(camera)]
    ]
  write = _binary if binary else _text
  write(given, model, lenses)
  return root


def _binary(given: Given, model: pathlib.Path, lenses) -> None:
  count = len(given.points)
  data = struct.pack("<Q", len(lenses))
  for i, (name, width, height, parameters) in enumerate(lenses):
    data += struct.pack("<IiQQ", i + 1, _NUMBERS[name], width, height)
    data += struct.pack(f"<{len(parameters)}d", *parameters)
  (model / "cameras.bin").write_bytes(data)
  data = struct.pack("<Q", len(given.cameras))
  for i, camera in enumerate(given.cameras):
    data += struct.pack("<I7dI", 10 + i, *colmap_motion(camera), i + 1)
    data += camera.name.encode() + b"\0" + struct.pack("<Q", count)
    for k in range(count):
      data += struct.pack("<ddq", 1.5, 2.5, k)
  (model / "images.bin").write_bytes(data)
  data = struct.pack("<Q", count)
  for k, position in enumerate(given.points):
    data += struct.pack("<Q3d3Bd", k, *position, 9, 9, 9, 0.5)
    data += struct.pack("<Q", len(given.cameras))
    for i in range(len(given.cameras)):
      data += struct.pack("<II", 10 + i, k)
  (model / "points3D.bin").write_bytes(data)


def _text(given: Given, model: pathlib.Path, lenses) -> None:
  def join(*words):
    return " ".join(
      repr(float(w)) if isinstance(w, float) else str(w) for w in words
    )

  lines = ["# Camera list"]
  for i, (name, width, height, parameters) in enumerate(lenses):
    lines.append(join(i + 1, name, width, height, *map(float, parameters)))
  (model / "cameras.txt").write_text("\n".join(lines) + "\n")
  lines = ["# Image list"]
  for i, camera in enumerate(given.cameras):
    motion = map(float, colmap_motion(camera))
    lines.append(join(10 + i, *motion, i + 1, camera.name))
    seen = [join(1.5, 2.5, k) for k in range(len(given.points))]
    # A picture that shows no point has an empty line.
    lines.append(" ".join(seen) if i else "")
  (model / "images.txt").write_text("\n".join(lines) + "\n")
  lines = ["# Points"]
  for k, position in enumerate(given.points):
    track = [word for i in range(len(given.cameras)) for word in (10 + i, k)]
    lines.append(join(k, *map(float, position), 9, 9, 9, 0.5, *track))
  (model / "points3D.txt").write_text("\n".join(lines) + "\n")


def colmap_text(given: Given, root: pathlib.Path, **options) -> pathlib.Path:
  """The same as text."""
  return colmap(given, root, binary=False, **options)


WRITERS = {
  "llff": llff,
  "blender": blender,
  "transforms": transforms,
  "colmap": colmap,
  "colmap_text": colmap_text,
  "nerfpp": nerfpp,
  "npz": npz,
}
