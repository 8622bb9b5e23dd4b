"""Reader of LLFF captures: `poses_bounds.npy` beside folders of photographs.

Each row of the file is a 3x5 matrix and two depth bounds. The matrix holds
camera-to-world axes [down, right, back], the centre, and (height, width,
focal) of the photographs at full size.

LLFF's imgs2poses writes a row for each photograph that COLMAP placed, by the
plain order of their names, and leaves the others in their folder. Which they
are stands in `view_imgs.txt`, which many copies of it write, a name a line in
the order of the rows, or in COLMAP's model beside the file.
"""

import collections
import dataclasses
import pathlib

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import (
  file_names,
  leftovers,
  pose_geometry,
  text_files,
)
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import image_reader
from stylized_nerf_jax.scenes.readers import colmap, image_folder, numpy_files

POSES_FILE = "poses_bounds.npy"
NAMES_FILE = "view_imgs.txt"


@dataclasses.dataclass(frozen=True)
class _Poses:
  """Content of poses_bounds.npy, axes turned to OpenGL.

  Attributes:
    camera_to_world: [V, 4, 4].
    hwf: [V, 3] height, width, focal length in pixels at full size.
    bounds: [V, 2] nearest and farthest depth, file units.
  """

  camera_to_world: np.ndarray
  hwf: np.ndarray
  bounds: np.ndarray


def load_llff(
  path: str | pathlib.Path,
  *,
  downsample: float = 1,
  background: str = "white",
  holdout: int = 8,
) -> scene_lib.Scene:
  """Reads an LLFF scene.

  Args:
    path: folder with poses_bounds.npy and `images` or `images_N`.
    downsample: N takes `images_N` where it exists, and otherwise shrinks the
      nearest larger folder when its pictures are decoded.
    background: "white" or "black", under pictures with alpha.
    holdout: every holdout-th image is "test"; 0 holds none out.

  Raises:
    ValueError: a file is missing or wrong; the message names it.
  """
  root = pathlib.Path(path)
  image_reader.check_downsample(downsample)
  poses = _read_poses(root / POSES_FILE)
  folder, factor = image_folder.find(root, downsample)
  listed = image_reader.list_images(folder)
  rows, read, messages = _pair(root, len(poses.hwf), listed)
  files = [file for file in listed if file.name in rows]
  order = [rows[file.name] for file in files]
  headers = [image_reader.read_header(file) for file in files]
  image_reader.check_files(files)
  scene_lib.check_one_size(files, [header[0] for header in headers])
  size = image_reader.downsampled_size(headers[0][0], downsample / factor)
  sizes = [size] * len(files)
  cameras = camera_lib.Cameras.from_list(
    [
      _camera(poses, row, size, file)
      for row, file in zip(order, files, strict=True)
    ]
  )
  forward_facing, angle = pose_geometry.is_forward_facing(cameras)
  folders = {path.name for path in image_folder.sizes(root).values()}
  kind = "forward-facing" if forward_facing else "all-round"
  messages = [
    f"{kind} capture: the pictures reach {angle:.0f} degrees from the mean "
    "viewing direction",
    *messages,
    *image_folder.others(root, folder),
    *leftovers.unread_entries(root, {POSES_FILE, *folders, *read}),
  ]
  return scene_lib.Scene(
    name=root.resolve().name,
    format="llff",
    path=str(root),
    cameras=cameras,
    images=image_reader.ImageFiles(files, sizes, background=background),
    masks=None,
    alphas=(
      image_reader.AlphaFiles(files, sizes)
      if any(header[1] for header in headers)
      else None
    ),
    depths=None,
    layout="forward_facing" if forward_facing else "bounded",
    near=float(poses.bounds.min()),
    far=float(poses.bounds.max()),
    bounding_box=None,
    splits=scene_lib.holdout_splits(len(files), holdout),
    messages=tuple(messages),
  )


def _pair(
  root: pathlib.Path, count: int, files: list[pathlib.Path]
) -> tuple[dict[str, int], set[str], list[str]]:
  """Finds which photograph a row is of.

  Args:
    root: folder of the scene.
    count: of rows.
    files: photographs of the folder that is read.

  Returns:
    rows: by the names of the files that have one.
    read: what was read for it in the folder of the scene, or is said.
    messages: what was left out.
  """
  names = sorted(file.name for file in files)
  if len(files) == count and not file_names.is_file(root / NAMES_FILE):
    return {name: i for i, name in enumerate(names)}, set(), []
  source, listed = _listed_names(root)
  found = _find_listed(files, listed) if len(listed) == count else None
  if found is None:
    if len(files) == count:
      # The folder itself keeps to the format, whatever an old list says.
      return (
        {name: i for i, name in enumerate(names)},
        {NAMES_FILE},
        [
          f"{source} is not used: it does not name the {count} pictures of "
          f"{files[0].parent.name}, which are as many as the poses"
        ],
      )
    raise user_error.UserError(_mismatch(root, count, files, source, listed))
  left = [file.name for file in files if file.name not in found]
  read = {NAMES_FILE} if source == NAMES_FILE else {"sparse", "colmap"}
  why = f"has no pose, as {source} says"
  return found, read, leftovers.left_out(left, "picture", why)


