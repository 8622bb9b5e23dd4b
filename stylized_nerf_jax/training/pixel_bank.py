"""Training pixels of many views in one flat array, with their cameras.

Rays are not stored: they are made from the camera of each drawn pixel.
"""

from collections.abc import Iterable

import flax
import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.rendering import rays


@flax.struct.dataclass
class PixelBank:
  """Colours of P pixels in V views.

  Attributes:
    colors: [P, 3], uint8.
    offsets: [V], int32, index of each view's first pixel.
    widths: [V], int32, pixels in a row of each view.
    cameras: arrays of leading dimension [V], model frame.
    usable: [U], int32, indices of the pixels that may be drawn; None: all.
  """

  colors: jax.Array
  offsets: jax.Array
  widths: jax.Array
  cameras: rays.CameraArrays
  usable: jax.Array | None = None

  def draw(self, key: jax.Array, num: int):
    """Draws usable pixels uniformly over all views.

    Args:
      key: random key.
      num: number of pixels, R.

    Returns:
      (view [R] int32, xy [R, 2] pixel centres, colors [R, 3] in [0, 1]).
    """
    if self.usable is None:
      index = jax.random.randint(key, (num,), 0, self.colors.shape[0])
    else:
      index = jax.random.randint(key, (num,), 0, self.usable.shape[0])
      index = self.usable[index]
    view, xy = self.locate(index)
    return view, xy, self.colors[index].astype(jnp.float32) / 255.0

  def locate(self, index: jax.Array):
    """Returns view [R] and pixel centre xy [R, 2] of flat pixel indices."""
    view = jnp.sum(index[:, None] >= self.offsets, axis=-1) - 1
    inside = index - self.offsets[view]
    width = self.widths[view]
    xy = jnp.stack([inside % width, inside // width], axis=-1) + 0.5
    return view, xy

  def view_cameras(self, view: jax.Array) -> rays.CameraArrays:
    """Returns the camera of each view index [R]."""
    return jax.tree.map(lambda values: values[view], self.cameras)


def make_pixel_bank(
  images: Iterable[np.ndarray],
  cameras: rays.CameraArrays,
  masks: Iterable[np.ndarray] | None = None,
) -> PixelBank:
  """Gathers the pixels of all views.

  Args:
    images: V arrays [H, W, 3], float in [0, 1] or uint8; sizes may differ.
    cameras: of leading dimension [V], model frame.
    masks: V arrays [H, W], bool, True where a pixel may be drawn; None:
      everywhere.

  Returns:
    The bank; 3 bytes a pixel, and 4 more for each usable one beside masks.

  Raises:
    ValueError: the masks leave no pixel.
  """
  colors, offsets, widths, total = [], [], [], 0
  for image in images:
    if image.dtype != np.uint8:
      image = np.round(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)
    colors.append(image.reshape(-1, 3))
    offsets.append(total)
    widths.append(image.shape[1])
    total += colors[-1].shape[0]
  usable = None
  if masks is not None:
    usable = np.concatenate([np.ravel(mask) for mask in masks]).nonzero()[0]
    if not usable.size:
      raise ValueError(
        "the masks of all training images leave no pixel; expected white where "
        "a pixel may be used: invert the masks or remove them"
      )
    everything = usable.size == total
    usable = None if everything else jnp.asarray(usable, jnp.int32)
  return PixelBank(
    colors=jnp.asarray(np.concatenate(colors)),
    offsets=jnp.asarray(offsets, jnp.int32),
    widths=jnp.asarray(widths, jnp.int32),
    cameras=cameras,
    usable=usable,
  )
