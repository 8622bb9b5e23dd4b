"""What others read of PLY files."""

import gsply
import numpy as np
import trimesh

from stylized_nerf_jax.outputs import ply_writer
from stylized_nerf_jax.splatting import splats as splats_lib


def _splats(count: int):
  random = np.random.default_rng(0)
  rotations = random.normal(size=(count, 4))
  rotations /= np.linalg.norm(rotations, axis=-1, keepdims=True)
  splats = splats_lib.Splats(
    random.normal(size=(count, 3)),
    random.normal(-3.0, 1.0, (count, 3)),
    rotations,
    random.normal(size=count),
  )
  return splats, random.uniform(size=(count, 3))


def test_gsply_reads_splats_as_they_are(tmp_path):
  splats, colors = _splats(7)
  path = tmp_path / "new folder" / "x.ply"
  assert ply_writer.write_splats(path, splats, colors) == path.stat().st_size
  found = gsply.plyread(path)
  np.testing.assert_allclose(found.means, splats.means, rtol=1e-6)
  np.testing.assert_allclose(found.scales, splats.log_scales, rtol=1e-6)
  np.testing.assert_allclose(found.quats, splats.rotations, rtol=1e-6)
  np.testing.assert_allclose(
    np.ravel(found.opacities), splats.logits, rtol=1e-6
  )
  shown = 0.5 + ply_writer.SH_0 * np.asarray(found.sh0)
  np.testing.assert_allclose(shown, colors, atol=1e-6)


def test_trimesh_reads_points(tmp_path):
  splats, colors = _splats(5)
  path = tmp_path / "x.ply"
  normals = splats.rotations[:, :3]
  ply_writer.write_points(path, splats.means, normals, colors)
  found = trimesh.load(path)
  np.testing.assert_allclose(found.vertices, splats.means, rtol=1e-6)
  np.testing.assert_array_equal(
    np.asarray(found.colors)[:, :3], np.round(255 * colors)
  )
