"""Raw data of Polycam (developer mode, LiDAR or room mode): its keyframes.

`keyframes/cameras` holds a JSON file for every picture of `keyframes/images`;
`corrected_cameras` and `corrected_images`, after loops were closed, are read
where they exist. t_00 to t_23 are camera-to-world with OpenGL camera axes, in
ARKit's world (y up, metres): nerfstudio 1.1.5's `polycam_utils.py` takes the
columns as they are and turns z up by exchanging rows, which is not done here.
"""

import pathlib

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import leftovers, text_files
from stylized_nerf_jax.scenes.exports import export
from stylized_nerf_jax.scenes.pictures import image_reader

_KEYFRAMES = "keyframes"
_FOLDERS = (("corrected_cameras", "corrected_images"), ("cameras", "images"))
_INTRINSICS, _SIZE = ("fx", "fy", "cx", "cy"), ("width", "height")
_MATRIX = tuple(f"t_{row}{column}" for row in range(3) for column in range(4))
_BLUR = "blur_score"
# Undistorted pictures may have black rims, and what scores less is blurred:
# what nerfstudio 1.1.5 crops and leaves out unless told otherwise.
_BORDER, _LEAST_SCORE = 15, 25.0
_MOST_BYTES = 1 << 20


def find(root: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path] | None:
  """Returns the folders of cameras and of pictures, or None."""
  bases = [root / _KEYFRAMES]
  if root.resolve().name == _KEYFRAMES:
    bases.append(root)
  for base in bases:
    for cameras, images in _FOLDERS:
      folders = base / cameras, base / images
      if folders[1].is_dir() and next(folders[0].glob("*.json"), None):
        return folders
  return None


def read(root: pathlib.Path) -> export.Export:
  """Reads the keyframes that are sharp.

  Raises:
    ValueError: a file is missing or wrong; the message names it.
  """
  folders = find(root)
  if folders is None:
    raise user_error.UserError(
      f"{root}: no keyframes of Polycam; expected `keyframes` with `cameras` "
      "and `images`: export the raw data (developer mode)"
    )
  pictures = image_reader.list_images(folders[1])
  sources = {file.stem: file for file in sorted(folders[0].glob("*.json"))}
  stems = {file.stem for file in pictures}
  files = [file for file in pictures if file.stem in sources]
  bare = [file.name for file in pictures if file.stem not in sources]
  unused = [file.name for stem, file in sources.items() if stem not in stems]
  messages = leftovers.left_out(bare, "picture", "has no camera")
  messages += leftovers.left_out(unused, "camera", "has no picture")
  if not files:
    raise user_error.UserError(
      f"{folders[0]}: no file is called as one of {folders[1]}; expected a "
      f".json for each picture, as {pictures[0].stem}.json: copy them there"
    )
  found, sharp, blurred, keys = [], [], [], set()
  for file in files:
    content = text_files.read_object(
      sources[file.stem], _MOST_BYTES, "a camera of Polycam"
    )
    keys |= set(content)
    item = _camera(content, root, sources[file.stem], file), file
    found.append(item)
    if _score(content, sources[file.stem]) >= _LEAST_SCORE:
      sharp.append(item)
    else:
      blurred.append(file.name)
  if sharp:
    why = f"is blurred ({_BLUR} below {_LEAST_SCORE:g})"
    messages += leftovers.left_out(blurred, "picture", why)
  chosen = sharp or found
  known = {*_INTRINSICS, *_SIZE, *_MATRIX, _BLUR}
  messages += leftovers.unread_keys(keys, known, folders[0])
  messages += leftovers.unread_entries(
    folders[0].parent, [f.name for f in folders]
  )
  return export.Export(
    cameras=[camera for camera, _ in chosen],
    files=[file for _, file in chosen],
    messages=messages,
    border=_BORDER if folders[0].name == _FOLDERS[0][0] else 0,
  )


def _score(content: dict, source: pathlib.Path) -> float:
  if content.get(_BLUR) is None:
    return _LEAST_SCORE
  return text_files.number(content[_BLUR], where=f'{source}: "{_BLUR}"')


def _camera(
  content: dict, root: pathlib.Path, source: pathlib.Path, file: pathlib.Path
) -> camera_lib.Camera:
  where = str(source)

  def values(keys):
    for key in keys:
      if key not in content:
        raise user_error.UserError(
          f'{where}: no "{key}"; expected {", ".join(keys)}: export it again'
        )
    return [
      text_files.number(content[key], where=f'{where}: "{key}"') for key in keys
    ]

  matrix = np.array(values(_MATRIX)).reshape(3, 4)
  return export.camera(
    camera_lib.check_pose(matrix, where=where),
    values(_INTRINSICS),
    values(_SIZE),
    image_reader.read_header(file)[0],
    name=file.relative_to(root).as_posix(),
    where=where,
  )
