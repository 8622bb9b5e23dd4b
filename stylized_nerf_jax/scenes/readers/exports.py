"""Scenes of what NSVF's tools, phone apps and photogrammetry programs export.

`scenes.exports` reads cameras and pictures of each; here they become a scene:
unbounded, with bounds from where the cameras stand, where the export has none.
"""

import math
import pathlib
from collections.abc import Sequence

import numpy as np

from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.exports import (
  export,
  metashape,
  nsvf,
  polycam,
  record3d,
  stray,
  white_background,
)
from stylized_nerf_jax.scenes.pictures import image_reader
from stylized_nerf_jax.scenes.readers import camera_bounds

# By the name of the format: what finds it in a folder, and what reads it.
_READERS = {
  "nsvf": (nsvf.is_nsvf, nsvf.read),
  "polycam": (polycam.find, polycam.read),
  "record3d": (record3d.find, record3d.read),
  "stray": (stray.is_stray, stray.read),
  "metashape": (metashape.find, metashape.read),
}
FORMATS = tuple(_READERS)


class _Interiors(Sequence):
  """masks[i]: bool [H, W], False in the rim of a picture.

  Args:
    sizes: (width, height) of V pictures.
    rims: (columns, rows) on each side of them.
  """

  def __init__(self, sizes, rims):
    self._sizes, self._rims = tuple(sizes), tuple(rims)

  def __len__(self) -> int:
    return len(self._sizes)

  def __getitem__(self, index: int) -> np.ndarray:
    (width, height), (columns, rows) = self._sizes[index], self._rims[index]
    mask = np.zeros((height, width), bool)
    mask[rows : height - rows, columns : width - columns] = True
    return mask


def find_format(root: pathlib.Path) -> str | None:
  """Returns the name of the format that a folder or file is of, or None."""
  return next(
    (name for name, (find, _) in _READERS.items() if find(root)), None
  )


def load(
  path: str | pathlib.Path,
  format: str,
  *,
  downsample: float = 1,
  background: str = "white",
  holdout: int = 8,
) -> scene_lib.Scene:
  """Reads what an app or a program exported.

  Args:
    path: folder of it; of Metashape, its XML file will do.
    format: one of `FORMATS`.
    downsample: width and height are divided by this when decoded.
    background: "white" or "black", under pictures with alpha.
    holdout: every holdout-th image is "test" where the export has no splits;
      0 holds none out.

  Raises:
    ValueError: a file is missing or wrong; the message names it.
  """
  root = pathlib.Path(path)
  image_reader.check_downsample(downsample)
  found = _READERS[format][1](root)
  files = list(found.files)
  image_reader.check_files(files)
  sizes = [
    image_reader.downsampled_size((camera.width, camera.height), downsample)
    for camera in found.cameras
  ]
  cameras = camera_lib.Cameras.from_list(
    [
      camera.resized(*size)
      for camera, size in zip(found.cameras, sizes, strict=True)
    ]
  )
  masks, messages = None, list(found.messages)
  if found.border:
    masks = _Interiors(sizes, _rims(found, sizes))
    messages.append(
      f"{found.border} pixels at every side of the pictures are not learned "
      "from: they may be black"
    )
  images, alphas = _pictures(found, sizes, background)
  folder = root.parent if root.is_file() else root
  layout, bounds = "bounded", found.bounds
  if bounds is None and found.box:
    bounds = camera_bounds.of_box(cameras, found.box)
  elif bounds is None:
    layout, bounds = "unbounded", camera_bounds.near_and_far(cameras)
  splits = found.splits
  if splits is None:
    splits = scene_lib.holdout_splits(len(files), holdout)
  return scene_lib.Scene(
    name=folder.resolve().name,
    format=format,
    path=str(root),
    cameras=cameras,
    images=images,
    masks=masks,
    alphas=alphas,
    depths=None,
    layout=layout,
    near=bounds[0],
    far=bounds[1],
    bounding_box=found.box,
    splits=splits,
    messages=tuple(messages),
  )


def _pictures(found: export.Export, sizes, background: str):
  """Returns the sequences of images and of alphas, if any."""
  files = found.files
  if found.white:
    return (
      white_background.Images(files, sizes, background=background),
      white_background.Alphas(files, sizes),
    )
  images = image_reader.ImageFiles(files, sizes, background=background)
  if any(image_reader.read_header(file)[1] for file in files):
    return images, image_reader.AlphaFiles(files, sizes)
  return images, None


def _rims(found: export.Export, sizes) -> list[tuple[int, int]]:
  """Returns how many columns and rows the border takes of resized pictures."""

  def rim(whole: int, side: int) -> int:
    return min(math.ceil(found.border * side / whole), (side - 1) // 2)

  return [
    (rim(camera.width, width), rim(camera.height, height))
    for camera, (width, height) in zip(found.cameras, sizes, strict=True)
  ]
