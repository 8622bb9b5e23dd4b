"""Meshes as binary glTF 2.0: one file, colours at vertices."""

import pathlib

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.meshes.surface import Mesh
from stylized_nerf_jax.outputs import image_writer

_ENDING = ".glb"


def linear(srgb: np.ndarray) -> np.ndarray:
  """Undoes sRGB's transfer function (IEC 61966-2-1), values in [0, 1].

  glTF takes colours of vertices as linear (section 3.7.2.1), and what shows
  them applies sRGB's transfer again.
  """
  srgb = np.asarray(srgb, np.float64)
  return np.where(
    srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4
  )


def check_name(path: str | pathlib.Path) -> pathlib.Path:
  """Returns a path that ends in .glb.

  Raises:
    ValueError: it ends in something else.
  """
  path = pathlib.Path(path)
  if path.suffix.lower() != _ENDING:
    raise user_error.UserError(
      f"{path}: a mesh ends in {_ENDING}; name it "
      f"{path.with_suffix(_ENDING).name}"
    )
  return path


def write_glb(
  path: str | pathlib.Path, mesh: Mesh, colors: np.ndarray, *, name: str
) -> None:
  """Writes a mesh whose light is in its colours.

  The material asks for no lights (KHR_materials_unlit is not written by
  trimesh): it is fully rough and not metallic, and seen from both sides.

  Args:
    path: file to write, ending in .glb; its folder is created.
    mesh: as glTF has it: y up, +z towards who looks at it.
    colors: [V, 3] sRGB in [0, 1], of its vertices.
    name: of the object in the file.

  Raises:
    ValueError: the ending is another, colours are not as many as vertices, or
      the file cannot be written.
  """
  import trimesh

  path = check_name(path)
  if np.shape(colors) != (len(mesh.vertices), 3):
    raise user_error.UserError(
      f"colours for {path.name} have shape {np.shape(colors)}; expected "
      f"({len(mesh.vertices)}, 3)"
    )
  bytes_of = np.round(255 * linear(np.clip(colors, 0, 1))).astype(np.uint8)
  opaque = np.full((len(bytes_of), 1), 255, np.uint8)
  solid = trimesh.Trimesh(
    mesh.vertices.astype(np.float32),
    mesh.faces,
    vertex_colors=np.concatenate([bytes_of, opaque], axis=1),
    process=False,
  )
  scene = trimesh.Scene()
  scene.add_geometry(solid, node_name=name, geom_name=name)
  with image_writer.writing(path):
    path.write_bytes(scene.export(file_type="glb"))
