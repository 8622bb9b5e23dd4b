"""One self-contained file of a trained model: npz with JSON inside.

No pickles: reading it cannot run code. Array names are the parameters' paths;
`__meta__` is JSON text as bytes.
"""

import dataclasses
import json
import pathlib
import zipfile
from collections.abc import Mapping

import numpy as np
from flax import traverse_util

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import region_file, user_error
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.stylizer import style_maps

_FORMAT = "stylized-nerf-jax/model"
_VERSION = 1
_PARAMS = "params"
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
  tree = {_PARAMS: fields["params"]}
  if (maps := fields[_MAPS]) is not None:
    tree[_MAPS] = dataclasses.asdict(maps)
    meta[_MAPS] = {"transfer": tree[_MAPS].pop("transfer")}
  for name, region in fields.get(_REGIONS, {}).items():
    if not region.stale:
      tree.setdefault(_REGIONS, {})[name] = region.params
      meta.setdefault(_REGIONS, {})[name] = region.meta
  flat = traverse_util.flatten_dict(tree, sep="/")
  arrays = {name: np.asarray(value) for name, value in flat.items()}
  for name in _ARRAYS:
    if fields[name] is not None:
      arrays[name] = np.asarray(fields[name])
  arrays["__meta__"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
  path = pathlib.Path(path)
  temporary = path.with_name(path.name + ".tmp")
  with temporary.open("wb") as file:
    np.savez(file, **arrays)
  temporary.replace(path)


def read(path: str | pathlib.Path) -> dict:
  """Reads what `write` wrote: the fields of a `StylizedNerf`.

  Raises:
    ValueError: the file is damaged or of another kind or version.
  """
  try:
    # np.load would also take an array of its own format, and leave the file
    # open where it is no archive.
    with pathlib.Path(path).open("rb") as file:
      archive = np.lib.npyio.NpzFile(file, allow_pickle=False)
      arrays = {name: archive[name] for name in archive.files}
    meta = json.loads(arrays.pop("__meta__").tobytes())
    tree = traverse_util.unflatten_dict(arrays, sep="/")
  except (
    *(IndexError, KeyError, ValueError, OSError, EOFError),
    zipfile.BadZipFile,
  ) as error:
    raise user_error.UserError(
      f"{path} is no model file ({error}): give a file that model.save wrote"
    ) from None
  if (meta.get("format"), meta.get("version")) != (_FORMAT, _VERSION):
    raise user_error.UserError(
      f"{path} is {meta.get('format')} version {meta.get('version')}; "
      f"expected {_FORMAT} version {_VERSION}"
    )
  maps = None
  if _MAPS in meta:
    maps = style_maps.StyleMaps(**tree[_MAPS], **meta[_MAPS])
  return {
    "config": config_lib.completed(config_lib.from_plain(meta["config"])),
    "scene": scene_record.SceneRecord.from_dict(meta["scene"]),
    "styles": tuple(meta["styles"]),
    "style_hashes": tuple(meta["style_hashes"]),
    "params": tree.get(_PARAMS, {}),
    **{name: arrays.get(name) for name in _ARRAYS},
    _MAPS: maps,
    _REGIONS: {
      name: region_file.Region(params=tree[_REGIONS][name], **of_region)
      for name, of_region in meta.get(_REGIONS, {}).items()
    },
  }
