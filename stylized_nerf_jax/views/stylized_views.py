"""Stylized views, what the style field learns from: kept on disk as uint8.

One file a style, named by the style's content hash, so that another style set
never reads an old one. Pixels of all views follow each other, view by view.
Of several processes each makes the files of some styles, and reads all.
"""

import pathlib
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.host import disk, processes, progress
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.pixels import view_pixels
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.stylizer import adain, stylize, vgg
from stylized_nerf_jax.views import style_batches, view_geometry


class Targets:
  """Stylized training views of S styles.

  Args:
    folder: of the files; made where it is missing.
    cameras: of the training views.
    features: of each view, normalised; see `view_features.py`.
    facts: what the 2D networks see of the styles.
    geometry: packed samples of the views' rays; None where there are none.
  """

  def __init__(
    self,
    folder: pathlib.Path,
    cameras: cameras_lib.Cameras,
    features: Sequence[np.ndarray],
    facts: stylizer_nets.StyleFacts,
    geometry: view_geometry.ViewGeometry | None = None,
  ):
    folder.mkdir(parents=True, exist_ok=True)
    self._features, self._facts = features, facts
    self._geometry = geometry
    self._views = view_pixels.ViewPixels(cameras.width, cameras.height)
    self._paths = [folder / f"{name[:16]}.npy" for name in facts.hashes]
    for style in self._own_styles():
      disk.open_memmap(self._paths[style], np.uint8, (self._views.total, 3))
    self._open()
    self._paint = jax.jit(_paint, static_argnames=("height", "width"))

  def _own_styles(self) -> range:
    """The styles whose files this process makes."""
    return range(processes.index(), len(self._paths), processes.count())

  def _open(self) -> None:
    """Opens all files; what other processes wrote is seen from here on."""
    processes.wait("targets")
    own = self._own_styles()
    self._pixels = [
      np.load(path, mmap_mode="r+" if style in own else "r")
      for style, path in enumerate(self._paths)
    ]

  @property
  def num_bytes(self) -> int:
    """Size of all files on disk."""
    return sum(pixels.nbytes for pixels in self._pixels)

  def remake(self, decoder_params) -> None:
    """Stylizes every view in every style with this decoder."""
    total = len(self._features)
    waiting = None  # What was painted last; the device goes on meanwhile.
    with progress.progress(total, "stylizing training views") as bar:
      for view in range(total):
        features = jnp.asarray(self._features[view], jnp.float32)
        height, width = self._views.size(view)
        for style in self._own_styles():
          image = self._paint(
            decoder_params,
            features,
            *(s[style] for s in self._facts.statistics["relu4_1"]),
            height=height,
            width=width,
          )
          self._keep(waiting)
          waiting = style, view, image
        bar.advance()
      self._keep(waiting)
    if processes.count() > 1:
      for style in self._own_styles():
        self._pixels[style].flush()
      self._open()

  def _keep(self, painted: tuple[int, int, jax.Array] | None) -> None:
    """Writes a view in a style, if there is one."""
    if painted is not None:
      style, view, image = painted
      rows = np.asarray(image).reshape(-1, 3)
      self._pixels[style][self._views.rows(view)] = rows

  def draw(
    self,
    random: np.random.Generator,
    shape: tuple[int, ...],
    rows: np.ndarray | slice = slice(None),
  ) -> style_batches.RayBatch:
    """Draws pixels uniformly over styles, views and pixels.

    Args:
      random: source of randomness.
      shape: of what is drawn.
      rows: of it that are read and returned.

    Returns:
      A batch of leading dimensions [...], numpy.
    """
    style = random.integers(len(self._pixels), size=shape)
    index = random.integers(self._views.total, size=shape)
    style, index = style[rows], index[rows]
    view, xy = self._views.locate(index)
    colors = np.empty((*style.shape, 3), np.uint8)
    for s, pixels in enumerate(self._pixels):
      colors[style == s] = pixels[index[style == s]]
    return style_batches.RayBatch(
      style=style.astype(np.int32),
      view=view,
      xy=xy,
      colors=colors,
      packed=None if self._geometry is None else self._geometry.rows(index),
    )

  def draw_patches(
    self,
    random: np.random.Generator,
    count: int,
    size: int,
    *,
    groups: int = 1,
  ) -> style_batches.PatchBatch:
    """Draws patches anywhere in the views, those of a group in one style.

    Args:
      random: source of randomness.
      count: how many in each group.
      size: pixels a side; made smaller, to a multiple of 8, where a view is.
      groups: how many.
    """
    drawn = [self._draw_group(random, count, size) for _ in range(groups)]
    return jax.tree.map(lambda *values: np.stack(values), *drawn)

  def _draw_group(self, random, count: int, size: int):
    style = int(random.integers(len(self._pixels)))
    view = random.integers(len(self._features), size=count)
    shortest = int(min(self._views.widths.min(), self._views.heights.min()))
    stride = vgg.STRIDE
    size = view_pixels.window_size(size, shortest, stride, fewest=2)
    corners, features, colors, packed = [], [], [], []
    for v in view:
      x, y = corner = view_pixels.random_corner(
        random, *self._views.size(v), size, stride
      )
      corners.append(corner)
      features.append(view_pixels.window(self._features[v], x, y, size, stride))
      image = self._views.image(self._pixels[style], v)
      colors.append(view_pixels.window(image, x, y, size))
      if self._geometry is not None:
        packed.append(self._geometry.window(v, x, y, size))
    return style_batches.PatchBatch(
      style=np.int32(style),
      view=view.astype(np.int32),
      corner=np.stack(corners).astype(np.int32),
      features=np.stack(features).astype(np.float32),
      colors=np.stack(colors),
      packed=np.stack(packed) if packed else None,
    )


def _paint(decoder_params, features, mean, std, *, height: int, width: int):
  """Decode a view in a style: [height, width, 3] uint8."""
  target = adain.restyle(features[None], mean, std)
  image = stylize.decode(decoder_params, target, height, width)[0]
  return jnp.round(image * 255.0).astype(jnp.uint8)
