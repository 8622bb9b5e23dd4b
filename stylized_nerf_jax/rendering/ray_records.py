"""Rays, and what is known of the scene that they are cast in."""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import normalization as normalization_lib


@dataclasses.dataclass(frozen=True)
class RaySetting:
  """What stays fixed while rendering one scene; hashable.

  Attributes:
    space: what the ray parameter runs through.
    scale: model units in one unit of the scene file.
    background: colour behind everything, [0, 1]; None where rays always hit
      something: what still passes is black.
  """

  space: normalization_lib.RaySpace
  scale: float
  background: tuple[float, float, float] | None = None


# Trees without leaves: functions under jit take them as they are.
for _static in (
  normalization_lib.Normalization,
  normalization_lib.RaySpace,
  RaySetting,
):
  jax.tree_util.register_static(_static)


@flax.struct.dataclass
class Rays:
  """Rays in ray space; leading dimensions are free.

  Attributes:
    origins: [..., 3], ray space.
    directions: [..., 3], ray space. Cameras cast unit directions but for NDC;
      a ray parameter counts in lengths of them.
    viewdirs: [..., 3], unit, model axes, taken before NDC.
    centers: [..., 3], camera centres, model frame.
    near: [..., 1], first ray parameter; None: the field's own.
    far: [..., 1], last ray parameter, beyond near; None: the field's own.
    setting: of the scene that they are cast in, static under jit; None where
      nothing is known of one.
  """

  origins: jax.Array
  directions: jax.Array
  viewdirs: jax.Array
  centers: jax.Array
  near: jax.Array | None
  far: jax.Array | None
  setting: RaySetting | None = flax.struct.field(
    pytree_node=False, default=None
  )

  @classmethod
  def of(
    cls,
    *,
    origins: jax.Array,
    directions: jax.Array,
    viewdirs: jax.Array | None = None,
    near: jax.Array | float | None = None,
    far: jax.Array | float | None = None,
  ) -> "Rays":
    """Makes rays of arrays that no camera of this package has cast.

    Args:
      origins: [..., 3], in the coordinates that the field was trained in, or
        will be.
      directions: [..., 3], not of length 0; need not be of length 1.
      viewdirs: [..., 3], unit directions that colours depend on; None: the
        normalised directions. Of rays in NDC they are those before NDC.
      near: [...], [..., 1] or a number, in lengths of the directions; None:
        what the field says.
      far: likewise, beyond near.

    Returns:
      Rays of all leading dimensions broadcast together, float32.

    Raises:
      ValueError: shapes that do not fit, or one of near and far alone.
    """
    if (near is None) != (far is None):
      raise user_error.UserError(
        f"near is {near} and far is {far}; expected both, or neither for "
        "those of the field"
      )
    origins = _vectors("origins", origins)
    directions = _vectors("directions", directions)
    if viewdirs is None:
      length = jnp.linalg.norm(directions, axis=-1, keepdims=True)
      viewdirs = directions / length
    else:
      viewdirs = _vectors("viewdirs", viewdirs)
    given = {"origins": origins, "directions": directions, "viewdirs": viewdirs}
    if near is not None:
      rank = max(values.ndim for values in given.values())
      given["near"] = _ends(near, rank)
      given["far"] = _ends(far, rank)
    try:
      lead = jnp.broadcast_shapes(*(v.shape[:-1] for v in given.values()))
    except ValueError:
      shapes = ", ".join(f"{k} {v.shape}" for k, v in given.items())
      raise user_error.UserError(
        f"rays have {shapes}; expected leading dimensions that broadcast"
      ) from None
    found = {
      name: jnp.broadcast_to(values, (*lead, values.shape[-1]))
      for name, values in given.items()
    }
    return cls(
      origins=found["origins"],
      directions=found["directions"],
      viewdirs=found["viewdirs"],
      centers=found["origins"],
      near=found.get("near"),
      far=found.get("far"),
    )


def _vectors(name: str, values):
  """Returns vectors [..., 3] as float32."""
  values = jnp.asarray(values, jnp.float32)
  if values.ndim == 0 or values.shape[-1] != 3:
    raise user_error.UserError(
      f"{name} have shape {values.shape}; expected [..., 3]"
    )
  return values


def _ends(values, rank: int):
  """Returns ends of rays as [..., 1], where vectors have `rank` dimensions."""
  values = jnp.asarray(values, jnp.float32)
  if values.ndim >= rank and values.shape[-1] == 1:
    return values
  return values[..., None]
