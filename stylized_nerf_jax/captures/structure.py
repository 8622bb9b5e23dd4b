"""Features and matches by pycolmap, which only this file and `mapping` know.

Everything lies in one folder: `database.db` (features and matches, kept from
run to run), `models` (what mapping found), `log.*` (what COLMAP says, which
would flood a terminal). Each step does only what is not in the folder yet.
"""

import contextlib
import pathlib
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
# Pairs of fewer are no pairs to COLMAP's mapping (`min_num_matches`).
_LEAST_MATCHES = 15
_PAIRS_AT_ONCE = 24
SEED = 0
_INSTALL = "pip install 'stylized-nerf-jax[colmap]'"

# Called with how many more are done.
Advance = Callable[[int], None]


def check_available() -> None:
  """Raises ValueError, naming the extra, where pycolmap is not installed."""
  load()


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
  pycolmap = load()
  options = pycolmap.ImageReaderOptions()
  options.camera_model = LENSES[lens]
  # Renamed when complete: half a list of images would be taken for all.
  temporary = folder / "database.tmp"
  temporary.unlink(missing_ok=True)
  with logged(pycolmap, folder):
    pycolmap.Database.open(temporary).close()
    for names in groups:
      pycolmap.import_images(
        temporary, images, pycolmap.CameraMode.SINGLE, list(names), options
      )
  temporary.replace(database)


def with_features(folder: pathlib.Path) -> dict[str, int]:
  """Returns how many features were found in each image that was searched."""
  pycolmap = load()
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
  pycolmap = load()
  options = pycolmap.FeatureExtractionOptions()
  options.max_image_size = FEATURE_SIZE
  options.num_threads = threads
  options.use_gpu = False
  options.sift.max_num_features = _FEATURES
  with logged(pycolmap, folder):
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
  pycolmap = load()
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
  pycolmap = load()
  options = pycolmap.FeatureMatchingOptions()
  options.num_threads = threads
  options.use_gpu = False
  geometry = pycolmap.TwoViewGeometryOptions()
  geometry.ransac.random_seed = SEED
  pairing = pycolmap.ImportedPairingOptions()
  listed = folder / "pairs.txt"
  pairing.match_list_path = listed
  with logged(pycolmap, folder):
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


def connected(folder: pathlib.Path) -> int:
  """Counts the most images that matches hold together.

  Others share too little with these for any mapping.

  Args:
    folder: of the database.

  Returns:
    Their number; 0 where no two images match.
  """
  pycolmap = load()
  with pycolmap.Database.open(folder / "database.db") as database:
    pairs, counts = database.read_two_view_geometry_num_inliers()
  groups = {}
  for pair, count in zip(pairs, counts, strict=True):
    if count < _LEAST_MATCHES:
      continue
    one, other = (
      groups.get(number, {number})
      for number in pycolmap.pair_id_to_image_pair(pair)
    )
    if one is not other:
      groups.update(dict.fromkeys(one | other, one | other))
  return max(map(len, groups.values()), default=0)


def _batches(items: Sequence, size: int) -> Iterator[list]:
  for start in range(0, len(items), size):
    yield list(items[start : start + size])


@contextlib.contextmanager
def logged(pycolmap, folder: pathlib.Path) -> Iterator[None]:
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


def load():
  """Imports pycolmap.

  Raises:
    ValueError: it is not installed; the message names the extra.
  """
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
