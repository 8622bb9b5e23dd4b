"""Reader of LLFF captures: `poses_bounds.npy` beside folders of photographs.

Each row of the file is a 3x5 matrix and two depth bounds. The matrix holds
camera-to-world axes [down, right, back], the centre, and (height, width,
focal) of the photographs at full size.
"""

import dataclasses
import pathlib

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import pose_geometry
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import image_reader
from stylized_nerf_jax.scenes.readers import image_folder, numpy_files

POSES_FILE = "poses_bounds.npy"


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
  files = image_reader.list_images(folder)
  if len(files) != len(poses.hwf):
    raise user_error.UserError(
      f"{root / POSES_FILE} holds {len(poses.hwf)} poses but {folder} holds "
      f"{len(files)} images; expected as many poses as images: remove the "
      "images without a pose or estimate the poses again"
    )
  # LLFF numbers its poses by the plain order of names; a Scene is in natural
  # order, which differs where numbers are not padded with zeros.
  rows = {name: i for i, name in enumerate(sorted(f.name for f in files))}
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
  kind = "forward-facing" if forward_facing else "all-round"
  message = (
    f"{kind} capture: the pictures reach {angle:.0f} degrees from the mean "
    "viewing direction"
  )
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
    messages=(message,),
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
