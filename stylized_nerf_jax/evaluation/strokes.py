"""Whether frames are made of a painting's strokes: realism and coverage.

A place is one position of AlexNet's features. Realism asks how near every
place of the frames is to some place of the painting, coverage how near every
place of the painting is to some place of the frames. The network is the trunk
of `lpips.load_lpips`, trained on ImageNet for classification; no loss of this
project reads it. Features are those after the ReLUs of conv2 and conv3, whose
places are 8 and 16 pixels a side; distances are 1 - cosine, nothing centred.
Pictures are [H, W, 3] float32 in [0, 1], at least 31 pixels a side.
"""

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.evaluation import lpips

# Of `lpips.activations`: after conv2 and conv3.
_LAYERS = (1, 2)
# A larger painting is compared by as many of its places, chosen once.
MOST_PLACES = 4096
_SEED = 0
# Places of a frame that are compared at once: 16 MiB of cosines.
_BLOCK = 1024


class Resemblance:
  """Compares frames with one painting, one frame at a time."""

  def __init__(self, painting: np.ndarray, params: dict[str, Any]):
    """Find the painting's places.

    Args:
      painting: [H, W, 3] in [0, 1], at the size that its style was learned in.
      params: what `lpips.load_lpips` returns.

    Raises:
      ValueError: the painting is smaller than 31 pixels on a side.
    """
    self._params = params
    self._places = [sample_places(found) for found in _places(params, painting)]
    self._nearest = [np.full(len(p), -1.0, np.float32) for p in self._places]

  def add(self, frame: np.ndarray) -> float:
    """Compare one more frame.

    Args:
      frame: [H, W, 3] in [0, 1].

    Returns:
      Its realism: mean over its places of 1 - cosine to the painting's nearest
      place, then mean of both layers; in [0, 1], 0 where all are there.

    Raises:
      ValueError: the frame is smaller than 31 pixels on a side.
    """
    distances = []
    found = _places(self._params, frame)
    for layer, (places, painted) in enumerate(zip(found, self._places)):
      mean, nearest = _compare(places, painted)
      distances.append(1.0 - float(mean))
      self._nearest[layer] = np.maximum(self._nearest[layer], nearest)
    return float(np.mean(distances))

  def coverage(self) -> float:
    """Tell how much of the painting the frames added so far have shown.

    Returns:
      Mean over the painting's places of 1 - cosine to the nearest place of any
      frame, then mean of both layers; in [0, 1], and falls with every frame.
    """
    return float(np.mean([1.0 - nearest.mean() for nearest in self._nearest]))


def resemblance(
  frames: Iterable[np.ndarray],
  painting: np.ndarray,
  params: dict[str, Any] | None = None,
) -> dict[str, float]:
  """Compute realism and coverage of a sequence at once.

  Args:
    frames: pictures [H, W, 3] in [0, 1], at least one.
    painting: [H, W, 3] in [0, 1], at the size that its style was learned in.
    params: what `lpips.load_lpips` returns; None reads them.

  Returns:
    "realism", the mean over frames, and "coverage", of all frames together.

  Raises:
    ValueError: there is no frame, or a picture is smaller than 31 pixels on a
      side, or the extra `weights` is missing.
  """
  measure = Resemblance(painting, params or lpips.load_lpips())
  values = [measure.add(frame) for frame in frames]
  if not values:
    raise user_error.UserError("resemblance: no frames; expected at least one")
  return {"realism": float(np.mean(values)), "coverage": measure.coverage()}


def realism(
  frames: Iterable[np.ndarray],
  painting: np.ndarray,
  params: dict[str, Any] | None = None,
) -> float:
  """Compute the realism of a sequence; arguments are those of `resemblance`."""
  return resemblance(frames, painting, params)["realism"]


def coverage(
  frames: Iterable[np.ndarray],
  painting: np.ndarray,
  params: dict[str, Any] | None = None,
) -> float:
  """Compute a sequence's coverage; arguments are those of `resemblance`."""
  return resemblance(frames, painting, params)["coverage"]


def _places(params: dict[str, Any], picture: np.ndarray) -> list[jax.Array]:
  """Compute features of unit length, [places, C] for both layers."""
  if min(picture.shape[:2]) < lpips.SMALLEST_SIDE:
    raise user_error.UserError(
      f"realism: a picture of {picture.shape[1]} x {picture.shape[0]} pixels,"
      f" expected at least {lpips.SMALLEST_SIDE} on each side"
    )
  return _unit_features(params, jnp.asarray(picture, jnp.float32))


@jax.jit
def _unit_features(
  params: dict[str, Any], picture: jax.Array
) -> list[jax.Array]:
  """Compute what `_places` returns."""
  layers = lpips.activations(params, picture[None])
  found = []
  for layer in _LAYERS:
    features = layers[layer].reshape(-1, layers[layer].shape[-1])
    norm = jnp.linalg.norm(features, axis=-1, keepdims=True)
    found.append(features / (norm + 1e-10))
  return found


def sample_places(places: jax.Array) -> jax.Array:
  """Take at most `MOST_PLACES` of [N, C] places, always the same ones."""
  if len(places) <= MOST_PLACES:
    return places
  order = np.random.default_rng(_SEED).permutation(len(places))
  return places[np.sort(order[:MOST_PLACES])]


@jax.jit
def _compare(
  places: jax.Array, painted: jax.Array
) -> tuple[jax.Array, jax.Array]:
  """Find the largest cosines between two sets of places, in blocks.

  Args:
    places: of a frame, [n, C], of unit length.
    painted: of the painting, [m, C], of unit length.

  Returns:
    The mean over n of the largest cosine to any of m; and, for each of m, the
    largest to any of n, [m].
  """
  count = len(places)
  blocks = jnp.pad(places, ((0, -count % _BLOCK), (0, 0)))
  blocks = blocks.reshape(-1, _BLOCK, places.shape[1])
  real = jnp.arange(len(blocks) * _BLOCK).reshape(-1, _BLOCK) < count

  def step(carry, block):
    total, nearest = carry
    rows, is_real = block
    cosines = jnp.matmul(rows, painted.T, precision=jax.lax.Precision.HIGHEST)
    cosines = jnp.where(is_real[:, None], cosines, -1.0)
    best = jnp.where(is_real, cosines.max(1), 0.0)
    return (total + best.sum(), jnp.maximum(nearest, cosines.max(0))), None

  start = (jnp.zeros(()), jnp.full(len(painted), -1.0))
  (total, nearest), _ = jax.lax.scan(step, start, (blocks, real))
  return total / count, nearest
