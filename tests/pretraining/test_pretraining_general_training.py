"""General training of decoder and VAE, shrunk: runs, resumes, repeats."""

import json
import os
import signal
import time

import jax
import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax import pretraining_defaults
from stylized_nerf_jax.cli import main as cli
from stylized_nerf_jax.host import interruption
from stylized_nerf_jax.pretraining import (
  corpus,
  decoder_stages,
  general_training,
)
from stylized_nerf_jax.runs import loop_keeper
from stylized_nerf_jax.scenes.pictures import picture_crops
from stylized_nerf_jax.stylizer import decoder, pretrained, weights_file


@pytest.fixture
def folders(tmp_path):
  generator = np.random.default_rng(0)
  for folder, count in (("photos", 3), ("paintings", 3)):
    (tmp_path / folder).mkdir()
    for index in range(count):
      pixels = generator.integers(0, 255, (40, 48, 3), dtype=np.uint8)
      Image.fromarray(pixels).save(tmp_path / folder / f"{index}.png")
  return tmp_path


@pytest.fixture
def config(folders):
  config = pretraining_defaults.get_config()
  config.content.path = str(folders / "photos")
  config.content.holdout = str(folders / "photos")
  config.styles.path = str(folders / "paintings")
  config.styles.holdout = ("2",)
  config.evaluation_size = 16
  config.evaluation_style_size = 16
  config.evaluate_every = config.checkpoint_every = 1
  config.stages = ("reconstruction",)
  for name in config.stage:
    config.stage[name].update(steps=2, crop=16, batch_size=4, warmup=1)
  config.stage.reconstruction.colour_batches = 0
  config.stage.strokes.update(colour_batches=2, identity_weight=1.0)
  config.vae.update(crops=16, crop=16, steps=50, batch_size=4)
  return config


def test_held_out_paintings_are_in_no_batch(config, tmp_path):
  training, held_out = corpus.open_pictures(config, tmp_path)
  assert [path.stem for path in training.paintings.files] == ["0", "1"]
  assert set(held_out.painting_names) == {"2.png"}


def test_batch_is_a_function_of_seed_and_step(config, tmp_path):
  training, _ = corpus.open_pictures(config, tmp_path)
  batches = [
    general_training._batch(config, "reconstruction", training, step)
    for step in (4, 5, 4)
  ]
  assert batches[0]["photos"].shape == (4, 16, 16, 3)
  for name in ("photos", "paintings"):
    np.testing.assert_array_equal(batches[0][name], batches[2][name])
    assert (batches[0][name] != batches[1][name]).any()


def test_missing_folder_ends_in_one_line(tmp_path, capsys):
  arguments = ["train-stylizer", "--workdir", str(tmp_path / "run")]
  assert cli.main(arguments) == 2
  message = capsys.readouterr().err
  assert "content.path" in message and message.count("\n") == 1


@pytest.mark.slow
def test_resumed_run_equals_uninterrupted(config, tmp_path):
  config.vae.steps = 0
  # The decay follows the number of steps, so it must be flat here.
  stage = config.stage.reconstruction
  stage.learning_rate = stage.learning_rate_final = 3e-4
  parts = config.copy_and_resolve_references()
  parts.stage.reconstruction.steps = 1
  general_training.train_and_evaluate(config, tmp_path / "whole")
  general_training.train_and_evaluate(parts, tmp_path / "parts")
  parts.stage.reconstruction.steps = 2
  general_training.train_and_evaluate(parts, tmp_path / "parts")
  whole, _ = weights_file.load_weights(tmp_path / "whole" / "decoder.npz")
  resumed, _ = weights_file.load_weights(tmp_path / "parts" / "decoder.npz")
  jax.tree.map(np.testing.assert_array_equal, whole, resumed)


@pytest.mark.slow
def test_all_stages_and_vae_leave_weights(config, tmp_path):
  config.stages = ("reconstruction", "strokes")
  workdir = tmp_path / "run"
  general_training.train_and_evaluate(config, workdir)
  encoder = pretrained.load_encoder()
  pretrained.load_decoder(workdir / "decoder.npz", encoder=encoder)
  pretrained.load_vae(workdir / "statistics_vae.npz", encoder=encoder)
  rows = [
    json.loads(line)
    for line in (workdir / "metrics.jsonl").read_text().splitlines()
  ]
  phases = {row["phase"] for row in rows}
  assert {"strokes", "strokes/held_out", "vae/held_out"} <= phases
  assert all(np.isfinite(v) for r in rows for v in list(r.values())[2:])
  assert (workdir / "samples" / "000004.png").is_file()


