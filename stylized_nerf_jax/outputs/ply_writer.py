"""Splats and coloured points as PLY: what 3D Gaussian splat viewers read.

The order and the names of properties are those that the program of Kerbl et
al. (2023) writes: logarithms of scales, logits of opacities, quaternions with
w first, and colours as the first coefficient of spherical harmonics. There are
no higher ones (degree 0): colours of a style do not depend on the direction.
Binary, little endian, float32.
"""

import pathlib

import numpy as np

from stylized_nerf_jax.outputs import image_writer
from stylized_nerf_jax.splatting import splats as splats_lib

# The harmonic of degree 0: 1 / (2 sqrt(pi)).
SH_0 = 0.28209479177387814


def write_splats(
  path: str | pathlib.Path, splats: splats_lib.Splats, colors: np.ndarray
) -> int:
  """Writes splats; returns the size of the file in bytes.

  Args:
    path: of the file.
    splats: N, in the frame of the viewers.
    colors: [N, 3], sRGB in [0, 1].

  Raises:
    ValueError: the file cannot be written.
  """
  columns = {
    **_named(("x", "y", "z"), splats.means),
    **_named([f"f_dc_{i}" for i in range(3)], (colors - 0.5) / SH_0),
    "opacity": splats.logits,
    **_named([f"scale_{i}" for i in range(3)], splats.log_scales),
    **_named([f"rot_{i}" for i in range(4)], splats.rotations),
  }
  return _write(path, {name: (v, "<f4") for name, v in columns.items()})


def write_points(
  path: str | pathlib.Path,
  points: np.ndarray,
  normals: np.ndarray,
  colors: np.ndarray,
) -> int:
  """Writes coloured points; returns the size of the file in bytes.

  Args:
    path: of the file.
    points: [N, 3].
    normals: [N, 3], unit.
    colors: [N, 3], sRGB in [0, 1].

  Raises:
    ValueError: the file cannot be written.
  """
  placed = _named(("x", "y", "z"), points)
  placed |= _named(("nx", "ny", "nz"), normals)
  columns = {name: (v, "<f4") for name, v in placed.items()}
  for name, v in _named(("red", "green", "blue"), colors).items():
    columns[name] = (np.round(255.0 * np.clip(v, 0.0, 1.0)), "u1")
  return _write(path, columns)


def _named(names, values: np.ndarray) -> dict[str, np.ndarray]:
  return dict(zip(names, np.asarray(values).T, strict=True))


def _write(path: str | pathlib.Path, columns) -> int:
  path = pathlib.Path(path)
  dtype = np.dtype([(name, kind) for name, (_, kind) in columns.items()])
  count = len(next(iter(columns.values()))[0])
  rows = np.empty(count, dtype)
  for name, (values, _) in columns.items():
    rows[name] = values
  words = {"<f4": "float", "u1": "uchar"}
  header = "\n".join(
    [
      "ply",
      "format binary_little_endian 1.0",
      f"element vertex {count}",
      *(f"property {words[k]} {name}" for name, (_, k) in columns.items()),
      "end_header",
    ]
  )
  with image_writer.writing(path):
    path.write_bytes(header.encode() + b"\n" + rows.tobytes())
  return path.stat().st_size
