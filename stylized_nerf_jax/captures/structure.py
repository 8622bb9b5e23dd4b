"""Structure from motion by pycolmap: the only file that knows of it.

Everything lies in one folder: `database.db` (features and matches, kept from
run to run), `models` (what mapping found), `log.*` (what COLMAP says, which
would flood a terminal). Each step does only what is not in the folder yet.
"""

import collections
import contextlib
import dataclasses
import pathlib
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence

from stylized_nerf_jax import user_error

# What --lens may be, and the model of COLMAP that stands for it.
LENSES = {
  "opencv": "OPENCV",
  "radial": "RADIAL",
  "simple-radial": "SIMPLE_RADIAL",
  "pinhole": "PINHOLE",
  "fisheye": "OPENCV_FISHEYE",
}
# Longer sides are halved and more for features: they get no better, and
# their time grows with the area.
FEATURE_SIZE = 1600
_FEATURES = 4096
# Fewer images say nothing of a scene.
_LEAST_IMAGES = 3
# Of fewer by one camera, turning it and moving its principal point look alike.
_LEAST_FOR_PRINCIPAL_POINT = 30
_PAIRS_AT_ONCE = 24
_SEED = 0
_INSTALL = "pip install 'stylized-nerf-jax[colmap]'"

# Called with how many more are done.
Advance = Callable[[int], None]


@dataclasses.dataclass(frozen=True)
class Model:
  """One connected group of images with cameras.

  Attributes:
    folder: cameras.bin, images.bin, points3D.bin and more.
    images: names of those that have a camera, sorted.
    num_points: triangulated points.
    reprojection_error: mean over all points, pixels.
  """

  folder: str
  images: tuple[str, ...]
  num_points: int
  reprojection_error: float


def check_available() -> None:
  """Raises ValueError, naming the extra, where pycolmap is not installed."""
  _import()


def add_images(
  folder: pathlib.Path,
  images: pathlib.Path,
  groups: Sequence[Sequence[str]],
  *,
  lens: str,
) -> None:
  """Makes the database, unless it is there.

  Args:
    folder: of everything; must exist.
    images: folder of the pictures, upright, JPEG or PNG.
    groups: names of pictures that were taken by one camera at one focal
      length, and have one size.
    lens: one of `LENSES`.
  """
  database = folder / "database.db"
  if database.exists():
    return
  pycolmap = _import()
  options = pycolmap.ImageReaderOptions()
  options.camera_model = LENSES[lens]
  # Renamed when complete: half a list of images would be taken for all.
  temporary = folder / "database.tmp"
  temporary.unlink(missing_ok=True)
  with _logged(pycolmap, folder):
    pycolmap.Database.open(temporary).close()
    for names in groups:
      pycolmap.import_images(
        temporary, images, pycolmap.CameraMode.SINGLE, list(names), options
      )
  temporary.replace(database)


def with_features(folder: pathlib.Path) -> dict[str, int]:
  """Returns how many features were found in each image that was searched."""
  pycolmap = _import()
  with pycolmap.Database.open(folder / "database.db") as database:
    return {
      image.name: database.num_keypoints_for_image(image.image_id)
      for image in database.read_all_images()
      if database.exists_keypoints(image.image_id)
    }


def find_features(
  folder: pathlib.Path,
  images: pathlib.Path,
  names: Sequence[str],
  advance: Advance,
  *,
  threads: int,
) -> None:
  """Finds features in images.

  Args:
    folder: of the database.
    images: folder of the pictures.
    names: those to search.
    advance: told of every few images.
    threads: to use.
  """
  pycolmap = _import()
  options = pycolmap.FeatureExtractionOptions()
  options.max_image_size = FEATURE_SIZE
  options.num_threads = threads
  options.use_gpu = False
  options.sift.max_num_features = _FEATURES
  with _logged(pycolmap, folder):
    for some in _batches(names, threads):
      pycolmap.extract_features(
        folder / "database.db",
        images,
        some,
        extraction_options=options,
        device=pycolmap.Device.cpu,
      )
      advance(len(some))


