"""Meshes as glTF, read back by trimesh."""

import json
import struct

import numpy as np
import pytest

from stylized_nerf_jax.meshes.surface import Mesh
from stylized_nerf_jax.outputs import mesh_writer

trimesh = pytest.importorskip("trimesh")


def _tetrahedron() -> Mesh:
  vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
  faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
  return Mesh(vertices, faces)


@pytest.mark.parametrize(
  "srgb, linear",
  # 0.5 and 0.735357 are those of IEC 61966-2-1's formula to six digits.
  [(0.0, 0.0), (1.0, 1.0), (0.04, 0.04 / 12.92), (0.5, 0.214041)]
  + [(0.735357, 0.5)],
)
def test_colours_become_linear(srgb, linear):
  assert mesh_writer.linear(srgb) == pytest.approx(linear, abs=2e-6)


def test_linear_has_no_step():
  below, above = mesh_writer.linear(np.array([0.04045, 0.0404501]))
  assert 0 < above - below < 1e-6


def test_file_is_read_back(tmp_path):
  colors = np.array([[0, 0, 0], [1, 1, 1], [0.5, 0.25, 0.75], [1, 0, 0.735357]])
  path = tmp_path / "deep" / "shape.glb"
  mesh_writer.write_glb(path, _tetrahedron(), colors, name="shape")
  read = trimesh.load(path)
  assert list(read.geometry) == ["shape"]
  solid = read.geometry["shape"]
  assert solid.is_watertight and solid.volume == pytest.approx(1 / 6)
  order = [
    int(np.abs(solid.vertices - corner).sum(axis=1).argmin())
    for corner in _tetrahedron().vertices
  ]
  found = solid.visual.vertex_colors[order]
  expected = [[0, 0, 0], [255, 255, 255], [55, 13, 133], [255, 0, 128]]
  assert np.abs(found[:, :3].astype(int) - expected).max() <= 1
  assert (found[:, 3] == 255).all()


def test_file_is_gltf_2(tmp_path):
  path = tmp_path / "x.glb"
  mesh_writer.write_glb(path, _tetrahedron(), np.ones((4, 3)), name="x")
  data = path.read_bytes()
  magic, version, length, size = struct.unpack("<4sIII", data[:16])
  assert (magic, version, length) == (b"glTF", 2, len(data))
  content = json.loads(data[20 : 20 + size])
  (primitive,) = content["meshes"][0]["primitives"]
  color = content["accessors"][primitive["attributes"]["COLOR_0"]]
  # Bytes that stand for 0 to 1.
  assert (color["componentType"], color["normalized"]) == (5121, True)


def test_bad_meshes_are_refused(tmp_path):
  with pytest.raises(ValueError, match=r"x\.obj: a mesh ends in \.glb"):
    mesh_writer.check_name(tmp_path / "x.obj")
  with pytest.raises(ValueError, match=r"shape \(3, 3\); expected \(4, 3\)"):
    mesh_writer.write_glb(
      tmp_path / "x.glb", _tetrahedron(), np.ones((3, 3)), name="x"
    )
