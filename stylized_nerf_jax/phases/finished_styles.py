"""What the finish leaves: a style field for each painting, on disk.

They begin as the one of mutual learning and keep its space of codes, so that a
mix of styles is a mean of parameters as it is one of codes. Feature tables are
kept in 16 bits, half of what they take in training.
"""

import pathlib
import zipfile

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.fields import hash_encoding
from stylized_nerf_jax.host import disk
from stylized_nerf_jax.stylizer import palette

_MATRIX, _OFFSET = "palette/matrix", "palette/offset"


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
  """Bytes of one style's file, from parameters or their shapes."""
  sizes = jax.tree.map_with_path(
    lambda path, leaf: (
      int(np.prod(leaf.shape)) * (2 if hash_encoding.is_table(path) else 4)
    ),
    params,
  )
  return sum(jax.tree.leaves(sizes))


def write(path: pathlib.Path, params, color_map: palette.ColorMap) -> None:
  """Writes a finished style.

  Args:
    path: of `path_of`.
    params: of its style field.
    color_map: that gives what it paints the painting's colours.
  """
  arrays = {
    "/".join(key.key for key in keys): np.asarray(leaf)
    for keys, leaf in jax.tree.leaves_with_path(halved(params))
  }
  arrays[_MATRIX], arrays[_OFFSET] = map(np.asarray, color_map)
  path.parent.mkdir(parents=True, exist_ok=True)
  temporary = path.with_suffix(".tmp.npz")
  with disk.writing(path):
    np.savez(temporary, **arrays)
  temporary.replace(path)


def read(path: pathlib.Path, like) -> tuple[dict, palette.ColorMap]:
  """Reads a finished style.

  Args:
    path: of `path_of`.
    like: parameters of a style field, or their shapes.

  Returns:
    (its parameters as `halved` leaves them, its map).

  Raises:
    ValueError: the file is damaged, or of another style field.
  """
  try:
    with np.load(path, allow_pickle=False) as archive:
      arrays = {name: archive[name] for name in archive.files}
    color_map = palette.ColorMap(arrays[_MATRIX], arrays[_OFFSET])
    params = jax.tree.map_with_path(
      lambda keys, leaf: _fitting(
        arrays["/".join(key.key for key in keys)], leaf.shape
      ),
      like,
    )
  except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
    raise user_error.UserError(
      f"{path} is damaged ({error}): remove it, and run `stylized-nerf train "
      "--phase finish` with this run's config"
    ) from None
  return params, color_map


def _fitting(values: np.ndarray, shape) -> np.ndarray:
  if values.shape != tuple(shape):
    raise ValueError(f"an array of shape {values.shape}, expected {shape}")
  return values


def mix(base, finished, shares: jax.Array):
  """Blends style fields of styles.

  Args:
    base: parameters of the one that mutual learning left.
    finished: those of S styles, leaves [S, ...].
    shares: [S], none negative, 1 at most together; the rest is the base's.

  Returns:
    Parameters, float32; those of one style as they are where its share is 1.
  """
  left = 1.0 - shares.sum()

  def blend(of_base, of_styles):
    weights = shares.reshape(-1, *[1] * (of_styles.ndim - 1))
    # What has no share may be anything.
    parts = jnp.where(weights > 0, weights * of_styles.astype(jnp.float32), 0.0)
    return parts.sum(0) + jnp.where(left > 1e-6, left * of_base, 0.0)

  return jax.tree.map(blend, base, finished)
