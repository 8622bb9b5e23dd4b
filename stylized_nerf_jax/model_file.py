"""One self-contained file of a trained model: npz with JSON inside.

No pickles: reading it cannot run code. Array names are the parameters' paths;
`__meta__` is JSON text as bytes.
"""

import dataclasses
import pathlib
from collections.abc import Mapping

import numpy as np

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import region_file, user_error
from stylized_nerf_jax.host import npz_file
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.stylizer import style_maps

_FORMAT = "stylized-nerf-jax/model"
_VERSION = 1
_ARRAYS = ("latent_mean", "latent_variance")
# Of later versions; others have none.
_MAPS = "palette_maps"
_REGIONS = "regions"


def write(path: str | pathlib.Path, fields: Mapping) -> None:
  """Writes the fields of a `StylizedNerf`."""
  meta = {
    "format": _FORMAT,
    "version": _VERSION,
    "config": config_lib.plain(fields["config"]),
    "scene": fields["scene"].to_dict(),
    "styles": list(fields["styles"]),
    "style_hashes": list(fields["style_hashes"]),
  }
  arrays = npz_file.flatten(fields["params"], "params/")
  for name in _ARRAYS:
    if fields[name] is not None:
      arrays[name] = np.asarray(fields[name])
  if (maps := fields[_MAPS]) is not None:
    arrays |= npz_file.flatten(dataclasses.asdict(maps), f"{_MAPS}/")
    meta[_MAPS] = {"transfer": arrays.pop(f"{_MAPS}/transfer").item()}
  for name, region in fields.get(_REGIONS, {}).items():
    if not region.stale:
      own, of_region = region.to_file()
      arrays |= npz_file.flatten(own, f"{_REGIONS}/{name}/")
      meta.setdefault(_REGIONS, {})[name] = of_region
  npz_file.write(pathlib.Path(path), arrays, meta)


def read(path: str | pathlib.Path) -> dict:
  """Reads what `write` wrote: the fields of a `StylizedNerf`.

  Raises:
    ValueError: the file is damaged or of another kind or version.
  """
  try:
    arrays, meta = npz_file.read(pathlib.Path(path))
    kind = meta.get("format"), meta.get("version")
  except npz_file.DAMAGED as error:
    raise user_error.UserError(
      f"{path} is no model file ({error}): give a file that model.save wrote"
    ) from None
  if kind != (_FORMAT, _VERSION):
    raise user_error.UserError(
      f"{path} is {kind[0]} version {kind[1]}; expected {_FORMAT} version "
      f"{_VERSION}"
    )
  maps = None
  if _MAPS in meta:
    maps = style_maps.StyleMaps(
      **npz_file.unflatten(arrays, f"{_MAPS}/"), **meta[_MAPS]
    )
  return {
    "config": config_lib.completed(config_lib.from_plain(meta["config"])),
    "scene": scene_record.SceneRecord.from_dict(meta["scene"]),
    "styles": tuple(meta["styles"]),
    "style_hashes": tuple(meta["style_hashes"]),
    "params": npz_file.unflatten(arrays, "params/"),
    **{name: arrays.get(name) for name in _ARRAYS},
    _MAPS: maps,
    _REGIONS: {
      name: region_file.Region.from_file(
        npz_file.below(arrays, f"{_REGIONS}/{name}/"), of_region
      )
      for name, of_region in meta.get(_REGIONS, {}).items()
    },
  }
