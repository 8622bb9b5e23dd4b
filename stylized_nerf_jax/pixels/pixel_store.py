"""Drawing training pixels on the host, from a file of them.

What it draws for a step is what a `pixel_bank.PixelBank` of the same pixels
draws on the device.
"""

import contextlib
import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.pixels import pixel_bank, pixel_file, view_pixels
from stylized_nerf_jax.rows import prng


class PixelStore:
  """Pixels of V views, read from disk as they are drawn.

  Args:
    file: of the pixels, view behind view.
    sizes: (width, height) of each view.
    key: of the phase that draws.
    pixel_key: from the key of a step to that of its pixels.
  """

  def __init__(
    self,
    file: pixel_file.PixelFile,
    sizes: Sequence[tuple[int, int]],
    key: jax.Array,
    pixel_key: Callable[[jax.Array], jax.Array],
  ):
    self._file = file
    self._views = view_pixels.ViewPixels(*zip(*sizes))
    self._key = np.asarray(jax.random.key_data(key))
    self._ranks = jax.jit(
      functools.partial(_ranks, pixel_key=pixel_key, count=file.num_usable),
      static_argnames="num",
    )

  def draw(
    self,
    steps: Sequence[int],
    num: int,
    rows: np.ndarray | slice = slice(None),
  ) -> pixel_bank.PixelBatch:
    """Draws the pixels of some steps; may be called in any thread.

    Args:
      steps: S of them.
      num: pixels of each.
      rows: R of them that are read and returned, the same of every step.

    Returns:
      A batch of leading dimensions [S, R], numpy.
    """
    with _on_host():
      ranks = self._ranks(self._key, np.asarray(steps, np.int32), num=num)
    ranks = np.asarray(ranks)[:, rows]
    if ranks.ndim == 3:
      high, low = np.moveaxis(ranks.astype(np.uint64), -1, 0)
      ranks = ((high << 32 | low) % self._file.num_usable).astype(np.int64)
    taken = [self._take(of_step) for of_step in ranks]
    return jax.tree.map(lambda *values: np.stack(values), *taken)

  def _take(self, rank: np.ndarray) -> pixel_bank.PixelBatch:
    index = self._file.find(rank)
    view, xy = self._views.locate(index)
    return pixel_bank.PixelBatch(view, xy, self._file.colors(index))


def _ranks(key_data, steps, *, pixel_key, count: int, num: int) -> jax.Array:
  """Draws the ranks of `num` pixels for each of S steps: [S, num]."""
  key = jax.random.wrap_key_data(jnp.asarray(key_data))

  def one(step):
    key_of_pixels = pixel_key(prng.step_key(key, step, 0))
    return pixel_bank.draw_ranks(key_of_pixels, num, count)

  return jax.lax.map(one, steps)


def _on_host():
  """Computes on the CPU, beside what the accelerator is doing."""
  try:
    return jax.default_device(jax.local_devices(backend="cpu")[0])
  except RuntimeError:  # Only the accelerator was asked for.
    return contextlib.nullcontext()
