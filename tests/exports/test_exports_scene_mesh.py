"""The mesh of a ball that cameras on a part of a circle see."""

import types

import numpy as np
import pytest

from stylized_nerf_jax.exports import scene_mesh
from stylized_nerf_jax.models import renderers
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import renderer
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.scenes.synthetic import embedded

trimesh = pytest.importorskip("trimesh")

_SIZE = (64, 48)


def _record(count=8) -> scene_record.SceneRecord:
  found = []
  for i, turn in enumerate(np.linspace(-1.2, 1.2, count)):
    center = 3 * np.array([np.sin(turn), -np.cos(turn), 0.35])
    pose = embedded.look_at(center, np.zeros(3))
    found.append(
      camera_lib.Camera(pose, 60.0, 60.0, 32.0, 24.0, *_SIZE, name=f"{i}.png")
    )
  scene = scene_lib.Scene(
    name="ball",
    format="synthetic",
    path="",
    cameras=camera_lib.Cameras.from_list(found),
    images=[None] * count,
    masks=None,
    alphas=None,
    depths=None,
    layout="bounded",
    near=0.5,
    far=6.0,
    bounding_box=((-1.5,) * 3, (1.5,) * 3),
    splits={"train": tuple(range(count)), "test": ()},
    fingerprint="ball",
  )
  return scene_record.make_scene_record(scene)


class _Ball:
  """A model whose field is a ball of radius 1, in the colours of places."""

  config, params = None, {"field": None}

  def __init__(self):
    self.scene = _record()
    self.space = self.scene.normalization

  def render(self, camera):
    arrays = rays_lib.camera_arrays(camera, None)
    xy = rays_lib.pixel_grid(camera.height, camera.width)
    directions = np.asarray(rays_lib.pixel_directions(arrays, xy), np.float64)
    center = camera.camera_to_world[:3, 3]
    along = directions @ center
    inside = along**2 - center @ center + 1.0
    depth = -along - np.sqrt(np.maximum(inside, 0.0))
    depth = np.where(inside > 0, depth, 0.0)
    rgb = np.zeros((*depth.shape, 3), np.float32)
    return renderer.Rendered(rgb, depth, (depth > 0).astype(np.float32))

  def paint_points(self, points, style=None, **dials):
    del dials
    return np.clip(0.5 + 0.5 * points, 0, 1) * (0.5 if style else 1.0)


@pytest.fixture
def ball(monkeypatch):
  def thickness(params, rays):
    middle = rays.origins + 0.5 * rays.far * rays.directions
    return np.exp(15 * (1.0 - np.linalg.norm(middle, axis=-1)) - 2.0)

  compiled = types.SimpleNamespace(points=lambda what: thickness)
  monkeypatch.setattr(renderers, "of", lambda config, record: compiled)
  return _Ball()


def test_surface_is_the_ball_that_was_seen(ball, capsys):
  mesh = scene_mesh.make(ball, resolution=48)
  norms = np.linalg.norm(mesh.vertices, axis=-1)
  assert abs(np.median(norms) - 1.0) < 0.03 and norms.std() < 0.02
  solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
  outward = np.sum(solid.face_normals * solid.triangles_center, axis=-1)
  assert (outward > 0.7).mean() > 0.99
  # The front, and nothing behind that no camera saw.
  assert mesh.vertices[:, 1].min() < -0.95
  assert mesh.vertices[:, 1].max() < 0.9
  assert 0.4 < solid.area / (4 * np.pi) < 0.9
  assert "the field is asked at" in capsys.readouterr().err


def test_files_stand_upright(ball, tmp_path):
  files = {tmp_path / "a.glb": None, tmp_path / "b.glb": "style"}
  scene_mesh.write(ball, files, resolution=32, most_faces=500)
  one, other = (
    next(iter(trimesh.load(file).geometry.values())) for file in files
  )
  assert len(one.faces) <= 500
  np.testing.assert_array_equal(one.vertices, other.vertices)
  # Who looks from -y with z up sees +z in front and y up.
  front = one.vertices[one.vertices[:, 2].argmax()]
  assert front[2] > 0.9
  top = one.visual.vertex_colors[one.vertices[:, 1].argmax()]
  low = one.visual.vertex_colors[one.vertices[:, 1].argmin()]
  assert top[2] > 150 > 60 > low[2]
  dark = other.visual.vertex_colors.astype(int).sum()
  assert dark < one.visual.vertex_colors.astype(int).sum()


def test_haze_is_no_surface(ball, monkeypatch):
  even = types.SimpleNamespace(
    points=lambda what: lambda params, rays: np.full(len(rays.far), 0.3)
  )
  monkeypatch.setattr(renderers, "of", lambda config, record: even)
  with pytest.raises(ValueError, match="no surface"):
    scene_mesh.make(ball, resolution=24)


@pytest.mark.parametrize(
  "options, said",
  [({"resolution": 4}, "resolution is 4"), ({"most_faces": 2}, "faces are")],
)
def test_bad_options(ball, options, said):
  with pytest.raises(ValueError, match=said):
    scene_mesh.make(ball, **options)
