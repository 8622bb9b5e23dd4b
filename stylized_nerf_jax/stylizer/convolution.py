"""The convolutions of encoder and decoder: 3x3 with reflection padding.

Images are NHWC, kernels HWIO. Values and gradients are those of a plain
convolution of the padded input. Only the way there differs on a CPU, where XLA
takes several times longer for unpadded convolutions, for convolutions to a
handful of channels, and for gradients with respect to kernels than for the
forms used here.
"""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")
# Up to this many outputs, one product with all taps beats a convolution.
_FEW_CHANNELS = 8
# Floats of images whose products with the cotangent stay in the caches.
_BLOCK = 1 << 17


def pad_by_one(images: jax.Array, mode: str = "reflect") -> jax.Array:
  """Pad height and width by one pixel on each side.

  Args:
    images: [N, H, W, C]. A side of a single pixel, which has nothing to
      reflect, is repeated instead.
    mode: "reflect" or "edge".

  Returns:
    [N, H + 2, W + 2, C].
  """
  for axis in (1, 2):
    width = [(0, 0)] * 4
    width[axis] = (1, 1)
    single = images.shape[axis] == 1
    images = jnp.pad(images, width, mode="edge" if single else mode)
  return images


def convolve_inside(images: jax.Array, kernel: jax.Array) -> jax.Array:
  """Convolve where the kernel fits into the images.

  Args:
    images: [N, H, W, I].
    kernel: [K, K, I, O].

  Returns:
    [N, H - K + 1, W - K + 1, O].
  """
  if jax.default_backend() == "cpu":
    return _convolve_on_cpu(images, kernel)
  return jax.lax.conv_general_dilated(
    images, kernel, (1, 1), "VALID", dimension_numbers=_DIMENSIONS
  )


@jax.custom_vjp
def _convolve_on_cpu(images: jax.Array, kernel: jax.Array) -> jax.Array:
  size = kernel.shape[0]
  if kernel.shape[-1] > _FEW_CHANNELS:
    # One more pixel of zeros than needed, cut off again, takes the fast path.
    padded = jax.lax.conv_general_dilated(
      images, kernel, (1, 1), ((1, 1), (1, 1)), dimension_numbers=_DIMENSIONS
    )
    return padded[:, 1:-1, 1:-1]
  _, height, width, _ = images.shape
  height, width = height - size + 1, width - size + 1
  taps = _all_taps(images, kernel)
  total = 0.0
  for i in range(size):
    for j in range(size):
      total = total + taps[:, i : i + height, j : j + width, i * size + j]
  return total


def _all_taps(images: jax.Array, kernel: jax.Array) -> jax.Array:
  """Multiply by every tap: [N, H, W, I] to [N, H, W, K * K, O]."""
  size, _, inputs, outputs = kernel.shape
  matrix = kernel.transpose(2, 0, 1, 3).reshape(inputs, -1)
  return (images @ matrix).reshape(*images.shape[:-1], size * size, outputs)


