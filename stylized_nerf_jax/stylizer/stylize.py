"""Stylizing whole images of any size with E, AdaIN and D (method, section 4).

D gives 8 pixels for each value at relu4_1, so images are padded at bottom and
right to multiples of 8 and the output is cropped at the top left. It is never
resized: ceiling pooling is anchored at the top left, and so output pixels lie
on input pixels.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.stylizer import adain, decoder, pretrained, vgg

# Reflection inside E needs two values at relu4_1.
_SMALLEST = 2 * vgg.STRIDE


def pad_to_stride(images: jax.Array) -> jax.Array:
  """Pad at bottom and right to multiples of 8, at least 16, by reflection.

  Args:
    images: [N, H, W, C], any size from 1 pixel; reflection goes to and fro
      where a side is shorter than what is missing.

  Returns:
    [N, H', W', C].
  """
  for axis in (1, 2):
    size = images.shape[axis]
    missing = max(-(-size // vgg.STRIDE) * vgg.STRIDE, _SMALLEST) - size
    if not missing:
      continue
    # 0 1 2 3 2 1 0 1 ...: a period of 2 (size - 1) pixels.
    period = max(2 * (size - 1), 1)
    position = np.arange(size + missing) % period
    position = np.minimum(position, period - position) % size
    images = jnp.take(images, position, axis)
  return images


def decode(params, features: jax.Array, height: int, width: int) -> jax.Array:
  """Decode features of a padded image.

  Args:
    params: tree for `decoder.Decoder`.
    features: [N, h, w, 512] with 8 h >= height and 8 w >= width.
    height: of the image before padding.
    width: of the image before padding.

  Returns:
    [N, height, width, 3], clipped to [0, 1].
  """
  images = decoder.Decoder().apply({"params": params}, features)
  return jnp.clip(images[:, :height, :width], 0.0, 1.0)


@dataclasses.dataclass(frozen=True, eq=False)
class Stylizer:
  """The networks that make a picture look like a painting.

  Attributes:
    layout: of the encoder, "vgg16" or "vgg19".
    encoder: tree for `vgg.VggEncoder`.
    decoder: tree for `decoder.Decoder`.
  """

  layout: str
  encoder: Mapping[str, Any]
  decoder: Mapping[str, Any]

  def encode(self, images: jax.Array) -> dict[str, jax.Array]:
    """Compute all layers of E of images [N, H, W, 3] in [0, 1]."""
    module = vgg.VggEncoder(self.layout)
    return module.apply({"params": self.encoder}, images)

  def decode(self, features: jax.Array, height: int, width: int) -> jax.Array:
    """Decode features of a padded image; see `decode`."""
    return decode(self.decoder, features, height, width)

  def style_statistics(self, style: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Compute mean and standard deviation [512] of a style [H, W, 3]."""
    features = self.encode(pad_to_stride(style[None]))["relu4_1"]
    mean, std = adain.style_statistics(features)
    return mean[0], std[0]

  def stylize(
    self,
    images: jax.Array,
    style_mean: jax.Array,
    style_std: jax.Array,
    alpha: jax.typing.ArrayLike = 1.0,
  ) -> jax.Array:
    """Stylize images of any size.

    Args:
      images: [N, H, W, 3] in [0, 1].
      style_mean: [512] or [N, 512], at relu4_1.
      style_std: the same shape.
      alpha: strength from 0, the reconstructed image, to 1.

    Returns:
      [N, H, W, 3] in [0, 1].
    """
    _, height, width, _ = images.shape
    features = self.encode(pad_to_stride(images))["relu4_1"]
    target = adain.adain(features, style_mean, style_std, alpha)
    return self.decode(target, height, width)


def load_stylizer(
  *, encoder: str = "vgg16", decoder_path: str | None = None
) -> Stylizer:
  """Load a stylizer: the shipped one, or other weights.

  Args:
    encoder: "vgg16", or a file, as `pretrained.load_encoder` takes it.
    decoder_path: a decoder's file; None takes the shipped decoder.

  Returns:
    The stylizer.

  Raises:
    FileNotFoundError: a file is missing.
    ValueError: a file is damaged, of another layout or another encoder.
  """
  weights = pretrained.load_encoder(encoder)
  tree = pretrained.load_decoder(decoder_path, encoder=weights)
  return Stylizer(weights.layout, weights.params, tree)
