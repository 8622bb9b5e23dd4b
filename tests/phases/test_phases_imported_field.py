"""A field of JaxNeRF as phase 1: the same pixels, and what ties it to a run."""

import json
import pathlib
import sys

import jax
import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.networks import jaxnerf_checkpoint
from stylized_nerf_jax.phases import pipeline, radiance_field
from stylized_nerf_jax.rendering import ray_records, render_rays
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes.synthetic import embedded
from stylized_nerf_jax.tasks import jaxnerf_import

_TESTS = pathlib.Path(__file__).parents[1]
sys.path += [str(_TESTS / "networks"), str(_TESTS / "scenes")]
import jaxnerf_oracle  # noqa: E402
import scene_writers  # noqa: E402

SIZE, ANGLE = 12, 0.7


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
  """A NeRF-synthetic scene of three views, 12 x 12 pixels."""
  root = tmp_path_factory.mktemp("scene")
  rng = np.random.default_rng(0)
  for split, angles in (("train", (0.0, 2.0)), ("test", (1.0,))):
    (root / split).mkdir()
    frames = []
    for i, angle in enumerate(angles):
      pixels = rng.integers(0, 255, (SIZE, SIZE, 4), np.uint8)
      Image.fromarray(pixels).save(root / split / f"r_{i}.png")
      center = 4.0 * np.array([np.cos(angle), np.sin(angle), 0.3])
      pose = embedded.look_at(center, np.zeros(3)).tolist()
      frames.append({"file_path": f"./{split}/r_{i}", "transform_matrix": pose})
    content = {"camera_angle_x": ANGLE, "frames": frames}
    (root / f"transforms_{split}.json").write_text(json.dumps(content))
  return root


def make_config(scene):
  sizes = ("num_coarse=6", "num_fine=5")
  return config_lib.from_flags(
    [
      f"--config.scene.path={scene}",
      *(f"--config.field.jaxnerf.{size}" for size in sizes),
    ]
  )


@pytest.fixture(scope="module")
def imported(scene, tmp_path_factory):
  folder = tmp_path_factory.mktemp("imported")
  file = jaxnerf_oracle.write(
    folder / "checkpoint_7", jaxnerf_oracle.make_networks()
  )
  scores = jaxnerf_import.import_jaxnerf(
    file, make_config(scene), folder / "run"
  )
  return file, folder / "run", scores


def test_a_run_renders_what_jaxnerf_renders(scene, imported):
  """JaxNeRF's rays: through corners, of length 1 along the optical axis."""
  file, run, scores = imported
  model = model_lib.StylizedNerf.load(run)
  test = model.scene.split("test")[0]
  shown = model.render(test)
  meta = json.loads((scene / "transforms_test.json").read_text())
  pose = np.array(meta["frames"][0]["transform_matrix"])
  focal = 0.5 * SIZE / np.tan(0.5 * ANGLE)
  x, y = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
  local = np.stack(
    [(x - SIZE / 2) / focal, -(y - SIZE / 2) / focal, -np.ones(x.shape)], -1
  )
  directions = local @ pose[:3, :3].T
  field, params = jaxnerf_checkpoint.load_jaxnerf(
    file, num_coarse=6, num_fine=5
  )
  rays = ray_records.Rays.of(origins=pose[:3, 3], directions=directions)
  theirs = jax.jit(lambda r: render_rays.render_rays(field, params, r))(rays)
  np.testing.assert_allclose(shown.rgb, theirs.rgb, atol=1e-4)
  np.testing.assert_allclose(shown.opacity, theirs.opacity, atol=1e-4)
  seen = np.asarray(theirs.opacity) > 0.51
  assert seen.any()
  np.testing.assert_allclose(
    shown.depth[seen], np.asarray(theirs.depth)[seen], rtol=1e-3
  )
  photo = np.asarray(Image.open(scene / "test" / "r_0.png")) / 255.0
  photo = photo[..., :3] * photo[..., 3:] + 1.0 - photo[..., 3:]
  error = np.mean((np.asarray(theirs.rgb) - photo) ** 2)
  assert scores["test_psnr"] == pytest.approx(-10 * np.log10(error), abs=1e-2)


