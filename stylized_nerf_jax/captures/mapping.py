"""Cameras from matches by pycolmap, in several ways.

COLMAP's incremental mapping starts from two images whose rays meet at 16
degrees or more. Photographs of one side of a scene, taken from one place, have
no such pair, or a few unlucky ones: what then comes out is a model of two to
eight images, without an error (seen with pycolmap 4.2.1). A smaller angle, or
global mapping, which needs no first pair, place them.

Where cameras hardly turn, matches do not tell the two focal lengths of a lens
apart. `Model.plausible` is False where they have run away from each other, and
the way "one-focal" leaves a lens nothing that could.
"""

import collections
import dataclasses
import pathlib
import shutil
from collections.abc import Callable

from stylized_nerf_jax.captures import structure

# What is tried, in order, and what people are told that it is.
WAYS = {
  "default": "COLMAP's incremental mapping",
  "small-angle": "incremental mapping from a first pair of 4 degrees",
  "global": "global mapping",
  "one-focal": "incremental mapping with one focal length for both axes",
}
# What "one-focal" takes in place of lenses with two focal lengths.
ONE_FOCAL = {
  "opencv": "SIMPLE_RADIAL",
  "pinhole": "SIMPLE_PINHOLE",
  "fisheye": "SIMPLE_RADIAL_FISHEYE",
}
_SMALL_ANGLE = 4.0
# Fewer images say nothing of a scene.
_LEAST_IMAGES = 3
# Of fewer by one camera, turning it and moving its principal point look alike.
_LEAST_FOR_PRINCIPAL_POINT = 30
# Pixels of cameras are square; those of no lens differ by more than this.
_MOST_STRETCHED = 1.25


@dataclasses.dataclass(frozen=True)
class Model:
  """One connected group of images with cameras.

  Attributes:
    folder: cameras.bin, images.bin, points3D.bin and more.
    images: names of those that have a camera, sorted.
    num_points: triangulated points.
    reprojection_error: mean over all points, pixels.
    plausible: whether the two focal lengths are nearly one, in the cameras of
      three quarters of the images at least.
  """

  folder: str
  images: tuple[str, ...]
  num_points: int
  reprojection_error: float
  plausible: bool = True


def find_cameras(
  folder: pathlib.Path,
  images: pathlib.Path,
  way: str,
  advance: structure.Advance,
  *,
  lens: str,
  threads: int,
) -> list[Model]:
  """Finds cameras and points in one way.

  Args:
    folder: of the database; models are written to `models/WAY` below it, in
      place of earlier ones.
    images: folder of the pictures.
    way: one of `WAYS`; after a comma may stand what it is repeated for.
    advance: told of every image that gets a camera; of some more than once,
      where a beginning led nowhere.
    lens: that the database was made for, one of `structure.LENSES`.
    threads: to use.

  Returns:
    The models, that of the most images (then points) first; none where no
    image has a camera.
  """
  pycolmap = structure.load()
  output = folder / "models" / way
  way = way.partition(",")[0]
  shutil.rmtree(output, ignore_errors=True)
  output.mkdir(parents=True)
  database = folder / "database.db"
  with structure.logged(pycolmap, folder):
    if way == "global":
      found = _global(pycolmap, database, images, output, threads)
      for reconstruction in found.values():
        advance(reconstruction.num_reg_images())
    else:
      angle = None if way == "default" else _SMALL_ANGLE
      if way == "one-focal":
        database = with_one_focal(database, output, lens)
      found = _incremental(
        pycolmap, database, images, output, threads, angle, advance
      )
    models = [
      _describe(reconstruction, output / str(number))
      for number, reconstruction in found.items()
    ]
  models = [model for model in models if len(model.images) >= _LEAST_IMAGES]
  models.sort(key=lambda model: (-len(model.images), -model.num_points))
  return models


