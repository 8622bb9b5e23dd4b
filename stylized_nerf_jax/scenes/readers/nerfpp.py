"""Reader of scenes in the layout of NeRF++, as of Tanks and Temples.

`train` and `test` hold `rgb` (pictures), `pose` and `intrinsics` (text files of
the same names, sixteen numbers each): camera-to-world with axes x right, y
down, z forward, and the camera matrix at the size of the picture. Bounds are
`camera_bounds`.
"""

import pathlib

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import leftovers
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import image_reader
from stylized_nerf_jax.scenes.readers import camera_bounds

# Folder of each split; only that of train is needed.
_FOLDERS = {"train": "train", "val": "validation", "test": "test"}
_PICTURES, _POSES, _INTRINSICS = "rgb", "pose", "intrinsics"
_MOST_BYTES = 1 << 16
_SKEW_TOLERANCE = 1e-6


def is_nerfpp(root: pathlib.Path) -> bool:
  """Tells whether a folder has the layout."""
  return all(
    (root / _FOLDERS["train"] / name).is_dir() for name in (_POSES, _INTRINSICS)
  )


def load_nerfpp(
  path: str | pathlib.Path,
  *,
  downsample: float = 1,
  background: str = "white",
) -> scene_lib.Scene:
  """Reads a NeRF++ scene.

  Args:
    path: folder with `train`, and `test` and `validation` where they exist.
    downsample: width and height are divided by this when decoded.
    background: "white" or "black", under pictures with alpha.

  Returns:
    A scene with its images in the order train, val, test, each in natural
    order of names.

  Raises:
    ValueError: a file is missing or wrong; the message names it.
  """
  root = pathlib.Path(path)
  image_reader.check_downsample(downsample)
  cameras, files, splits, has_alpha = [], [], {}, False
  messages = leftovers.unread_entries(root, _FOLDERS.values())
  for split, folder in _FOLDERS.items():
    if split != "train" and not (root / folder).is_dir():
      continue
    found = image_reader.list_images(root / folder / _PICTURES)
    splits[split] = tuple(range(len(files), len(files) + len(found)))
    _check_stems(found)
    messages += _unused(root / folder, {file.stem for file in found})
    for file in found:
      size, transparent = image_reader.read_header(file)
      cameras.append(_camera(root, folder, file, size))
      files.append(file)
      has_alpha |= transparent
  splits = scene_lib.with_test(splits)
  image_reader.check_files(files)
  sizes = [
    image_reader.downsampled_size((camera.width, camera.height), downsample)
    for camera in cameras
  ]
  cameras = camera_lib.Cameras.from_list(
    [camera.resized(*size) for camera, size in zip(cameras, sizes, strict=True)]
  )
  near, far = camera_bounds.near_and_far(cameras)
  return scene_lib.Scene(
    name=root.resolve().name,
    format="nerfpp",
    path=str(root),
    cameras=cameras,
    images=image_reader.ImageFiles(files, sizes, background=background),
    masks=None,
    alphas=image_reader.AlphaFiles(files, sizes) if has_alpha else None,
    depths=None,
    layout="unbounded",
    near=near,
    far=far,
    bounding_box=None,
    splits=splits,
    messages=tuple(messages),
  )


def _unused(folder: pathlib.Path, stems: set[str]) -> list[str]:
  """Says which poses have no picture, and what else lies there."""
  poses = sorted(file for file in (folder / _POSES).glob("*.txt"))
  spare = [f"{folder.name}/{p.name}" for p in poses if p.stem not in stems]
  return [
    *leftovers.left_out(spare, "pose", "has no picture"),
    *leftovers.unread_entries(folder, (_PICTURES, _POSES, _INTRINSICS)),
  ]


def _check_stems(files: list[pathlib.Path]) -> None:
  """Raises ValueError where two pictures would share one pose."""
  seen = {}
  for file in files:
    if file.stem in seen:
      raise user_error.UserError(
        f"{file}: {seen[file.stem]} has the same pose; expected one picture of "
        "each name: remove one of the two"
      )
    seen[file.stem] = file.name


def _camera(
  root: pathlib.Path, folder: str, file: pathlib.Path, size: tuple[int, int]
) -> camera_lib.Camera:
  """Builds the camera of one picture."""
  source = root / folder / _POSES / f"{file.stem}.txt"
  pose = _read_matrix(source)
  pose[:, 1:3] *= -1
  pose = camera_lib.check_pose(pose, where=str(source))
  source = root / folder / _INTRINSICS / f"{file.stem}.txt"
  matrix = _read_matrix(source)
  fl_x, skew, cx = matrix[0, :3]
  fl_y, cy = matrix[1, 1:3]
  camera_lib.check_intrinsics(fl_x, fl_y, cx, cy, *size, where=str(source))
  if not abs(skew) <= _SKEW_TOLERANCE * fl_x:
    raise user_error.UserError(
      f"{source}: the skew is {skew:g}; expected 0: pixels must be rectangles"
    )
  return camera_lib.Camera(
    pose, fl_x, fl_y, cx, cy, *size, name=f"{folder}/rgb/{file.name}"
  )


def _read_matrix(path: pathlib.Path) -> np.ndarray:
  """Reads a text file of 16 numbers: float64 [4, 4]."""
  if not path.is_file():
    raise user_error.UserError(
      f"{path}: no such file; expected one beside every picture: copy it there "
      "or remove the picture"
    )
  if path.stat().st_size > _MOST_BYTES:
    raise user_error.UserError(
      f"{path}: {path.stat().st_size} bytes; expected 16 numbers"
    )
  words = path.read_text(encoding="utf-8", errors="replace").split()
  try:
    numbers = [float(word) for word in words]
  except ValueError:
    numbers = []
  if len(numbers) != 16:
    raise user_error.UserError(
      f"{path}: {len(words)} words, not 16 numbers; expected a 4x4 matrix: "
      "write the file again"
    )
  return np.array(numbers).reshape(4, 4)
