"""NSVF's layout, as ARF, svox2 and TensoRF use it.

`rgb` (svox2: `images`) holds pictures and `pose` (`poses`) a text file for
each: camera-to-world, camera axes x right, y down, z forward (svox2's
`nsvf_dataset.py` at 2391dd1, TensoRF's `tankstemple.py` at 1e0c7af). Names
begin with 0_ for "train", 1_ for "val" and 2_ for "test"; a "val" without a
"test" is both. All pictures share `intrinsics.txt`, a matrix [4, 4] or
[3, 3] or, as in Synthetic-NSVF, the line "f cx cy 0." and, at the end, "H W".
`bbox.txt` bounds the object: two corners and the size of a voxel, and
`near_and_far.txt` (DIVeR) its distances along rays.
"""

import pathlib

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import leftovers, principal_point, text_files
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.exports import export, white_background
from stylized_nerf_jax.scenes.pictures import image_reader

PREFIXES = {"train": "0_", "val": "1_", "test": "2_"}
_PICTURES, _POSES = ("rgb", "images", "image"), ("pose", "poses")
_INTRINSICS, _BOX, _BOUNDS = "intrinsics.txt", "bbox.txt", "near_and_far.txt"
_MOST_BYTES = 1 << 16
_SKEW_TOLERANCE = 1e-6


def is_nsvf(root: pathlib.Path) -> bool:
  """Tells whether a folder has the layout."""
  return (root / _INTRINSICS).is_file() and _folders(root) is not None


def read(root: pathlib.Path) -> export.Export:
  """Reads a scene in NSVF's layout.

  Where the pictures have no alpha and show something on pure white, white is
  transparent.

  Returns:
    Its images in the order train, val, test, each in natural order of names,
    bounded by the box where there is one; splits are None where no name has a
    prefix.

  Raises:
    ValueError: a file is missing or wrong; the message names it.
  """
  folders = _folders(root)
  if folders is None:
    raise user_error.UserError(
      f"{root}: no folders of pictures and poses; expected `rgb` and `pose`, "
      "with a text file of a 4x4 matrix for every picture"
    )
  files, splits, messages = _list(folders[0])
  stems = [file.stem for file in files]
  if len(set(stems)) < len(stems):
    twice = next(stem for stem in stems if stems.count(stem) > 1)
    raise user_error.UserError(
      f"{folders[0]}: two pictures are called {twice}; expected one picture of "
      "each name: remove one of the two"
    )
  headers = [image_reader.read_header(file) for file in files]
  scene_lib.check_one_size(files, [size for size, _ in headers])
  size = headers[0][0]
  intrinsics = _intrinsics(root / _INTRINSICS, size)
  cameras = [
    camera_lib.Camera(
      _pose(folders[1] / f"{file.stem}.txt"),
      *intrinsics,
      *size,
      name=file.relative_to(root).as_posix(),
    )
    for file in files
  ]
  box = _box(root / _BOX) if (root / _BOX).exists() else None
  messages += _unused_poses(folders[1], stems)
  known = (_INTRINSICS, _BOX, _BOUNDS, *(folder.name for folder in folders))
  has_alpha = any(alpha for _, alpha in headers)
  white = not has_alpha and white_background.is_white(files)
  if white:
    messages.append("white pixels are taken for nothing: all rims are white")
  return export.Export(
    cameras,
    files,
    [*messages, *leftovers.unread_entries(root, known)],
    splits=splits,
    bounds=_bounds(root / _BOUNDS),
    box=box,
    white=white,
  )


def _folders(root: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path] | None:
  """Returns the folders of pictures and of poses."""
  pictures, poses = (
    next((root / name for name in names if (root / name).is_dir()), None)
    for names in (_PICTURES, _POSES)
  )
  if pictures is None or poses is None:
    return None
  return pictures, poses


def _list(
  folder: pathlib.Path,
) -> tuple[list[pathlib.Path], dict[str, tuple[int, ...]] | None, list[str]]:
  """Returns pictures in the order of their splits, the splits, messages."""
  found = image_reader.list_images(folder)
  by_split = {
    split: [file for file in found if file.name.startswith(prefix)]
    for split, prefix in PREFIXES.items()
  }
  files = [file for chosen in by_split.values() for file in chosen]
  if not files:
    return found, None, []
  if not by_split["train"]:
    raise user_error.UserError(
      f"{folder}: no picture's name begins with 0_, as {files[0].name} does "
      f"with {files[0].name[:2]}; expected some to train on: rename them"
    )
  splits, start = {}, 0
  for split, chosen in by_split.items():
    if chosen or split == "test":
      splits[split] = tuple(range(start, start + len(chosen)))
      start += len(chosen)
  chosen = set(files)
  others = [file.name for file in found if file not in chosen]
  return (
    files,
    scene_lib.with_test(splits),
    leftovers.left_out(others, "picture", "has no prefix 0_, 1_ or 2_"),
  )