def keep(model: Model, folder: pathlib.Path, kept: pathlib.Path) -> Model:
  """Adjusts a model once more where that helps, and writes it.

  Args:
    model: one that `find_cameras` returned.
    folder: of what COLMAP says.
    kept: folder to write, in place of an earlier one.

  Returns:
    The model as it is written.
  """
  pycolmap = structure.load()
  shutil.rmtree(kept, ignore_errors=True)
  kept.mkdir(parents=True)
  with structure.logged(pycolmap, folder):
    reconstruction = pycolmap.Reconstruction(model.folder)
    free_principal_points(reconstruction)
    reconstruction.write(str(kept))
    return _describe(reconstruction, kept)


def free_principal_points(reconstruction) -> bool:
  """Adjusts all cameras and points once more, principal points included.

  COLMAP leaves them in the middle of the picture while it places images, since
  a few images cannot tell. That of a telephone may be fifteen pixels away.

  Args:
    reconstruction: a `pycolmap.Reconstruction`, changed in place.

  Returns:
    Whether that was done: every camera took images enough.
  """
  pycolmap = structure.load()
  images = [reconstruction.image(i) for i in reconstruction.reg_image_ids()]
  counts = collections.Counter(image.camera_id for image in images)
  if not counts or min(counts.values()) < _LEAST_FOR_PRINCIPAL_POINT:
    return False
  options = pycolmap.BundleAdjustmentOptions()
  options.refine_principal_point = True
  options.print_summary = False
  pycolmap.bundle_adjustment(reconstruction, options)
  return True


def with_one_focal(
  database: pathlib.Path, output: pathlib.Path, lens: str
) -> pathlib.Path:
  """Copies a database; its cameras get one focal length for both axes.

  Args:
    database: the file.
    output: folder of the copy.
    lens: of its cameras, one of `ONE_FOCAL`.

  Returns:
    The copy.
  """
  pycolmap = structure.load()
  copy = output / "database.db"
  shutil.copyfile(database, copy)
  with pycolmap.Database.open(copy) as opened:
    for camera in opened.read_all_cameras():
      changed = pycolmap.Camera.create_from_model_name(
        camera.camera_id,
        ONE_FOCAL[lens],
        camera.mean_focal_length(),
        camera.width,
        camera.height,
      )
      changed.has_prior_focal_length = camera.has_prior_focal_length
      opened.update_camera(changed)
  return copy


def _incremental(
  pycolmap,
  database: pathlib.Path,
  images: pathlib.Path,
  output: pathlib.Path,
  threads: int,
  angle: float | None,
  advance: Callable[[int], None],
) -> dict:
  """Places images one by one; the first two meet at `angle` degrees or more."""
  options = pycolmap.IncrementalPipelineOptions()
  options.num_threads = threads
  options.random_seed = structure.SEED
  options.min_model_size = _LEAST_IMAGES
  options.extract_colors = False
  if angle is not None:
    options.mapper.init_min_tri_angle = angle
  return pycolmap.incremental_mapping(
    database,
    images,
    output,
    options,
    initial_image_pair_callback=lambda: advance(2),
    next_image_callback=lambda: advance(1),
  )


def _global(
  pycolmap,
  database: pathlib.Path,
  images: pathlib.Path,
  output: pathlib.Path,
  threads: int,
) -> dict:
  """Places all images at once."""
  options = pycolmap.GlobalPipelineOptions()
  options.num_threads = threads
  options.random_seed = structure.SEED
  options.min_model_size = _LEAST_IMAGES
  options.mapper.global_positioning.use_gpu = False
  options.mapper.bundle_adjustment.ceres.use_gpu = False
  return pycolmap.global_mapping(database, images, output, options)


def _describe(reconstruction, folder: pathlib.Path) -> Model:
  images = [reconstruction.image(i) for i in reconstruction.reg_image_ids()]
  stretched = 0
  for image in images:
    camera = reconstruction.camera(image.camera_id)
    ratio = camera.focal_length_x / camera.focal_length_y
    stretched += not 1 / _MOST_STRETCHED < ratio < _MOST_STRETCHED
  return Model(
    folder=str(folder),
    images=tuple(sorted(image.name for image in images)),
    num_points=reconstruction.num_points3D(),
    reprojection_error=reconstruction.compute_mean_reprojection_error(),
    plausible=4 * stretched <= len(images),
  )