def test_running_mean_forgets_the_start():
  mean = decoder_stages.keep_running_mean(0.99)
  params = np.float32(10.0)
  state = mean.init(params)
  for _ in range(40):
    params = np.float32(1.0)
    _, state = mean.update(np.float32(0.0), state, params)
  assert abs(float(state["mean"]) - 1.0) < 0.1


def test_kernels_take_orthogonal_steps_and_colours_are_held():
  stage = pretraining_defaults.get_config().stage.strokes
  optimizer = decoder_stages.make_optimizer(stage)
  shapes = jax.eval_shape(
    decoder.Decoder().init, jax.random.key(0), np.zeros((1, 2, 2, 512))
  )["params"]
  random = np.random.default_rng(0)
  params = jax.tree.map(lambda leaf: np.zeros(leaf.shape, "f"), shapes)
  gradients = jax.tree.map(
    lambda leaf: random.normal(size=leaf.shape).astype("f"), shapes
  )
  update = jax.jit(optimizer.update)
  state = optimizer.init(params)
  _, state = update(gradients, state, params)  # warm-up starts at zero
  updates, _ = update(gradients, state, params)
  rate = stage.muon_learning_rate / stage.warmup
  for name, width, _ in decoder.LAYERS[:-1]:
    kernel = updates[name]["kernel"].reshape(-1, width)
    values = np.linalg.svd(kernel[:, :-3], compute_uv=False) / rate
    assert values.min() > 0.5 and values.max() < 1.5, name
    assert not kernel[:, -3:].any()
    assert not updates[name]["bias"][-3:].any()
    assert updates[name]["bias"][:-3].all()
  last = updates["conv1_1"]["kernel"]
  assert not last[:, :, -3:].any() and last[:, :, :-3].all()


def test_crops_cover_scales_and_stay_inside():
  picture = np.zeros((64, 100, 3), np.uint8)
  picture[..., 0] = np.arange(100) * 2
  crops = picture_crops.PictureCrops([], [picture])
  generator = np.random.default_rng(0)
  spans = []
  for _ in range(40):
    crop = crops.draw(generator, 16)
    assert crop.shape == (16, 16, 3)
    spans.append(int(crop[..., 0].max()) - int(crop[..., 0].min()))
  # One pixel is two grey values: 16 pixels at least, 64 at most.
  assert 25 <= min(spans) < 50 and 90 < max(spans) <= 135


def test_colour_shift_keeps_grey_order():
  ramp = np.repeat(np.arange(0, 256, 5, dtype=np.uint8)[:, None, None], 3, -1)
  for seed in range(5):
    generator = np.random.default_rng(seed)
    shifted = picture_crops.shift_colours(generator, ramp).astype(int)
    assert (np.diff(shifted[:, 0, 0]) >= 0).all()
    assert np.abs(shifted - shifted[..., :1]).max() <= 1


@pytest.mark.slow
def test_signals_lose_nothing(config, tmp_path, monkeypatch):
  config.vae.steps = 100
  config.checkpoint_every = 1000
  general_training.train_and_evaluate(config, tmp_path / "whole")
  after = loop_keeper.LoopKeeper.after

  def send_first(self, before, step, save):
    os.kill(os.getpid(), signal.SIGTERM)
    while not interruption.asked():
      time.sleep(0.01)
    after(self, before, step, save)

  monkeypatch.setattr(loop_keeper.LoopKeeper, "after", send_first)
  places = ("step 1 of recon", "step 2 of recon", "step 50 of vae")
  for where in (*places, "step 100 of vae"):
    with pytest.raises(interruption.Interrupted, match=where):
      general_training.train_and_evaluate(config, tmp_path / "parts")
  general_training.train_and_evaluate(config, tmp_path / "parts")
  for name in ("decoder.npz", "statistics_vae.npz"):
    whole, _ = weights_file.load_weights(tmp_path / "whole" / name)
    parts, _ = weights_file.load_weights(tmp_path / "parts" / name)
    jax.tree.map(np.testing.assert_array_equal, whole, parts)
