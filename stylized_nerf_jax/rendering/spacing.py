"""How positions are spread along a ray: where a fraction of it lies, and back.

"linear" is even in t. "contracted" is even in what the contraction of
mip-NeRF 360 (section 2) makes of t: in t up to 1, the radius of the ball that
holds the cameras of a contracted scene, and in 1 / t beyond. To be even in
1 / t from the near plane on would spend half of all intervals between that
plane and twice its distance.
"""

import jax.numpy as jnp

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import normalization


def of_space(space: normalization.RaySpace) -> str:
  """Returns the spacing of rays in a space."""
  return "contracted" if space.kind == "contracted" else "linear"


def place(fraction, near, far, spacing: str):
  """Returns t, from `near` to `far`, of fractions of a ray.

  Args:
    fraction: [..., K], in [0, 1].
    near: [..., 1], start of the ray.
    far: [..., 1], end of the ray, beyond `near`.
    spacing: "linear" or "contracted".

  Returns:
    [..., K], in [near, far]; rounding never swaps two of them.

  Raises:
    ValueError: an unknown spacing.
  """
  _check(spacing)
  if spacing == "linear":
    t = near + fraction * (far - near)
  else:
    first, last = _contract(near), _contract(far)
    position = first + fraction * (last - first)
    beyond = 1.0 / (2.0 - jnp.maximum(position, 1.0))
    t = jnp.where(position <= 1.0, position, beyond)
  return jnp.clip(t, near, far)


def fraction(t, near, far, spacing: str):
  """Returns what `place` takes to t: the inverse.

  Args:
    t: [..., K], in [near, far].
    near, far, spacing: as in `place`.

  Returns:
    [..., K], in [0, 1] up to rounding.

  Raises:
    ValueError: an unknown spacing.
  """
  _check(spacing)
  if spacing == "contracted":
    t, near, far = _contract(t), _contract(near), _contract(far)
  return (t - near) / jnp.maximum(far - near, 1e-6)


def _contract(t):
  return jnp.where(t <= 1.0, t, 2.0 - 1.0 / jnp.maximum(t, 1.0))


def _check(spacing: str) -> None:
  if spacing not in ("linear", "contracted"):
    raise user_error.UserError(
      f"spacing is {spacing!r}; use 'linear' or 'contracted'"
    )