def _unused_poses(folder: pathlib.Path, stems: list[str]) -> list[str]:
  """Returns a message of poses that no picture has."""
  poses = [file for file in folder.iterdir() if file.suffix == ".txt"]
  known = set(stems)
  unused = sorted(file.name for file in poses if file.stem not in known)
  return leftovers.left_out(unused, "pose", "has no picture")


def _pose(source: pathlib.Path) -> np.ndarray:
  """Reads a pose: OpenGL camera-to-world, float64 [4, 4]."""
  words = _words(source, "a 4x4 camera-to-world matrix")
  where = str(source)
  values = text_files.numbers(words, 16, where=where, what="a 4x4 matrix")
  pose = np.array(values).reshape(4, 4)
  pose[:, 1:3] *= -1
  return camera_lib.check_pose(pose, where=where)


def _words(source: pathlib.Path, what: str) -> list[str]:
  return text_files.read_text(source, _MOST_BYTES, what).split()


def _intrinsics(
  source: pathlib.Path, size: tuple[int, int]
) -> tuple[float, float, float, float]:
  """Reads fl_x, fl_y, cx, cy in pixels of pictures of a size."""
  what = "a 4x4 camera matrix, or f, cx, cy and 0 in its first line"
  text = text_files.read_text(source, _MOST_BYTES, what)
  lines = [line.split() for line in text.splitlines() if line.split()]
  words = [word for line in lines for word in line]
  where = str(source)
  columns = {9: 3, 12: 4, 16: 4}.get(len(words))
  if columns and [len(line) for line in lines[:2]] != [4, 3]:
    values = text_files.numbers(words, len(words), where=where, what=what)
    fl_x, skew, cx = values[:3]
    fl_y, cy = values[columns + 1 : columns + 3]
    if not abs(skew) <= _SKEW_TOLERANCE * abs(fl_x):
      raise user_error.UserError(
        f"{where}: the skew is {skew:g}; expected 0: pixels must be rectangles"
      )
    factor = principal_point.reduction(cx, cy, size, where=where)
    along_x, along_y = 1 / factor, 1 / factor
  else:
    first = lines[0] if lines else []
    fl_x, cx, cy, _ = text_files.numbers(first, 4, where=where, what=what)
    fl_y, along_x, along_y = fl_x, 1.0, 1.0
    if len(lines) > 3:
      height, width = text_files.numbers(
        lines[3], 2, where=f"{where}, line 4", what="height and width"
      )
      if min(height, width) < 1 or not image_reader.same_aspect(
        size, (width, height), reduced=True
      ):
        raise user_error.UserError(
          f"{where}, line 4: height {height:g} and width {width:g}, but the "
          f"pictures are {size[0]}x{size[1]}; expected one aspect ratio"
        )
      along_x, along_y = size[0] / width, size[1] / height
  intrinsics = (fl_x * along_x, fl_y * along_y, cx * along_x, cy * along_y)
  camera_lib.check_intrinsics(*intrinsics, *size, where=where)
  return intrinsics


def _bounds(source: pathlib.Path) -> tuple[float, float] | None:
  """Reads near and far, where there is such a file."""
  if not source.exists():
    return None
  words = _words(source, "near and far")
  near, far = text_files.numbers(
    words, 2, where=str(source), what="near and far"
  )
  if not 0 < near < far:
    raise user_error.UserError(
      f"{source}: near is {near:g} and far {far:g}; expected 0 < near < far: "
      "correct them or remove the file"
    )
  return near, far


def _box(source: pathlib.Path):
  """Reads the corners of the box."""
  what = "two corners and the size of a voxel"
  words = _words(source, what)
  if len(words) == 6:
    words = [*words, "1"]
  values = text_files.numbers(words, 7, where=str(source), what=what)
  low, high = values[:3], values[3:6]
  if not all(a < b for a, b in zip(low, high, strict=True)):
    raise user_error.UserError(
      f"{source}: the corners are {low} and {high}; expected each coordinate "
      "of the first below that of the second"
    )
  if max(map(abs, (*low, *high))) > camera_lib.LARGEST_CENTER:
    raise user_error.UserError(
      f"{source}: the corners are {low} and {high}; expected coordinates up to "
      f"{camera_lib.LARGEST_CENTER:g}"
    )
  return low, high