def _llff_rays(root, view):
  """JaxNeRF's rays of one view of an LLFF capture, in NDC, step by step."""
  table = np.load(root / "poses_bounds.npy")
  matrices = table[:, :15].reshape(-1, 3, 5)
  height, width, focal = matrices[view, :, 4]
  poses = np.stack(
    [
      matrices[:, :, 1],
      -matrices[:, :, 0],
      matrices[:, :, 2],
      matrices[:, :, 3] / (0.75 * table[:, 15:].min()),
    ],
    axis=-1,
  )
  mean = np.eye(4)
  mean[:3, 2] = poses[:, :, 2].sum(0)
  mean[:3, 0] = np.cross(poses[:, :, 1].sum(0), mean[:3, 2])
  mean[:3, 1] = np.cross(mean[:3, 2], mean[:3, 0])
  mean[:3, :3] /= np.linalg.norm(mean[:3, :3], axis=0)
  mean[:3, 3] = poses[:, :, 3].mean(0)
  pose = np.linalg.inv(mean) @ np.vstack([poses[view], [0, 0, 0, 1]])
  x, y = np.meshgrid(np.arange(width), np.arange(height))
  local = np.stack(
    [(x - width / 2) / focal, -(y - height / 2) / focal, -np.ones(x.shape)], -1
  )
  toward = local @ pose[:3, :3].T
  viewdirs = toward / np.linalg.norm(toward, axis=-1, keepdims=True)
  start = pose[:3, 3] - (1 + pose[2, 3]) / toward[..., 2:] * toward
  (ox, oy, oz), (dx, dy, dz) = (np.moveaxis(v, -1, 0) for v in (start, toward))
  across, down = -2 * focal / width, -2 * focal / height
  origins = np.stack([across * ox / oz, down * oy / oz, 1 + 2 / oz], -1)
  directions = np.stack(
    [across * (dx / dz - ox / oz), down * (dy / dz - oy / oz), -2 / oz], -1
  )
  return ray_records.Rays.of(
    origins=origins, directions=directions, viewdirs=viewdirs
  )


def test_forward_facing_captures_are_in_jaxnerfs_ndc(tmp_path):
  root = scene_writers.llff(scene_writers.make(5), tmp_path / "scene")
  file = jaxnerf_oracle.write(
    tmp_path / "checkpoint_7", jaxnerf_oracle.make_networks()
  )
  run = tmp_path / "run"
  jaxnerf_import.import_jaxnerf(file, make_config(root), run)
  model = model_lib.StylizedNerf.load(run)
  assert model.scene.normalization.space.kind == "ndc"
  shown = model.render(model.scene.cameras[3])
  field, params = jaxnerf_checkpoint.load_jaxnerf(
    file,
    near=0.0,
    far=1.0,
    white_background=False,
    num_coarse=6,
    num_fine=5,
  )
  rays = _llff_rays(root, 3)
  theirs = jax.jit(lambda r: render_rays.render_rays(field, params, r))(rays)
  np.testing.assert_allclose(shown.rgb, theirs.rgb, atol=1e-4)
  np.testing.assert_allclose(shown.opacity, theirs.opacity, atol=1e-4)


def test_bounds_of_a_scene_may_be_given(scene):
  config = make_config(scene)
  changed = config_lib.from_flags(
    [f"--config.scene.path={scene}", "--config.scene.far=5.5"]
  )
  before, after = (pipeline.load_scene(c) for c in (config, changed))
  assert (before.near, before.far) == (2.0, 6.0)
  assert (after.near, after.far) == (2.0, 5.5)
  assert before.content_hash != after.content_hash


def test_later_phases_take_it_as_finished(imported):
  run = run_folder.RunFolder(imported[1])
  inputs = radiance_field.make_inputs(run.config(), run.scene())
  run.require(radiance_field.PHASE, inputs)
  assert run.facts(radiance_field.PHASE)["imported"]["step"] == 7


def test_it_is_neither_trained_over_nor_imported_twice(
  scene, imported, tmp_path, capsys
):
  file, run, scores = imported
  again = jaxnerf_import.import_jaxnerf(file, make_config(scene), run)
  assert again == scores
  config = run_folder.RunFolder(run).config()
  for workdir, options in (
    (run, {"from_scratch": True}),
    (tmp_path / "other", {}),
  ):
    with pytest.raises(ValueError, match="which .* does not hold"):
      pipeline.train(config, workdir, phase="radiance_field", **options)
  pipeline.train(config, run, phase="radiance_field")
  assert "finished before" in capsys.readouterr().err


def test_another_checkpoint_replaces_it(scene, imported, tmp_path):
  first, _, _ = imported
  second = jaxnerf_oracle.write(
    tmp_path / "checkpoint_8", jaxnerf_oracle.make_networks(seed=1)
  )
  config, run = make_config(scene), tmp_path / "run"
  for file in (first, second):
    jaxnerf_import.import_jaxnerf(file, config, run)
  found = run_folder.RunFolder(run)
  assert len(found.replaced(radiance_field.PHASE)) == 1
  params = radiance_field.load_params(found.config(), found)
  wanted = jaxnerf_checkpoint.read(second).params
  jax.tree.map(np.testing.assert_array_equal, params, wanted)


def test_pixel_centers_and_factors_move_the_principal_point(scene, tmp_path):
  file = jaxnerf_oracle.write(
    tmp_path / "checkpoint_7", jaxnerf_oracle.make_networks()
  )
  config = make_config(scene)
  for options, shift in (({"pixel_centers": True}, 0.0), ({"factor": 2}, 1.0)):
    name = next(iter(options))
    jaxnerf_import.import_jaxnerf(file, config, tmp_path / name, **options)
    found = run_folder.RunFolder(tmp_path / name).scene().cameras
    np.testing.assert_allclose(found.cx, SIZE / 2 + shift)
  for options, message in (({"factor": 0}, "--factor"), ({"views": 0}, "--vi")):
    with pytest.raises(ValueError, match=message):
      jaxnerf_import.import_jaxnerf(file, config, tmp_path / "x", **options)
