"""What matching sees of paintings: features at places of them, kept on disk.

A painting is looked at in several sizes, each half of the one before, as the
views are (SGSST, 2025): places of the smaller ones are broader strokes. How
large a painting is beside the views is the dial of stroke scale: as large as
the style set has it, or so many times that.
"""

import pathlib

import jax
import numpy as np
from PIL import Image

from stylized_nerf_jax.host import disk, processes, progress
from stylized_nerf_jax.losses import matching
from stylized_nerf_jax.scenes.pictures import style_set
from stylized_nerf_jax.stylizer import pretrained, vgg

# Sides that VGG sees anything in.
_SMALLEST = 8 * vgg.STROKE_STRIDE


class PaintingPlaces:
  """Features of S paintings at M places in every size.

  Args:
    paths: of their files, as `load_or_encode` leaves them.
  """

  def __init__(self, paths: list[pathlib.Path]):
    self._files = [np.load(path, mmap_mode="r") for path in paths]

  def __len__(self) -> int:
    return len(self._files)

  def __getitem__(self, style: int) -> np.ndarray:
    """Returns those of a style: [sizes, M, 768] float32, of length 1."""
    return self._files[style].astype(np.float32)


def load_or_encode(
  folder: pathlib.Path,
  styles: style_set.StyleSet,
  encoder: pretrained.Encoder,
  *,
  stroke_scale: float,
  scales: int,
  places: int,
) -> PaintingPlaces:
  """Encodes paintings, unless it was done.

  Args:
    folder: where it is kept.
    styles: the paintings.
    encoder: `pretrained.load_stroke_encoder`.
    stroke_scale: a painting's first size over that of its picture.
    scales: sizes, each half of the one before.
    places: how many are kept of each size, M; of a size that has fewer, some
      are there twice.
  """
  paths = []
  for style in styles.values():
    kind = f"{stroke_scale:g}_{scales}_{places}_{encoder.sha256[:8]}"
    paths.append(folder / f"{style.content_hash[:16]}_{kind}.npy")

  def encode():
    folder.mkdir(parents=True, exist_ok=True)
    with progress.progress(len(styles), "encoding paintings") as bar:
      for path, style in zip(paths, styles.values()):
        if not path.exists():
          _write(path, style.pixels, encoder, stroke_scale, scales, places)
        bar.advance()

  if not processes.by_first(lambda: all(path.exists() for path in paths)):
    processes.by_first(encode)
  return PaintingPlaces(paths)


def _write(path, pixels, encoder, stroke_scale, scales, places) -> None:
  found = np.stack(
    [
      _places(resized(pixels, stroke_scale / 2**scale), encoder, places, scale)
      for scale in range(scales)
    ]
  )
  temporary = path.with_suffix(".tmp.npy")
  with disk.writing(path):
    np.save(temporary, found.astype(np.float16))
  temporary.replace(path)


def _places(pixels, encoder, places: int, seed: int) -> np.ndarray:
  """Chooses M places of a picture [H, W, 3] uint8: features [M, 768]."""
  image = pixels.astype(np.float32)[None] / np.float32(255.0)
  features = jax.jit(vgg.stroke_features, static_argnums=2)(
    encoder.params, image, encoder.layout
  )
  rows = np.asarray(matching.unit(features)).reshape(-1, features.shape[-1])
  random = np.random.default_rng(seed)
  order = random.permutation(len(rows))
  return rows[np.resize(order, places)]


def resized(pixels: np.ndarray, factor: float) -> np.ndarray:
  """Resizes a picture [H, W, 3] uint8 by a factor, over areas where below 1."""
  height, width = pixels.shape[:2]
  size = [max(round(side * factor), _SMALLEST) for side in (width, height)]
  if size == [width, height]:
    return pixels
  kind = Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
  return np.asarray(Image.fromarray(pixels).resize(size, kind))
