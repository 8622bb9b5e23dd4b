"""Recordings of Record3D: its RGBD export with EXR depth, or an unpacked .r3d.

`metadata` (or metadata.json) is JSON: "K" the camera matrix [3, 3], column by
column, for pictures of "w" x "h"; "poses" a row qx, qy, qz, qw, x, y, z for
each frame, camera-to-world with OpenGL camera axes in ARKit's world (y up,
metres), as nerfstudio 1.1.5's `record3d_utils.py` takes them; newer versions
add "perFrameIntrinsicCoeffs", rows of fx, fy, cx, cy. `rgb/N` (of a .r3d
`rgbd/N`) is the picture of row N.
"""

import pathlib

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import leftovers, text_files
from stylized_nerf_jax.scenes.exports import export
from stylized_nerf_jax.scenes.pictures import image_reader

_ROOTS, _NAMES = ("", "EXR_RGBD"), ("metadata", "metadata.json")
_PICTURES = ("rgb", "rgbd")
_PER_FRAME = "perFrameIntrinsicCoeffs"
_KEYS = ("K", "w", "h", "poses", _PER_FRAME)
# Half an hour of a recording at least.
_MOST_BYTES = 1 << 25
# Farther from the middle, in sides, no phone's principal point is: K is that
# of a picture turned otherwise.
_OFF_MIDDLE = 0.1


def find(root: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path] | None:
  """Returns the file of poses and the folder of pictures, or None."""
  for base in _ROOTS:
    for name in _NAMES:
      for pictures in _PICTURES:
        found = root / base / name, root / base / pictures
        if found[0].is_file() and found[1].is_dir():
          return found
  return None


def read(root: pathlib.Path) -> export.Export:
  """Reads frames of a recording.

  Raises:
    ValueError: a file is missing or wrong; the message names it.
  """
  found = find(root)
  if found is None:
    raise user_error.UserError(
      f"{root}: no recording of Record3D; expected `metadata` and `rgb`, as "
      "its export of RGBD with EXR depth writes them"
    )
  source, folder = found
  what = "the metadata of a recording"
  content = text_files.read_object(source, _MOST_BYTES, what)
  rows = _rows(content, "poses", source)
  per_frame = None
  if content.get(_PER_FRAME):
    per_frame = _rows(content, _PER_FRAME, source)
  files, messages = export.numbered(folder)
  bare = [file.name for number, file in files.items() if number >= len(rows)]
  messages += leftovers.left_out(bare, "picture", "has no pose")
  messages += _poses_left(len(rows), files)
  posed = [number for number in files if number < len(rows)]
  if not posed:
    raise user_error.UserError(
      f"{source}: none of {len(files)} pictures of {folder} has one of its "
      f'{len(rows)} "poses"; expected them to be called 0.jpg, 1.jpg, ...'
    )
  chosen, note = export.thinned(posed, folder.name)
  size = [
    text_files.number(content.get(key), where=f'{source}: "{key}"')
    for key in ("w", "h")
  ]
  cameras, turned = [], 0
  for number in chosen:
    where = f"{source}, pose {number}"
    row = text_files.numbers(
      rows[number], 7, where=where, what="a quaternion and a place"
    )
    intrinsics = _intrinsics(content, per_frame, number, source)
    middle = _middle(intrinsics, size)
    turned += middle != intrinsics
    rotation = export.rotation(row[:4], where=where)
    file = files[number]
    cameras.append(
      export.camera(
        export.pose(rotation, row[4:], where=where),
        middle,
        size,
        image_reader.read_header(file)[0],
        name=file.relative_to(root).as_posix(),
        where=where,
      )
    )
  if turned:
    messages.append(
      f"{source.name}: the principal point of {turned} frames is not about the "
      "middle of the pictures, which is taken in its place"
    )
  messages += leftovers.unread_keys(content, _KEYS, source)
  messages += leftovers.unread_entries(
    source.parent, [source.name, folder.name]
  )
  return export.Export(
    cameras, [files[number] for number in chosen], [*messages, *note]
  )


def _rows(content: dict, key: str, source: pathlib.Path) -> list:
  """Returns a list of the file."""
  rows = content.get(key)
  if not isinstance(rows, list) or not rows:
    raise user_error.UserError(
      f'{source}: "{key}" is {str(rows)[:40]}; expected a row of numbers for '
      "each frame: export the recording again"
    )
  return rows


def _poses_left(count: int, files: dict[int, pathlib.Path]) -> list[str]:
  """Returns a message of poses that have no picture."""
  unused = [str(number) for number in range(count) if number not in files]
  return leftovers.left_out(unused, "pose", "has no picture")


def _intrinsics(
  content: dict, per_frame: list | None, number: int, source: pathlib.Path
) -> tuple[float, ...]:
  """Returns fl_x, fl_y, cx, cy of a frame, in pixels of w x h."""
  if per_frame is not None and number < len(per_frame):
    return text_files.numbers(
      per_frame[number],
      4,
      where=f'{source}, "{_PER_FRAME}" {number}',
      what="fx, fy, cx, cy",
    )
  matrix = text_files.numbers(
    content.get("K"), 9, where=f'{source}: "K"', what="a 3x3 camera matrix"
  )
  return matrix[0], matrix[4], matrix[6], matrix[7]


def _middle(
  intrinsics: tuple[float, ...], size: list[float]
) -> tuple[float, ...]:
  """Returns intrinsics, with the middle for a principal point far from it."""
  point = intrinsics[2:]
  off = [
    abs(value - side / 2) > _OFF_MIDDLE * side
    for value, side in zip(point, size, strict=True)
  ]
  if not any(off):
    return intrinsics
  return (*intrinsics[:2], size[0] / 2, size[1] / 2)
