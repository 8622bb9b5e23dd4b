"""Recordings of Stray Scanner: odometry.csv and frames of its video.

A row of odometry.csv has the frame's number, place and quaternion (x, y, z, w):
camera-to-world with camera axes x right, y down, z forward, in ARKit's world (y
up, metres), as the app's `OdometryEncoder.swift` writes it (strayrobots/scanner
at 4947d46). Newer versions add fx, fy, cx, cy of the frame; otherwise all have
those of camera_matrix.csv. Frames are rgb.mp4's, which has to be taken apart
into `rgb` first: frame 0 is 000000. Earlier versions mark the video as to be
turned upright, which poses and intrinsics know nothing of.
"""

import pathlib

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import leftovers, principal_point, text_files
from stylized_nerf_jax.scenes.exports import export
from stylized_nerf_jax.scenes.pictures import image_reader

ODOMETRY, MATRIX = "odometry.csv", "camera_matrix.csv"
VIDEO, PICTURES = "rgb.mp4", "rgb"
_POSE = ("x", "y", "z", "qx", "qy", "qz", "qw")
_INTRINSICS = ("fx", "fy", "cx", "cy")
# Half an hour of a recording at least.
_MOST_BYTES = 1 << 25
_EXTRACT = (
  "mkdir rgb && ffmpeg -noautorotate -i rgb.mp4 -fps_mode passthrough "
  "-start_number 0 -q:v 2 rgb/%06d.jpg"
)


def is_stray(root: pathlib.Path) -> bool:
  """Tells whether a folder is such a recording."""
  return (root / ODOMETRY).is_file() and (root / MATRIX).is_file()


def frames(root: pathlib.Path) -> list[int]:
  """Returns the numbers of the frames that are read where all are there.

  Raises:
    ValueError: odometry.csv is missing or wrong; the message says how.
  """
  return export.thinned(sorted(_rows(root / ODOMETRY)), PICTURES)[0]


def read(root: pathlib.Path) -> export.Export:
  """Reads frames of a recording.

  Raises:
    ValueError: a file is missing or wrong; the message names it.
  """
  source, folder = root / ODOMETRY, root / PICTURES
  if not folder.is_dir():
    raise user_error.UserError(
      f"{folder}: no such folder; expected the frames of {VIDEO} there: run "
      f"`stylized-nerf convert {root} --format transforms --out SCENE` and use "
      f"that, or, in {root}, `{_EXTRACT}`"
    )
  rows = _rows(source)
  files, messages = export.numbered(folder)
  if 0 not in files and files and min(files) == 1 and max(files) not in rows:
    raise user_error.UserError(
      f"{folder}: the first frame is called 1, and {source.name} has none "
      f"called {max(files)}; expected the first to be 0: extract them again "
      "with -start_number 0"
    )
  bare = [file.name for number, file in files.items() if number not in rows]
  unused = [str(number) for number in rows if number not in files]
  messages += leftovers.left_out(bare, "picture", "has no pose")
  messages += leftovers.left_out(unused, "pose", "has no picture")
  posed = [number for number in files if number in rows]
  if not posed:
    raise user_error.UserError(
      f"{source}: none of {len(files)} pictures of {folder} has a row; "
      f"expected them to be called 000000.jpg, ...: in {root}, run `{_EXTRACT}`"
    )
  chosen, note = export.thinned(posed, folder.name)
  matrix = _matrix(root / MATRIX)
  cameras = []
  for number in chosen:
    where, row = rows[number]
    size = image_reader.read_header(files[number])[0]
    intrinsics = matrix
    if all(row.get(key) for key in _INTRINSICS):
      intrinsics = _numbers(row, _INTRINSICS, where)
    factor = principal_point.reduction(*intrinsics[2:], size, where=where)
    place = _numbers(row, _POSE, where)
    axes = export.rotation(place[3:], where=where) * [1, -1, -1]
    cameras.append(
      export.camera(
        export.pose(axes, place[:3], where=where),
        intrinsics,
        (size[0] * factor, size[1] * factor),
        size,
        name=f"{PICTURES}/{files[number].name}",
        where=where,
      )
    )
  messages += leftovers.unread_entries(
    root, (ODOMETRY, MATRIX, VIDEO, PICTURES)
  )
  return export.Export(
    cameras, [files[number] for number in chosen], [*messages, *note]
  )


def _rows(source: pathlib.Path) -> dict[int, tuple[str, dict[str, str]]]:
  """Reads odometry.csv: by frame, where it stands and its words by column."""
  text = text_files.read_text(source, _MOST_BYTES, "a row for every frame")
  head, *lines = text.splitlines() or [""]
  names = [word.strip() for word in head.split(",")]
  missing = [name for name in ("frame", *_POSE) if name not in names]
  if missing:
    raise user_error.UserError(
      f"{source}, line 1: no column {missing[0]}; expected frame, "
      f"{', '.join(_POSE)}: export the recording again"
    )
  rows = {}
  read = {"frame", *_POSE, *_INTRINSICS}
  for i, line in enumerate(lines, start=2):
    if not line.strip():
      continue
    where = f"{source}, line {i}"
    words = zip(names, line.split(","))
    row = {name: word.strip() for name, word in words if name in read}
    number = text_files.number(row.get("frame"), where=f"{where}: frame")
    if number != int(number) or number in rows:
      raise user_error.UserError(
        f"{where}: frame is {row['frame']}; expected a whole number, and every "
        "one once: export the recording again"
      )
    rows[int(number)] = where, row
  if not rows:
    raise user_error.UserError(
      f"{source}: no rows; expected one for every frame: export the recording "
      "again"
    )
  return rows


def _numbers(
  row: dict[str, str], names: tuple[str, ...], where: str
) -> tuple[float, ...]:
  return tuple(
    text_files.number(row.get(name), where=f"{where}: {name}") for name in names
  )


def _matrix(source: pathlib.Path) -> tuple[float, float, float, float]:
  """Reads fl_x, fl_y, cx, cy of camera_matrix.csv."""
  text = text_files.read_text(source, _MOST_BYTES, "a 3x3 camera matrix")
  matrix = text_files.numbers(
    text.replace(",", " ").split(),
    9,
    where=str(source),
    what="a 3x3 camera matrix",
  )
  return matrix[0], matrix[4], matrix[2], matrix[5]
