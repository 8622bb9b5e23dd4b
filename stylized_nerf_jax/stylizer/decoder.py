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


class Decoder(nn.Module):
  """The mirror of the encoder, 3,505,219 parameters."""

  @nn.compact
  def __call__(self, features: jax.Array) -> jax.Array:
    """Decode features.

    Args:
      features: [N, h, w, 512], at relu4_1.

    Returns:
      RGB images [N, 8 h, 8 w, 3], about [0, 1] and not clipped to it.
    """
    x = features
    last = LAYERS[-1][0]
    for name, width, grows in LAYERS:
      x = convolution.ReflectConv(width, upsample=grows, name=name)(x)
      if name != last:
        x = nn.relu(x)
    return x
