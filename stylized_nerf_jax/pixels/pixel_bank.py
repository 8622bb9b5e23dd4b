"""Training pixels of many views in one flat array, with their cameras.

Rays are not stored: they are made from the camera of each drawn pixel.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

import flax
import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.pixels import usable_pixels
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import normalization
from stylized_nerf_jax.scenes import scene as scene_lib

# From here on, an index of a pixel needs more than 32 bits.
WIDE = 2**31


@flax.struct.dataclass
class PixelBatch:
  """R pixels of photographs.

  Attributes:
    view: [R], int32, indices of their views.
    xy: [R, 2], pixel centres.
    colors: [R, 3], uint8.
  """

  view: Any
  xy: Any
  colors: Any

  @property
  def rgb(self) -> jax.Array:
    """The colours, [R, 3] float32 in [0, 1]."""
    return self.colors.astype(jnp.float32) / 255.0


@flax.struct.dataclass
class ViewCameras:
  """Cameras of V views, whose pixels are drawn elsewhere.

  Attributes:
    cameras: arrays of leading dimension [V], model frame.
  """

  cameras: rays_lib.CameraArrays

  def take(self, key: jax.Array, batch: PixelBatch) -> PixelBatch:
    """Returns the pixels of a step, which the batch already is."""
    del key
    return batch

  def view_cameras(self, view: jax.Array) -> rays_lib.CameraArrays:
    """Returns the camera of each view index [R]."""
    return jax.tree.map(lambda values: values[view], self.cameras)


@flax.struct.dataclass
class PixelBank(ViewCameras):
  """Colours of P pixels in V views.

  Attributes:
    colors: [P, 3], uint8.
    offsets: [V], int32, index of each view's first pixel.
    widths: [V], int32, pixels in a row of each view.
    usable: [U], int32, indices of the pixels that may be drawn; None: all.
    setting: of the scene, static under jit; None where a run holds it.
  """

  colors: jax.Array
  offsets: jax.Array
  widths: jax.Array
  usable: jax.Array | None = None
  setting: rays_lib.RaySetting | None = flax.struct.field(
    pytree_node=False, default=None
  )

  @classmethod
  def of(
    cls,
    scene: scene_lib.Scene,
    space: normalization.Normalization,
    *,
    split: str = "train",
  ) -> "PixelBank":
    """Gathers the photographs of a scene that a field learns from.

    Args:
      scene: the whole scene; every photograph of the split is decoded once.
      space: of the scene, see `normalization.normalize_scene`.
      split: of the scene.

    Returns:
      The bank, in the device's memory: 3 bytes a pixel, 4 more for each that
      may be drawn where there are masks or a box.

    Raises:
      ValueError: no such split, a damaged photograph, or masks that leave no
        pixel.
    """
    views = scene.split(split)
    cameras = rays_lib.camera_arrays(views.cameras, space)
    usable = usable_pixels.usable_pixels(views, cameras, space.space)
    images = (views.images[i] for i in range(len(views)))
    bank = make_pixel_bank(images, cameras, usable)
    setting = rays_lib.RaySetting(space.space, space.scale, scene.background)
    return dataclasses.replace(bank, setting=setting)

  def draw(self, key: jax.Array, num: int) -> tuple[rays_lib.Rays, jax.Array]:
    """Draws pixels uniformly over all views, of those that may be drawn.

    Rays have derivatives by the bank's cameras.

    Args:
      key: random key.
      num: number of pixels, R; static under jit.

    Returns:
      Their rays [R], and their colours [R, 3], float32 in [0, 1].

    Raises:
      ValueError: the bank was not made by `of`.
    """
    pixels = self.draw_pixels(key, num)
    return self.cast(pixels), pixels.rgb

  def cast(self, pixels: PixelBatch) -> rays_lib.Rays:
    """Casts the rays of pixels [R] that `draw_pixels` has drawn.

    Raises:
      ValueError: the bank was not made by `of`.
    """
    if self.setting is None:
      raise user_error.UserError(
        "this bank knows nothing of its scene; expected one that "
        "`PixelBank.of(scene, space)` made"
      )
    cast = rays_lib.cast_rays(
      self.view_cameras(pixels.view), pixels.xy, self.setting.space
    )
    return dataclasses.replace(cast, setting=self.setting)

  def rays(self, key: jax.Array, num: int) -> rays_lib.Rays:
    """Draws the rays of `draw` alone, to initialise a field with."""
    return self.draw(key, num)[0]

  def take(self, key: jax.Array, batch: Any) -> PixelBatch:
    """Draws the pixels of a step, one for each of the rows [R] of a batch."""
    return self.draw_pixels(key, batch.shape[0])

  def draw_pixels(self, key: jax.Array, num: int) -> PixelBatch:
    """Draws usable pixels uniformly over all views, without their rays.

    Args:
      key: random key.
      num: number of pixels, R; static under jit.

    Returns:
      [R]: their views, counted in the split, pixel centres and colours.
    """
    if self.usable is None:
      index = draw_ranks(key, num, self.colors.shape[0])
    else:
      index = self.usable[draw_ranks(key, num, self.usable.shape[0])]
    view, xy = self.locate(index)
    return PixelBatch(view, xy, self.colors[index])

  def locate(self, index: jax.Array):
    """Returns view [R] and pixel centre xy [R, 2] of flat pixel indices."""
    view = jnp.sum(index[:, None] >= self.offsets, axis=-1) - 1
    inside = index - self.offsets[view]
    width = self.widths[view]
    xy = jnp.stack([inside % width, inside // width], axis=-1) + 0.5
    return view, xy


def draw_ranks(key: jax.Array, num: int, count: int) -> jax.Array:
  """Draws which of `count` usable pixels are taken: [num] int32, uniform.

  Where `count` reaches `WIDE`, it returns 64 bits each instead, [num, 2]
  uint32.
  """
  if count >= WIDE:
    return jax.random.bits(key, (num, 2))
  return jax.random.randint(key, (num,), 0, count)


def as_bytes(image: np.ndarray) -> np.ndarray:
  """Returns an image, float in [0, 1] or uint8, as uint8."""
  if image.dtype == np.uint8:
    return image
  return np.round(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)


class NothingUsableError(user_error.UserError):
  """No pixel of any training image may be drawn."""


def nothing_usable() -> NothingUsableError:
  """Returns the error of masks that leave no pixel."""
  return NothingUsableError(
    "the masks of all training images leave no pixel; expected white where "
    "a pixel may be used: invert the masks or remove them"
  )


def make_pixel_bank(
  images: Iterable[np.ndarray],
  cameras: rays_lib.CameraArrays,
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
    colors.append(as_bytes(image).reshape(-1, 3))
    offsets.append(total)
    widths.append(image.shape[1])
    total += colors[-1].shape[0]
  usable = None
  if masks is not None:
    found = np.concatenate([np.ravel(mask) for mask in masks]).nonzero()[0]
    if not found.size:
      raise nothing_usable()
    everything = found.size == total
    usable = None if everything else jnp.asarray(found, jnp.int32)
  return PixelBank(
    colors=jnp.asarray(np.concatenate(colors)),
    offsets=jnp.asarray(offsets, jnp.int32),
    widths=jnp.asarray(widths, jnp.int32),
    cameras=cameras,
    usable=usable,
  )
