"""The frozen encoder E: VGG up to relu4_1 (method, section 4).

Images are NHWC, RGB, in [0, 1]; whatever normalisation a network was trained
with is part of its weights. Convolutions pad by reflection; 2x2 max-pooling
keeps a last odd row or column, so a side of n pixels has ceil(n / 8) values
at relu4_1, anchored at the top left.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from stylized_nerf_jax import user_error
from stylized_nerf_jax.stylizer import convolution

# Name and width of every convolution up to relu4_1, in order.
_BLOCKS = {
  "vgg16": ((2, 64), (2, 128), (3, 256), (1, 512)),
  "vgg19": ((2, 64), (2, 128), (4, 256), (1, 512)),
}
LAYOUTS = tuple(_BLOCKS)
STRIDE = 8  # pixels for each value at relu4_1, a side
LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
# What strokes are matched by (ARF, section 3.3), at a quarter of the pixels.
STROKE_LAYERS = ("relu3_1", "relu3_2", "relu3_3")
STROKE_STRIDE = 4


def convolution_names(layout: str) -> tuple[str, ...]:
  """List the 3x3 convolutions of a layout, input first.

  Args:
    layout: "vgg16" or "vgg19".

  Returns:
    Names such as "conv1_1", each of which is a submodule of `VggEncoder`.

  Raises:
    ValueError: the layout is not known.
  """
  if layout not in _BLOCKS:
    raise user_error.UserError(
      f"encoder layout {layout!r} is not known; expected one of {LAYOUTS}"
    )
  return tuple(
    f"conv{block}_{index}"
    for block, (count, _) in enumerate(_BLOCKS[layout], start=1)
    for index in range(1, count + 1)
  )


def ceil_max_pool(images: jax.Array) -> jax.Array:
  """Take the maximum of 2x2 blocks, keeping a last odd row and column.

  Args:
    images: [N, H, W, C].

  Returns:
    [N, ceil(H / 2), ceil(W / 2), C].
  """
  n, height, width, channels = images.shape
  odd = ((0, 0), (0, height % 2), (0, width % 2), (0, 0))
  images = jnp.pad(images, odd, mode="edge")
  blocks = images.reshape(
    n, (height + 1) // 2, 2, (width + 1) // 2, 2, channels
  )
  return blocks.max((2, 4))


class PixelConv(nn.Module):
  """A 1x1 convolution of pixels: the first layer of `vgg_normalised`."""

  @nn.compact
  def __call__(self, images: jax.Array) -> jax.Array:
    """Mix the channels of images [N, H, W, 3], giving the same shape."""
    kernel = self.param("kernel", nn.initializers.lecun_normal(), (3, 3))
    bias = self.param("bias", nn.initializers.zeros_init(), (3,))
    return images @ kernel + bias


class VggEncoder(nn.Module):
  """VGG-16 or VGG-19 up to relu4_1.

  Attributes:
    layout: "vgg16", or "vgg19" with the 1x1 convolution in front that the
      published `vgg_normalised` weights begin with.
    layers: which are computed, and nothing behind the last of them.
  """

  layout: str = "vgg16"
  layers: tuple[str, ...] = LAYERS

  @nn.compact
  def __call__(self, images: jax.Array) -> dict[str, jax.Array]:
    """Compute the layers that were asked for.

    Args:
      images: [N, H, W, 3], RGB in [0, 1].

    Returns:
      By name, of "relu1_*" [N, H, W, 64], "relu2_*" [N, H/2, W/2, 128],
      "relu3_*" [N, H/4, W/4, 256] and "relu4_1" [N, H/8, W/8, 512]; halves are
      rounded up.

    Raises:
      ValueError: the layout is not known.
    """
    names = convolution_names(self.layout)
    features = {}
    x = images
    if self.layout == "vgg19":
      x = PixelConv(name="conv0")(x)
    for name in names:
      block, index = int(name[4]), int(name[6])
      if index == 1 and block > 1:
        x = ceil_max_pool(x)
      width = _BLOCKS[self.layout][block - 1][1]
      x = nn.relu(convolution.ReflectConv(width, name=name)(x))
      if (layer := f"relu{name[4:]}") in self.layers:
        features[layer] = x
        if len(features) == len(self.layers):
          break
    return features


def stroke_features(params, images: jax.Array, layout: str) -> jax.Array:
  """Compute what strokes are matched by.

  Args:
    params: of a `VggEncoder`.
    images: [N, H, W, 3], RGB in [0, 1].
    layout: of the encoder.

  Returns:
    [N, H / 4, W / 4, 768], `STROKE_LAYERS` beside each other; quarters are
    rounded up.
  """
  module = VggEncoder(layout, STROKE_LAYERS)
  found = module.apply({"params": params}, images)
  return jnp.concatenate([found[name] for name in STROKE_LAYERS], axis=-1)