def without_matches(
  folder: pathlib.Path, pairs: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
  """Returns the pairs of names that were not compared before."""
  pycolmap = _import()
  with pycolmap.Database.open(folder / "database.db") as database:
    ids = {image.name: image.image_id for image in database.read_all_images()}
    return [
      pair
      for pair in pairs
      if not database.exists_two_view_geometry(*(ids[name] for name in pair))
    ]


def match(
  folder: pathlib.Path,
  pairs: Sequence[tuple[str, str]],
  advance: Advance,
  *,
  threads: int,
) -> None:
  """Matches the features of pairs of images and checks their geometry.

  Args:
    folder: of the database.
    pairs: of names.
    advance: told of every few pairs.
    threads: to use.
  """
  pycolmap = _import()
  options = pycolmap.FeatureMatchingOptions()
  options.num_threads = threads
  options.use_gpu = False
  geometry = pycolmap.TwoViewGeometryOptions()
  geometry.ransac.random_seed = _SEED
  pairing = pycolmap.ImportedPairingOptions()
  listed = folder / "pairs.txt"
  pairing.match_list_path = listed
  with _logged(pycolmap, folder):
    for some in _batches(pairs, _PAIRS_AT_ONCE):
      listed.write_text("".join(f"{one} {other}\n" for one, other in some))
      pycolmap.match_image_pairs(
        folder / "database.db",
        options,
        pairing,
        geometry,
        pycolmap.Device.cpu,
      )
      advance(len(some))
  listed.unlink(missing_ok=True)


def find_cameras(
  folder: pathlib.Path,
  images: pathlib.Path,
  advance: Advance,
  *,
  threads: int,
) -> list[Model]:
  """Finds cameras and points, image by image.

  Args:
    folder: of the database; models are written below it, in place of earlier
      ones.
    images: folder of the pictures.
    advance: told of every image that gets a camera; of some more than once,
      where a beginning led nowhere.
    threads: to use.

  Returns:
    The models, that of the most images (then points) first; none where no
    image has a camera.
  """
  pycolmap = _import()
  options = pycolmap.IncrementalPipelineOptions()
  options.num_threads = threads
  options.random_seed = _SEED
  options.min_model_size = _LEAST_IMAGES
  options.extract_colors = False
  output = folder / "models"
  shutil.rmtree(output, ignore_errors=True)
  output.mkdir()
  with _logged(pycolmap, folder):
    found = pycolmap.incremental_mapping(
      folder / "database.db",
      images,
      output,
      options,
      initial_image_pair_callback=lambda: advance(2),
      next_image_callback=lambda: advance(1),
    )
    for number, reconstruction in found.items():
      if free_principal_points(reconstruction):
        reconstruction.write(str(output / str(number)))
    models = [
      Model(
        folder=str(output / str(number)),
        images=tuple(
          sorted(
            reconstruction.image(i).name for i in reconstruction.reg_image_ids()
          )
        ),
        num_points=reconstruction.num_points3D(),
        reprojection_error=reconstruction.compute_mean_reprojection_error(),
      )
      for number, reconstruction in found.items()
    ]
  models = [model for model in models if len(model.images) >= _LEAST_IMAGES]
  models.sort(key=lambda model: (-len(model.images), -model.num_points))
  return models


def free_principal_points(reconstruction) -> bool:
  """Adjusts all cameras and points once more, principal points included.

  COLMAP leaves them in the middle of the picture while it places images, since
  a few images cannot tell. That of a telephone may be fifteen pixels away.

  Args:
    reconstruction: a `pycolmap.Reconstruction`, changed in place.

  Returns:
    Whether that was done: every camera took images enough.
  """
  pycolmap = _import()
  images = [reconstruction.image(i) for i in reconstruction.reg_image_ids()]
  counts = collections.Counter(image.camera_id for image in images)
  if not counts or min(counts.values()) < _LEAST_FOR_PRINCIPAL_POINT:
    return False
  options = pycolmap.BundleAdjustmentOptions()
  options.refine_principal_point = True
  options.print_summary = False
  pycolmap.bundle_adjustment(reconstruction, options)
  return True


def _batches(items: Sequence, size: int) -> Iterator[list]:
  for start in range(0, len(items), size):
    yield list(items[start : start + size])


@contextlib.contextmanager
def _logged(pycolmap, folder: pathlib.Path) -> Iterator[None]:
  """Sends what COLMAP says to a file while the block runs.

  Raises:
    ValueError: COLMAP failed; every error of its own becomes this one.
  """
  logging = pycolmap.logging
  logging.logtostderr = False
  logging.alsologtostderr = False
  logging.stderrthreshold = int(logging.Level.FATAL)
  logging.set_log_destination(logging.Level.INFO, str(folder / "log."))
  try:
    yield
  except (RuntimeError, ValueError) as error:
    words = str(error).splitlines() or [type(error).__name__]
    raise user_error.UserError(
      f"{folder}: COLMAP failed ({words[0]}); expected room on the disk and "
      f"in memory: it says more in {folder / 'log.*'}; the same command goes "
      "on from there"
    ) from error


def _import():
  try:
    sigterm = signal.getsignal(signal.SIGTERM)
    import pycolmap
  except ImportError:
    raise user_error.UserError(
      f"cameras are found by pycolmap: install the extra `colmap`: {_INSTALL}"
    ) from None
  # Its handler prints the stack of a process that is asked to end.
  if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGTERM, sigterm)
  return pycolmap
