"""What the finish leaves: a style field for each painting, on disk.

They begin as the one of mutual learning and keep its space of codes, so that a
mix of styles is a mean of parameters as it is one of codes. Feature tables are
kept in 16 bits, half of what they take in training.
"""

import pathlib
import zipfile
from collections.abc import Sequence

import jax
import numpy as np
from flax import traverse_util

from stylized_nerf_jax import user_error
from stylized_nerf_jax.fields import hash_encoding
from stylized_nerf_jax.host import disk
from stylized_nerf_jax.stylizer import style_maps

# Entries of a file that are no parameters.
_MAP = "palette_map/"


def path_of(folder: pathlib.Path, content_hash: str) -> pathlib.Path:
  """Returns the file of a style in the folder of the finish."""
  return folder / "styles" / f"{content_hash[:16]}.npz"


def halved(params):
  """Returns parameters of a style field whose feature tables are float16."""
  return jax.tree.map_with_path(
    lambda path, leaf: np.asarray(
      leaf, np.float16 if hash_encoding.is_table(path) else np.float32
    ),
    params,
  )


def num_bytes(params) -> int:
  """Bytes of one style's parameters in its file."""
  return sum(leaf.nbytes for leaf in jax.tree.leaves(halved(params)))


def write(path: pathlib.Path, params, maps: style_maps.StyleMaps) -> None:
  """Writes a finished style.

  Args:
    path: of `path_of`.
    params: of its style field.
    maps: of this one style, from what it paints to its painting's palette.
  """
  arrays = traverse_util.flatten_dict(halved(params), sep="/")
  for name in style_maps.ARRAYS:
    arrays[_MAP + name] = np.asarray(getattr(maps, name)[0])
  path.parent.mkdir(parents=True, exist_ok=True)
  temporary = path.with_suffix(".tmp.npz")
  with disk.writing(path):
    np.savez(temporary, **arrays)
  temporary.replace(path)


def read_all(
  folder: pathlib.Path, hashes: Sequence[str], like
) -> tuple[dict, style_maps.StyleMaps]:
  """Reads finished styles.

  Args:
    folder: of the finish.
    hashes: content hashes of S styles.
    like: parameters of a style field, or their shapes.

  Returns:
    (parameters as `halved` leaves them, leaves [S, ...]; maps of the styles).

  Raises:
    ValueError: a file is missing, damaged, or of another style field.
  """
  found = [_read(path_of(folder, one), like) for one in hashes]
  params = jax.tree.map(
    lambda *leaves: np.stack(leaves), *[p for p, _ in found]
  )
  maps = {
    name: np.stack([of_one[name] for _, of_one in found])
    for name in style_maps.ARRAYS
  }
  return params, style_maps.StyleMaps(**maps)


def _read(path: pathlib.Path, like) -> tuple[dict, dict[str, np.ndarray]]:
  """Reads the parameters and maps of one style."""
  try:
    with np.load(path, allow_pickle=False) as archive:
      arrays = {name: archive[name] for name in archive.files}
    maps = {name: arrays[_MAP + name] for name in style_maps.ARRAYS}
    params = jax.tree.map_with_path(
      lambda keys, leaf: _fitting(
        arrays["/".join(key.key for key in keys)], leaf.shape
      ),
      like,
    )
  except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
    raise user_error.UserError(
      f"{path} is missing or damaged ({error}): remove it, and run "
      "`stylized-nerf train --phase finish` with this run's config"
    ) from None
  return params, maps


def _fitting(values: np.ndarray, shape) -> np.ndarray:
  if values.shape != tuple(shape):
    raise ValueError(f"an array of shape {values.shape}, expected {shape}")
  return values
