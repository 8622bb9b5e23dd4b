"""The decoder D: relu4_1 features back to an image (method, section 4)."""

import flax.linen as nn
import jax

from stylized_nerf_jax.stylizer import convolution

# Name, outputs, and whether nearest upsampling by two comes before.
LAYERS = (
  ("conv4_1", 256, False),
  ("conv3_4", 256, True),
  ("conv3_3", 256, False),
  ("conv3_2", 256, False),
  ("conv3_1", 128, False),
  ("conv2_2", 128, True),
  ("conv2_1", 64, False),
  ("conv1_2", 64, True),
  ("conv1_1", 3, False),
)


# The layer of E that has the shape of a layer of D, deepest first. Between
# two of them lie the blocks that can be trained each on its own.
MIRRORED = (
  ("relu3_1", "conv3_2"),
  ("relu2_1", "conv2_2"),
  ("relu1_1", "conv1_2"),
)


class Decoder(nn.Module):
  """The mirror of the encoder, 3,505,219 parameters."""

  def setup(self):
    """Name the layers."""
    self.layers = [
      convolution.ReflectConv(width, upsample=grows, name=name)
      for name, width, grows in LAYERS
    ]

  def __call__(self, features: jax.Array) -> jax.Array:
    """Decode features.

    Args:
      features: [N, h, w, 512], at relu4_1.

    Returns:
      RGB images [N, 8 h, 8 w, 3], about [0, 1] and not clipped to it.
    """
    x = features
    for layer in self.layers[:-1]:
      x = nn.relu(layer(x))
    return self.layers[-1](x)

  def decode_blocks(self, features: dict[str, jax.Array]) -> dict:
    """Decode each layer of E to the next shallower one.

    Args:
      features: of `vgg.VggEncoder`.

    Returns:
      For each layer of `MIRRORED` the output of the block that ends in it,
      before its ReLU, and "image", [N, H, W, 3].
    """
    names = [name for name, _, _ in LAYERS]
    found = {}
    x, first = features["relu4_1"], 0
    for target, name in MIRRORED:
      last = names.index(name)
      for layer in self.layers[first:last]:
        x = nn.relu(layer(x))
      found[target] = self.layers[last](x)
      x, first = features[target], last + 1
    found["image"] = self.layers[-1](x)
    return found
