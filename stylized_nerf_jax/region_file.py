"""Regions of a scene: named parts of it, and the file of one.

A region is a small field (`fields.region_field`) of how far a point lies inside
a part of the scene. A run keeps its own in RUN/regions/NAME.npz.
"""

import dataclasses
import json
import pathlib
import re
from collections.abc import Mapping
from typing import Any

import jax

from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import disk
from stylized_nerf_jax.stylizer import weights_file

FOLDER = "regions"  # of a run
_ENDING = ".npz"
_FORMAT = "stylized-nerf-jax/region"
_VERSION = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclasses.dataclass(frozen=True, eq=False)
class Region:
  """A part of a scene.

  Attributes:
    name: that it is asked for by.
    params: of its `fields.region_field.RegionField`.
    options: that module's attributes.
    field: fingerprint of the radiance field that it was made for.
    facts: what it was made of, for people: views, masks, sizes.
    stale: whether that field has been replaced since.
  """

  name: str
  params: Mapping[str, Any]
  options: Mapping[str, Any]
  field: str
  facts: Mapping[str, Any]
  stale: bool = False

  @property
  def meta(self) -> dict[str, Any]:
    """All but the parameters and whether it is stale, as JSON holds it."""
    names = ("name", "options", "field", "facts")
    return {name: getattr(self, name) for name in names}


# A tree of its parameters; the rest is static under jit, as text that hashes.
jax.tree_util.register_pytree_with_keys(
  Region,
  lambda one: (
    ((jax.tree_util.GetAttrKey("params"), one.params),),
    (json.dumps(one.meta, sort_keys=True), one.stale),
  ),
  lambda kept, leaves: Region(
    params=leaves[0], stale=kept[1], **json.loads(kept[0])
  ),
)


def check_name(name: str) -> str:
  """Returns a name, or raises ValueError where a region cannot have it."""
  if not _NAME.fullmatch(name):
    raise user_error.UserError(
      f"region name {name!r}; expected up to 64 letters, digits, dots, dashes "
      "and underscores, the first of them a letter or digit"
    )
  return name


def path_of(workdir: str | pathlib.Path, name: str) -> pathlib.Path:
  """Returns where a run keeps a region.

  Raises:
    ValueError: a region cannot have this name.
  """
  return pathlib.Path(workdir) / FOLDER / f"{check_name(name)}{_ENDING}"


def write(workdir: str | pathlib.Path, region: Region) -> pathlib.Path:
  """Writes a region into a run's folder; returns the file."""
  path = path_of(workdir, region.name)
  path.parent.mkdir(exist_ok=True)
  meta = {"format": _FORMAT, "version": _VERSION} | region.meta
  with disk.writing(path):
    weights_file.save_weights(path, region.params, meta, dtype="float16")
  return path


def read_all(workdir: str | pathlib.Path, field: str) -> dict[str, Region]:
  """Reads the regions of a run, by their names.

  Args:
    workdir: of the run.
    field: fingerprint of its radiance field; regions of another are stale.

  Raises:
    ValueError: a file is damaged.
  """
  files = sorted((pathlib.Path(workdir) / FOLDER).glob(f"*{_ENDING}"))
  found = [read(file) for file in files]
  return {
    one.name: dataclasses.replace(one, stale=one.field != field)
    for one in found
  }


def read(path: pathlib.Path) -> Region:
  """Reads what `write` wrote.

  Raises:
    ValueError: the file is damaged, or of another kind or version.
  """
  try:
    params, meta = weights_file.load_weights(path)
    kind = meta.pop("format"), meta.pop("version")
    if kind != (_FORMAT, _VERSION):
      raise ValueError(f"it is {kind[0]} version {kind[1]}")
    region = Region(params=params, **meta)
    if region.name != path.stem:
      raise ValueError(f"it holds {region.name!r}")
  except (ValueError, LookupError, TypeError, AttributeError) as error:
    found = "it is damaged" if str(path) in str(error) else error
    raise user_error.UserError(
      f"{path} is no region ({found}): remove it, and make it anew with "
      "`stylized-nerf region`"
    ) from None
  return region
