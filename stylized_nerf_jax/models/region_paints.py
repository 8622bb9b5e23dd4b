"""Which regions of a model are asked for, and their modules."""

from collections.abc import Mapping

import flax.linen as nn

from stylized_nerf_jax import user_error
from stylized_nerf_jax.fields import region_field
from stylized_nerf_jax.region_file import Region

# Of regions' edges, in [0, 1].
FEATHER = 0.15


def find(known: Mapping[str, Region], name: str) -> Region:
  """Returns a region by its name.

  Raises:
    ValueError: there is none, or it was made for another field.
  """
  if name not in known:
    names = ", ".join(known) or "none yet"
    raise user_error.UserError(
      f"no region {name!r}; known: {names}; `stylized-nerf region` makes one"
    )
  region = known[name]
  if region.stale:
    raise user_error.UserError(
      f"region {name!r} was made before the radiance field was trained anew: "
      "make it again with `stylized-nerf region --replace`"
    )
  return region


def check_feather(feather: float) -> None:
  """Raises ValueError unless a feather is in [0, 1]."""
  if not 0.0 <= feather <= 1.0:
    raise user_error.UserError(
      f"feather is {feather}; expected a number in [0, 1]"
    )


def module(region: Region) -> nn.Module:
  """Returns the module of a region; hashable, its parameters beside it."""
  return region_field.RegionField(**region.options)
