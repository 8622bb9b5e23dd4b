"""The geometry cache of the training views: made once, kept on disk.

All pixels of all views follow each other, view by view, as in
`stylized_views.py`. How many samples of a ray are kept, and whether any are,
follows from the config and the number of pixels; a cache that loses too much is
not used, and the samples of every step are found anew.
"""

import dataclasses
import json
import pathlib

import numpy as np

from stylized_nerf_jax.host import disk, progress
from stylized_nerf_jax.networks import modules
from stylized_nerf_jax.pixels import view_pixels
from stylized_nerf_jax.rendering import geometry_cache
from stylized_nerf_jax.scenes import cameras as cameras_lib

# Fewer samples than these do not hold a surface and what shows through it.
_FEWEST = 4


def samples_kept(config, cameras: cameras_lib.Cameras) -> int:
  """Returns how many samples of a ray are kept, 0 for no cache.

  Says so where the budget is what leaves some out.

  Args:
    config: of the run.
    cameras: of the training views.
  """
  options = config.geometry_cache
  if config.mutual_learning.mimic_coarse:
    return 0  # The coarse network's samples are wanted, too.
  pixels = int(np.sum(cameras.width * cameras.height))
  fits = options.mib * 2**20 // (pixels * geometry_cache.BYTES_PER_SAMPLE)
  field = modules.radiance_field(config.field, modules.ANY_SPACE)
  wanted = int(min(options.samples, field.num_samples))
  kept = int(min(wanted, fits))
  if kept < min(_FEWEST, wanted):
    kept = 0
  if kept < wanted:
    progress.say(
      f"geometry cache: {wanted} samples for each of {pixels:,} rays are more "
      f"than geometry_cache.mib ({options.mib:g}) holds: {kept or 'none'} kept"
    )
  return kept


class ViewGeometry:
  """Packed samples of P pixels in V views, read from disk when asked for.

  Args:
    path: array [P, 2, K] uint16, see `geometry_cache.pack`.
    cameras: of the views.
  """

  def __init__(self, path: pathlib.Path, cameras: cameras_lib.Cameras):
    self._packed = np.load(path, mmap_mode="r")
    self._views = view_pixels.ViewPixels(cameras.width, cameras.height)

  def rows(self, index: np.ndarray) -> np.ndarray:
    """Returns those of pixels [...], counted over all views: [..., 2, K]."""
    return self._packed[index]

  def window(self, view: int, x: int, y: int, size: int) -> np.ndarray:
    """Returns those of a square of a view: [size, size, 2, K]."""
    return view_pixels.window(self._views.image(self._packed, view), x, y, size)


class Writer:
  """Writes the packed samples of view after view, and what they lose.

  Args:
    folder: of the cache; made where it is missing.
    cameras: of the training views.
    count: samples of a ray, K.
  """

  def __init__(
    self, folder: pathlib.Path, cameras: cameras_lib.Cameras, count: int
  ):
    folder.mkdir(parents=True, exist_ok=True)
    self._folder = folder
    pixels = int(np.sum(cameras.width * cameras.height))
    size = pixels * count * geometry_cache.BYTES_PER_SAMPLE
    progress.on_disk(
      f"geometry cache: {count} samples for each of {pixels:,} rays, "
      f"{size / 2**20:.0f} MiB on disk",
      size,
    )
    self._packed = disk.open_memmap(
      folder / "samples.npy", np.uint16, (pixels, 2, count)
    )
    self._written = 0
    self._sums = {field.name: 0.0 for field in _LOSSES}
    self._largest = {field.name: 0.0 for field in _LOSSES}

  def add(self, packed: np.ndarray, loss: geometry_cache.Loss) -> None:
    """Appends a view: packed [H, W, 2, K], loss [H, W]."""
    rows = packed.reshape(-1, *packed.shape[2:])
    self._packed[self._written : self._written + len(rows)] = rows
    self._written += len(rows)
    for name in self._sums:
      values = getattr(loss, name)
      self._sums[name] += float(values.sum())
      self._largest[name] = max(self._largest[name], float(values.max()))

  def finish(self) -> None:
    """Tells what packing loses, and marks the cache as whole."""
    self._packed.flush()
    loss = {
      name: {"mean": total / self._written, "largest": self._largest[name]}
      for name, total in self._sums.items()
    }
    disk.write_json(self._folder / "loss.json", loss)
    told = ", ".join(
      f"{name} {values['mean']:.2%} (at most {values['largest']:.0%})"
      for name, values in loss.items()
    )
    progress.detail(
      f"geometry cache: differences for the samples left out: {told}"
    )


_LOSSES = dataclasses.fields(geometry_cache.Loss)


def is_complete(folder: pathlib.Path) -> bool:
  """Tells whether `Writer` finished a cache in this folder."""
  return (folder / "loss.json").exists()


def load(
  folder: pathlib.Path, cameras: cameras_lib.Cameras, tolerance: float
) -> ViewGeometry | None:
  """Loads a finished cache, if it is good enough.

  Args:
    folder: of the cache.
    cameras: of the training views.
    tolerance: largest mean difference of colours, in [0, 1].
  """
  loss = json.loads((folder / "loss.json").read_text())
  found = loss["color"]["mean"]
  if found > tolerance:
    progress.say(
      f"geometry cache: not used, its colours differ by {found:.4f}, more than "
      f"geometry_cache.tolerance ({tolerance}): rays are sampled in every "
      "step; more geometry_cache.samples, or geometry_cache.mib where that is "
      "what limits them, lose less"
    )
    return None
  return ViewGeometry(folder / "samples.npy", cameras)
