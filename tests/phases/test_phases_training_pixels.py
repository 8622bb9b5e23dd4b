"""Phase 1 with its pixels on disk, against the same in memory."""

import json
import types

import jax
import numpy as np
import pytest
import tiny_run
from PIL import Image
from test_phases_pipeline import Killed, _assert_equal, _final

from stylized_nerf_jax import user_error
from stylized_nerf_jax.phases import pipeline, training_pixels
from stylized_nerf_jax.pixels import pixel_bank
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.training import metric_log

PHASE = "radiance_field"
_ITEMS = ("params", "optimizer")
_STEPS = 5


def _config(weights, **changes):
  fields = {
    "radiance_field__steps": _STEPS,
    "radiance_field__steps_per_dispatch": 2,
    "radiance_field__evaluate_every": 1,
    "radiance_field__checkpoint_every": 2,
  }
  return tiny_run.make_config(weights, **{**fields, **changes})


def _on_disk(weights, **changes):
  return _config(weights, training__pixels_in_memory_mib=0, **changes)


def _rows(run):
  rows = run_folder.RunFolder(run).metrics.read()
  return [row for row in rows if "loss" in row]


@pytest.fixture(autouse=True, scope="module")
def _scene_made_once():
  with pytest.MonkeyPatch.context() as patch:
    tiny_run.small_networks(patch)
    yield


@pytest.fixture(scope="module")
def in_memory(tmp_path_factory, small_weights):
  """A run whose pixels were in memory; not to be written to."""
  run = tmp_path_factory.mktemp("pixels") / "memory"
  pipeline.train(_config(small_weights), run, phase=PHASE)
  return run


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory, small_weights):
  """The same with its pixels on disk; not to be written to."""
  run = tmp_path_factory.mktemp("pixels") / "disk"
  pipeline.train(_on_disk(small_weights), run, phase=PHASE)
  return run


def test_both_places_give_the_same_training(in_memory, on_disk):
  assert (on_disk / "pixels" / "colors.bin").exists()
  assert not (in_memory / "pixels").exists()
  rows, others = _rows(in_memory), _rows(on_disk)
  assert [row["step"] for row in rows] == [2, 4, 5]
  for row, other in zip(rows, others, strict=True):
    assert "input_wait" not in row and 0 <= other["input_wait"] <= 1
    for name in ("step", "loss", "mse", "test_psnr"):
      assert other[name] == pytest.approx(row[name], rel=1e-4)


def test_the_place_is_no_input_of_the_phase(on_disk, small_weights, capsys):
  manifest = on_disk / "manifest.json"
  before = json.loads(manifest.read_text())
  pipeline.train(_config(small_weights), on_disk, phase=PHASE)
  assert "finished before" in capsys.readouterr().err
  assert json.loads(manifest.read_text()) == before


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bits(
  on_disk, small_weights, tmp_path, monkeypatch, capsys
):
  write = metric_log.MetricLog.write

  def killed_at_4(self, *, phase, step, **values):
    if step == 4:
      raise Killed
    write(self, phase=phase, step=step, **values)

  with monkeypatch.context() as patch, pytest.raises(Killed):
    patch.setattr(metric_log.MetricLog, "write", killed_at_4)
    pipeline.train(_on_disk(small_weights), tmp_path, phase=PHASE)
  assert _final(tmp_path, PHASE)[0] == 4
  assert "writing" in capsys.readouterr().err
  pipeline.train(_on_disk(small_weights), tmp_path, phase=PHASE)
  told = capsys.readouterr().err
  assert "resuming at step 4" in told and "writing" not in told
  for name in _ITEMS:
    _assert_equal(
      _final(tmp_path, PHASE, name)[1], _final(on_disk, PHASE, name)[1]
    )


def _write_masked_scene(folder):
  """Writes eight views, whose left half no pixel may be drawn from."""
  scene = tiny_run.write_transforms(folder)
  mask = np.zeros((12, 16), np.uint8)
  mask[:, 8:] = 255
  Image.fromarray(mask).save(scene / "mask.png")
  content = json.loads((scene / "transforms.json").read_text())
  for frame in content["frames"]:
    frame["mask_path"] = "mask.png"
  (scene / "transforms.json").write_text(json.dumps(content))
  return scene


def _load(config, folder):
  """Reads a run's photographs, as its first phase does; returns the store."""
  scene = pipeline.load_scene(config)
  run = run_folder.RunFolder(folder)
  with run.lock():
    run.claim_scene(scene_record.make_scene_record(scene))
    found = training_pixels.load(
      config, run, scene, jax.random.key(0), lambda key: key
    )
  assert not found.drawn_in_step
  return found._store


def test_a_changed_photograph_is_noticed(small_weights, tmp_path, capsys):
  scene = _write_masked_scene(tmp_path / "scene")
  config = _on_disk(
    small_weights, scene__path=str(scene), scene__downsample=1.0
  )
  run = tmp_path / "run"
  drawn = _load(config, run).draw([0, 1], 64)
  assert drawn.xy.shape == (2, 64, 2) and (drawn.xy[..., 0] > 8).all()
  assert (
    f"writing 0 MiB into {run / 'pixels'}, once\n" in capsys.readouterr().err
  )
  record = json.loads((run / "pixels" / "pixels.json").read_text())
  assert (record["pixels"], record["usable"]) == (7 * 192, 7 * 96)
  before = np.fromfile(run / "pixels" / "colors.bin", np.uint8)
  # The first image is held out.
  path = scene / "images" / "3.png"
  pixels = np.array(Image.open(path))
  pixels[5, 7] ^= 255
  Image.fromarray(pixels).save(path)
  _load(config, run)
  assert "made from others" in capsys.readouterr().err
  after = np.fromfile(run / "pixels" / "colors.bin", np.uint8)
  changed = np.flatnonzero((before != after).reshape(-1, 3).any(axis=1))
  assert changed.tolist() == [2 * 16 * 12 + 5 * 16 + 7]


@pytest.mark.parametrize(
  ("masks", "words"),
  [
    (None, "no ray of a training image meets the box"),
    ([], "the masks of all"),
  ],
)
def test_masks_are_blamed_where_there_are_masks(monkeypatch, masks, words):
  def found_nothing(*_):
    raise pixel_bank.nothing_usable()

  monkeypatch.setattr(training_pixels, "_load", found_nothing)
  scene = types.SimpleNamespace(name="far", masks=masks)
  with pytest.raises(user_error.UserError, match=words):
    training_pixels.load(None, None, scene, None, None)