def _listed_names(root: pathlib.Path) -> tuple[str, list[str]]:
  """Returns what names the photographs that have poses, and the names.

  Names are in the order of the rows. There are none where nothing tells.
  """
  path = root / NAMES_FILE
  if file_names.is_file(path):
    return NAMES_FILE, text_files.read_names(path)
  names = colmap.read_names(root)
  return "COLMAP's model", sorted(names)


def _find_listed(
  files: list[pathlib.Path], names: list[str]
) -> dict[str, int] | None:
  """Returns rows by file names; None unless every name has a file of its own.

  Reduced copies may be of another format.
  """
  by_name = {file.name: file.name for file in files}
  counts = collections.Counter(file.stem for file in files)
  by_stem = {file.stem: file.name for file in files if counts[file.stem] == 1}
  found = {}
  for row, name in enumerate(names):
    name = pathlib.PurePosixPath(file_names.clean(name))
    file = by_name.get(name.name) or by_stem.get(name.stem)
    if file is None or file in found:
      return None
    found[file] = row
  return found


def _mismatch(
  root: pathlib.Path,
  count: int,
  files: list[pathlib.Path],
  source: str,
  listed: list[str],
) -> str:
  """Says how many poses and pictures there are, and what would help."""
  says = ""
  if listed:
    missing = next(
      (name for name in listed if _find_listed(files, [name]) is None), None
    )
    says = f", and {source} names {len(listed)}"
    if missing:
      says += f", such as {missing[:80]}, which is not there"
  return (
    f"{root / POSES_FILE} holds {count} poses but {files[0].parent} holds "
    f"{len(files)} images{says}; expected as many poses as images, or a "
    f"{root / NAMES_FILE} that names the {count} with a pose, in the order of "
    "the rows: write it, or remove the images without a pose"
  )


def _read_poses(path: pathlib.Path) -> _Poses:
  """Reads and checks poses_bounds.npy."""
  if not path.is_file():
    raise user_error.UserError(f"{path}: no such file; an LLFF scene needs it")
  table = numpy_files.read_npy(path, expected="shape [images, 17]")
  if table.ndim != 2 or table.shape[1] != 17 or len(table) == 0:
    raise user_error.UserError(
      f"{path}: found shape {list(table.shape)}; expected [images, 17] "
      "numbers, a 3x5 pose and two bounds in each row"
    )
  table = table.astype(np.float64)
  matrices = table[:, :15].reshape(-1, 3, 5)
  down, right, back, center = np.moveaxis(matrices[:, :, :4], -1, 0)
  turned = np.stack([right, -down, back, center], axis=-1)
  poses = np.stack(
    [
      camera_lib.check_pose(matrix, where=f"{path}, row {i}")
      for i, matrix in enumerate(turned)
    ]
  )
  _check_bounds(table[:, 15:], path)
  return _Poses(poses, matrices[:, :, 4], table[:, 15:])


def _check_bounds(bounds: np.ndarray, path: pathlib.Path) -> None:
  """Raises ValueError unless 0 < near < far in every row."""
  for i, (near, far) in enumerate(bounds):
    if not 0 < near < far < np.inf:
      raise user_error.UserError(
        f"{path}, row {i}: near bound is {near:g} and far bound {far:g}; "
        "expected 0 < near < far: estimate the poses again or remove the image"
      )


def _camera(
  poses: _Poses, row: int, size: tuple[int, int], file: pathlib.Path
) -> camera_lib.Camera:
  """Builds one camera, its focal length scaled to the images' own size."""
  height, width, focal = poses.hwf[row]
  where = f"{file.parents[1] / POSES_FILE}, row {row} ({file.name})"
  if not (np.isfinite(poses.hwf[row]).all() and min(width, height) >= 1):
    raise user_error.UserError(
      f"{where}: image height {height:g} and width {width:g}; expected "
      "positive numbers of pixels"
    )
  if not image_reader.same_aspect(size, (width, height), reduced=True):
    raise user_error.UserError(
      f"{where}: the pose is for {width:g}x{height:g} but the image is "
      f"{size[0]}x{size[1]}; expected one aspect ratio: restore the pictures "
      "or estimate the poses again"
    )
  fl_x, fl_y = focal * size[0] / width, focal * size[1] / height
  cx, cy = size[0] / 2, size[1] / 2
  camera_lib.check_intrinsics(fl_x, fl_y, cx, cy, *size, where=where)
  return camera_lib.Camera(
    poses.camera_to_world[row], fl_x, fl_y, cx, cy, *size, name=file.name
  )