def _forward(
  images: jax.Array, kernel: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
  return _convolve_on_cpu(images, kernel), (images, kernel)


def _backward(
  residuals: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
  images, kernel = residuals
  if cotangent.shape[-1] <= _FEW_CHANNELS:
    kernel_bar = _few_kernel_gradient(images, kernel, cotangent)
  else:
    kernel_bar = _kernel_gradient(images, kernel, cotangent)
  return _image_gradient(kernel, cotangent), kernel_bar


def _image_gradient(kernel: jax.Array, cotangent: jax.Array) -> jax.Array:
  """Convolve the cotangent with the turned kernel, zeros outside."""
  turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
  rim = kernel.shape[0] - 1
  if kernel.shape[2] > _FEW_CHANNELS:
    return jax.lax.conv_general_dilated(
      cotangent,
      turned,
      (1, 1),
      ((rim, rim), (rim, rim)),
      dimension_numbers=_DIMENSIONS,
    )
  wide = jnp.pad(cotangent, ((0, 0), (rim, rim), (rim, rim), (0, 0)))
  return _convolve_on_cpu(wide, turned)


def _kernel_gradient(
  images: jax.Array, kernel: jax.Array, cotangent: jax.Array
) -> jax.Array:
  """Sum over blocks of rows that stay in the caches."""
  n, height, width, outputs = cotangent.shape
  size, _, inputs, _ = kernel.shape
  rows = max(_BLOCK // (n * width * max(inputs, outputs)), 1)
  if rows >= height:
    return _kernel_gradient_of_rows(images, kernel, cotangent)
  while height % rows:
    rows -= 1

  def add(total: jax.Array, first: jax.Array) -> tuple[jax.Array, None]:
    cut = jax.lax.dynamic_slice_in_dim
    part = _kernel_gradient_of_rows(
      cut(images, first, rows + size - 1, 1),
      kernel,
      cut(cotangent, first, rows, 1),
    )
    return total + part, None

  starts = rows * jnp.arange(height // rows)
  return jax.lax.scan(add, jnp.zeros_like(kernel), starts)[0]


def _kernel_gradient_of_rows(
  images: jax.Array, kernel: jax.Array, cotangent: jax.Array
) -> jax.Array:
  """Multiply rows of images with the cotangent shifted to each column."""
  size, _, inputs, outputs = kernel.shape
  height, rim = cotangent.shape[1], size - 1
  columns = _shifted(cotangent, 0, rim).reshape(-1, size * outputs)
  taps = [
    images[:, i : i + height].reshape(-1, inputs).T @ columns
    for i in range(size)
  ]
  gradient = jnp.stack(taps).reshape(size, inputs, size, outputs)
  return gradient.transpose(0, 2, 1, 3)


def _few_kernel_gradient(
  images: jax.Array, kernel: jax.Array, cotangent: jax.Array
) -> jax.Array:
  """Shift the few channels of the cotangent instead: one product for all."""
  size, _, inputs, outputs = kernel.shape
  rim = size - 1
  columns = _shifted(cotangent, rim, rim).reshape(-1, size * size * outputs)
  gradient = images.reshape(-1, inputs).T @ columns
  gradient = gradient.reshape(inputs, size, size, outputs)
  return gradient.transpose(1, 2, 0, 3)


def _shifted(images: jax.Array, down: int, right: int) -> jax.Array:
  """Stack images with 0 to `down` rows and `right` columns of zeros before.

  Returns:
    [N, H + down, W + right, C times the number of shifts].
  """
  shifts = [
    jnp.pad(images, ((0, 0), (i, down - i), (j, right - j), (0, 0)))
    for i in range(down + 1)
    for j in range(right + 1)
  ]
  return jnp.concatenate(shifts, -1)


_convolve_on_cpu.defvjp(_forward, _backward)


def convolve(images: jax.Array, kernel: jax.Array) -> jax.Array:
  """Convolve the reflect-padded images [N, H, W, I] with [3, 3, I, O].

  Returns:
    [N, H, W, O].
  """
  return convolve_inside(pad_by_one(images), kernel)


def upsample_and_convolve(images: jax.Array, kernel: jax.Array) -> jax.Array:
  """Repeat every pixel twice in each direction, then `convolve`.

  Of the nine pixels under the kernel, at most four differ, so each of the
  four parities of the output is a 2x2 convolution of the small images with
  sums of taps: 16 products for a small pixel instead of 36. Reflecting the
  repeated pixels at the border is repeating the small ones.

  Args:
    images: [N, H, W, I].
    kernel: [3, 3, I, O].

  Returns:
    [N, 2 H, 2 W, O].
  """
  n, height, width, _ = images.shape
  padded = pad_by_one(images, "edge")
  parities = []
  for i in range(2):
    rows = _merge(kernel, i, 0)
    for j in range(2):
      part = padded[:, i : i + height + 1, j : j + width + 1]
      parities.append(convolve_inside(part, _merge(rows, j, 1)))
  grid = jnp.stack(parities, 3).reshape(n, height, width, 2, 2, -1)
  grid = grid.transpose(0, 1, 3, 2, 4, 5)
  return grid.reshape(n, 2 * height, 2 * width, -1)


def _merge(kernel: jax.Array, parity: int, axis: int) -> jax.Array:
  """Sum the taps that fall on one small pixel: three become two."""
  first, middle, last = jnp.split(kernel, 3, axis)
  if parity == 0:
    return jnp.concatenate([first, middle + last], axis)
  return jnp.concatenate([first + middle, last], axis)


class ReflectConv(nn.Module):
  """A 3x3 convolution with reflection padding and a bias.

  Attributes:
    features: number of output channels.
    upsample: repeat every pixel twice in each direction first.
  """

  features: int
  upsample: bool = False

  @nn.compact
  def __call__(self, images: jax.Array) -> jax.Array:
    """Convolve images [N, H, W, I].

    Returns:
      [N, H, W, features], or twice the sides with `upsample`.
    """
    shape = (3, 3, images.shape[-1], self.features)
    kernel = self.param("kernel", nn.initializers.he_normal(), shape)
    bias = self.param("bias", nn.initializers.zeros_init(), shape[-1:])
    operation: Callable = upsample_and_convolve if self.upsample else convolve
    return operation(images, kernel) + bias
