"""Splats in few bytes, as the page of a scene holds them.

Planes of N bytes, one after the other, compressed by zlib: low and high bytes
of x, of y and of z; three scales; the four parts of the quaternion; the
opacity; red, green and blue of each look. Splats lie in the order of a Z curve
(Morton 1966), so that neighbours in the file are neighbours in space, which
compresses.

Places are kept in 16 bits, contracted into a ball (mip-NeRF 360, equation 10)
around what is looked at. Within its unit ball a step is 6e-5 of the radius,
and beyond it is at most as large an angle.
"""

import zlib
from typing import Any

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.splatting import splats as splats_lib

# Smaller than that, and a splat shows in no pixel.
_LEAST_OPACITY = 1 / 255
# Of the radius: what is thinner is kept so thick.
_LEAST_SCALE = 1e-5
_STEPS = 65535
_EXTENT = 2.0
_MORTON_BITS = 10


def pack(
  painted: splats_lib.PaintedSplats, *, focus: np.ndarray, radius: float
) -> tuple[bytes, dict[str, Any]]:
  """Packs splats and their looks; those that no pixel shows are left out.

  Args:
    painted: N splats in S looks.
    focus: [3], file frame, what the cameras look at.
    radius: file units, how far from there places are kept best.

  Returns:
    The bytes, and what the page has to know of them: {"count", "focus",
    "radius", "log_scales": least and largest, "looks": names}.

  Raises:
    ValueError: there is nothing to see, colours are not as many as splats, or
      a number is not finite.
  """
  splats = splats_lib.Splats(*(np.asarray(v) for v in painted.splats))
  _check(splats, painted.colors)
  opacities = 1 / (1 + np.exp(-splats.logits.astype(np.float64)))
  kept = np.flatnonzero(opacities >= _LEAST_OPACITY)
  if not len(kept):
    raise user_error.UserError(
      f"none of {len(opacities)} splats can be seen; expected some opacity of "
      f"at least {_LEAST_OPACITY:.4f}"
    )
  places = _contracted((splats.means[kept] - focus) / radius)
  places = np.round((places + _EXTENT) * _STEPS / (2 * _EXTENT))
  places = np.clip(places, 0, _STEPS).astype(np.uint16)
  order = np.argsort(_morton(places), kind="stable")
  kept, places = kept[order], places[order]
  log_scales = np.maximum(
    splats.log_scales[kept], np.log(_LEAST_SCALE * radius)
  )
  least, most = float(log_scales.min()), float(log_scales.max())
  scales = (log_scales - least) / max(most - least, 1e-9)
  planes = [
    *(part for axis in places.T for part in (axis & 255, axis >> 8)),
    *_bytes(scales).T,
    *(np.round(127 * _unit(splats.rotations[kept])) + 128).T,
    _bytes(opacities[kept]),
    *(
      channel
      for colors in painted.colors.values()
      for channel in _bytes(np.asarray(colors)[kept]).T
    ),
  ]
  raw = b"".join(plane.astype(np.uint8).tobytes() for plane in planes)
  facts = {
    "count": len(kept),
    "focus": [float(value) for value in focus],
    "radius": float(radius),
    "log_scales": [least, most],
    "looks": list(painted.colors),
  }
  return zlib.compress(raw, 9), facts


def _check(splats: splats_lib.Splats, colors) -> None:
  count = len(splats.means)
  for name, values in colors.items():
    if np.shape(values) != (count, 3):
      raise user_error.UserError(
        f"colours of {name!r} have shape {np.shape(values)}; expected "
        f"({count}, 3), one for each splat"
      )
  for name, values in zip(splats._fields, splats):
    if not np.isfinite(values).all():
      raise user_error.UserError(
        f"{name} of splats hold NaN or infinity; expected finite numbers"
      )


def _contracted(points: np.ndarray) -> np.ndarray:
  """As `rendering.contraction.contract`, in float64 on the host."""
  norms = np.maximum(np.linalg.norm(points, axis=-1, keepdims=True), 1.0)
  return points * (2 - 1 / norms) / norms


def _morton(places: np.ndarray) -> np.ndarray:
  """Interleaves the highest bits of places [N, 3] uint16: int64 [N]."""
  code = np.zeros(len(places), np.int64)
  for bit in range(_MORTON_BITS):
    for axis in range(3):
      one = places[:, axis].astype(np.int64) >> (16 - _MORTON_BITS + bit) & 1
      code |= one << (3 * bit + axis)
  return code


def _bytes(shares: np.ndarray) -> np.ndarray:
  """Rounds values in [0, 1] to 8 bits."""
  return np.round(255 * np.clip(shares, 0, 1)).astype(np.uint8)


def _unit(quaternions: np.ndarray) -> np.ndarray:
  norms = np.linalg.norm(quaternions, axis=-1, keepdims=True)
  return quaternions / np.maximum(norms, 1e-12)
