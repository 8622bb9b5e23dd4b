"""Writers of a `scene_writers.Given` scene as apps and programs export one.

Axes are written out by hand, from what each of them documents. Every picture is
a PNG that is called by the number of its camera.
"""

import json
import pathlib

import numpy as np
import scene_writers
from PIL import Image

_METASHAPE_TERMS = {
  "pinhole": (),
  "opencv": ("k1", "k2", "p2", "p1"),
  "full_opencv": ("k1", "k2", "p2", "p1", "k3"),
  "fisheye": ("k1", "k2", "k3", "k4"),
}


def _pictures(given, folder: pathlib.Path, names) -> None:
  folder.mkdir(parents=True)
  for name, pixels in zip(names, given.pictures, strict=True):
    Image.fromarray(pixels).save(folder / name)


def opencv_axes(camera) -> np.ndarray:
  """Returns camera-to-world [4, 4] with x right, y down, z forward."""
  pose = np.array(camera.camera_to_world)
  pose[:3, 1] = -pose[:3, 1]
  pose[:3, 2] = -pose[:3, 2]
  return pose


def _write_matrix(path: pathlib.Path, matrix: np.ndarray) -> None:
  path.parent.mkdir(exist_ok=True)
  lines = [" ".join(repr(float(v)) for v in row) for row in matrix]
  path.write_text("\n".join(lines) + "\n")


def nsvf(
  given, root: pathlib.Path, *, prefixes=None, box=(-3, -3, -9, 3, 3, 3, 0.4)
) -> pathlib.Path:
  """All have the prefix 0_, and a box, unless others are given; 4x4 matrix."""
  prefixes = prefixes or ["0_"] * len(given.cameras)
  stems = [f"{prefix}{i:04d}" for i, prefix in enumerate(prefixes)]
  _pictures(given, root / "rgb", [f"{stem}.png" for stem in stems])
  for stem, camera in zip(stems, given.cameras, strict=True):
    _write_matrix(root / "pose" / f"{stem}.txt", opencv_axes(camera))
  camera = given.cameras[0]
  matrix = np.eye(4)
  matrix[0, :3] = camera.fl_x, 0, camera.cx
  matrix[1, :3] = 0, camera.fl_y, camera.cy
  _write_matrix(root / "intrinsics.txt", matrix)
  if box is not None:
    (root / "bbox.txt").write_text(" ".join(map(str, box)) + "\n")
  return root


def polycam(given, root: pathlib.Path, *, corrected=False) -> pathlib.Path:
  """t_RC is row R and column C of an OpenGL camera-to-world."""
  prefix = "corrected_" if corrected else ""
  base = root / "keyframes"
  names = [f"{70000 + i}.png" for i in range(len(given.cameras))]
  _pictures(given, base / f"{prefix}images", names)
  folder = base / f"{prefix}cameras"
  folder.mkdir()
  for name, camera in zip(names, given.cameras, strict=True):
    content = {
      "fx": camera.fl_x,
      "fy": camera.fl_y,
      "cx": camera.cx,
      "cy": camera.cy,
      "width": camera.width,
      "height": camera.height,
      "blur_score": 80.5,
      "manual_keyframe": False,
    }
    for row in range(3):
      for column in range(4):
        value = camera.camera_to_world[row, column]
        content[f"t_{row}{column}"] = float(value)
    path = folder / name.replace(".png", ".json")
    path.write_text(json.dumps(content))
  return root


def _scalar_last(rotation: np.ndarray) -> list[float]:
  w, x, y, z = scene_writers.quaternion(rotation)
  return [float(x), float(y), float(z), float(w)]


def record3d(given, root: pathlib.Path, **fields) -> pathlib.Path:
  """K goes down its columns; `fields` are put into the metadata."""
  _pictures(
    given, root / "rgb", [f"{i}.png" for i in range(len(given.cameras))]
  )
  camera = given.cameras[0]
  content = {
    "K": [camera.fl_x, 0, 0, 0, camera.fl_y, 0, camera.cx, camera.cy, 1],
    "w": camera.width,
    "h": camera.height,
    "fps": 60,
    "poses": [
      _scalar_last(camera.camera_to_world[:3, :3])
      + camera.camera_to_world[:3, 3].tolist()
      for camera in given.cameras
    ],
    **fields,
  }
  (root / "metadata").write_text(json.dumps(content))
  return root


def stray(given, root: pathlib.Path, *, per_frame=False) -> pathlib.Path:
  """Frames from 0 on; intrinsics in rows too, the matrix then being wrong."""
  _pictures(
    given, root / "rgb", [f"{i:06d}.png" for i in range(len(given.cameras))]
  )
  names = "timestamp, frame, x, y, z, qx, qy, qz, qw"
  lines = [names + (", fx, fy, cx, cy" if per_frame else "")]
  for i, camera in enumerate(given.cameras):
    pose = opencv_axes(camera)
    values = [*pose[:3, 3], *_scalar_last(pose[:3, :3])]
    if per_frame:
      values += [camera.fl_x, camera.fl_y, camera.cx, camera.cy]
    words = ", ".join(repr(float(value)) for value in values)
    lines.append(f"{100 + i / 60}, {i:06d}, {words}")
  (root / "odometry.csv").write_text("\n".join(lines) + "\n")
  camera = given.cameras[0]
  focal = 999.0 if per_frame else camera.fl_x
  (root / "camera_matrix.csv").write_text(
    f"{focal}, 0.0, {camera.cx}\n0.0, {camera.fl_y}, {camera.cy}\n"
    "0.0, 0.0, 1.0\n"
  )
  return root


def metashape(given, root: pathlib.Path) -> pathlib.Path:
  """One sensor for all; labels lack the ending."""
  _pictures(
    given, root / "images", [f"IMG_{i}.png" for i in range(len(given.cameras))]
  )
  camera = given.cameras[0]
  terms = {
    "f": camera.fl_y,
    "b1": camera.fl_x - camera.fl_y,
    "cx": camera.cx - camera.width / 2,
    "cy": camera.cy - camera.height / 2,
    **dict(
      zip(_METASHAPE_TERMS[camera.model], camera.distortion, strict=False)
    ),
  }
  kind = "fisheye" if camera.model == "fisheye" else "frame"
  calibration = "".join(
    f"<{name}>{float(value)!r}</{name}>" for name, value in terms.items()
  )
  cameras = "".join(
    f'<camera id="{i}" sensor_id="0" label="IMG_{i}"><transform>'
    + " ".join(repr(float(v)) for v in opencv_axes(camera).ravel())
    + "</transform></camera>"
    for i, camera in enumerate(given.cameras)
  )
  (root / "cameras.xml").write_text(
    '<?xml version="1.0" encoding="UTF-8"?><document version="2.0.0">'
    '<chunk label="Chunk 1" enabled="true"><sensors next_id="1">'
    f'<sensor id="0" label="unknown" type="{kind}">'
    f'<resolution width="{camera.width}" height="{camera.height}"/>'
    f'<calibration type="{kind}" class="adjusted">{calibration}</calibration>'
    f"</sensor></sensors><cameras>{cameras}</cameras></chunk></document>\n"
  )
  return root


WRITERS = {
  "nsvf": nsvf,
  "polycam": polycam,
  "record3d": record3d,
  "stray": stray,
  "metashape": metashape,
}
