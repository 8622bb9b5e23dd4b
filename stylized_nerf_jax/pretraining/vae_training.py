"""Training of the VAE over style statistics (method, section 5)."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.host import progress
from stylized_nerf_jax.losses import stylization
from stylized_nerf_jax.pretraining import corpus
from stylized_nerf_jax.rows import prng
from stylized_nerf_jax.runs import loop_keeper
from stylized_nerf_jax.stylizer import adain, pretrained, statistics_vae, vgg
from stylized_nerf_jax.training import checkpoints, metric_log, train_steps
from stylized_nerf_jax.training import state as state_lib

_HELD_OUT_SHARE = 10  # one crop in so many is scored and not trained on
_ENCODED_AT_ONCE = 8
_STEPS_PER_CALL = 50
_STEPS_BETWEEN_SCORES = 1000
_STEPS_BETWEEN_SAVES = 5000


def train_vae(
  config: Any,
  encoder: pretrained.Encoder,
  pictures: corpus.TrainingPictures,
  log: metric_log.MetricLog,
  store: checkpoints.Checkpoints,
) -> tuple[dict[str, Any], dict[str, float]]:
  """Train on the statistics of many crops of the training paintings.

  Args:
    config: as `pretraining_defaults.get_config` makes it.
    encoder: E.
    pictures: the paintings.
    log: receives losses.
    store: of checkpoints, from the newest of which it goes on.

  Returns:
    The parameters, and held-out scores: "explained", the share of the
    variance of the statistics that reconstruction from the mean keeps.
  """
  held, rest = _hold_out(encode_crops(config, encoder, pictures))
  settings = config.vae
  key = prng.stream_key(config.seed, "vae")
  module = statistics_vae.StatisticsVae()
  params = module.init(key, held[:1], jnp.zeros((1, statistics_vae.LATENT)))
  params = params["params"]
  optimizer = optax.adam(
    optax.exponential_decay(
      settings.learning_rate,
      settings.steps,
      settings.learning_rate_final / settings.learning_rate,
    )
  )
  keeper = loop_keeper.LoopKeeper(
    "vae", store, config.training, every=_STEPS_BETWEEN_SAVES
  )
  run = train_steps.StepRunner(
    functools.partial(
      _loss,
      module=module,
      kl_weight=settings.kl_weight,
    ),
    optimizer,
    steps_per_dispatch=_STEPS_PER_CALL,
    rows=settings.batch_size,
    on_steps=keeper.guard,
  )
  state = state_lib.create(params, optimizer)
  if store.repair() is not None:
    state = state_lib.restore(store, state)
  step = int(state.step)
  with progress.progress(settings.steps, "vae", initial=step) as bar:
    while step < settings.steps:
      before, length = step, run.next_length(step, settings.steps)
      state, metrics = run(state, rest, key, length=length)
      step += length
      bar.advance(length, loss=metrics["loss"])
      if loop_keeper.passed(before, step, _STEPS_BETWEEN_SCORES):
        metrics |= keeper.figures(step)
        log.write(phase="vae", step=step, **metrics)
        scores = {"explained": explained(module, state.params, held)}
        log.write(phase="vae/held_out", step=step, **scores)
      save = functools.partial(state_lib.save, store, state)
      keeper.after(before, step, save)
  keeper.settle()
  state_lib.save(store, state)
  params = state.params
  scores = {"explained": explained(module, params, held)}
  log.write(phase="vae/held_out", step=settings.steps, **scores)
  return params, scores


def encode_crops(
  config: Any,
  encoder: pretrained.Encoder,
  pictures: corpus.TrainingPictures,
) -> np.ndarray:
  """Compute [crops, 1024] statistics at relu4_1 of random style crops.

  Crops are encoded as they are drawn: what is held is 4 KiB of statistics for
  each, and the pictures that `PictureCrops` keeps, however many there are.
  """
  module = vgg.VggEncoder(encoder.layout)

  @jax.jit
  def encode(params, pixels):
    images = pixels.astype(jnp.float32) / 255.0
    features = module.apply({"params": params}, images)["relu4_1"]
    return adain.as_vector(*adain.style_statistics(features))

  def make(step: int) -> np.ndarray:
    generator = np.random.default_rng([config.seed, step])
    return np.stack(
      [
        pictures.style_crop(generator, config.vae.crop)
        for _ in range(_ENCODED_AT_ONCE)
      ]
    )

  calls = max(config.vae.crops // _ENCODED_AT_ONCE, 2)
  statistics = None
  with progress.progress(calls, "style statistics") as bar:
    for call, batch in enumerate(corpus.prefetch(make, 0, calls)):
      rows = np.asarray(encode(encoder.params, batch))
      if statistics is None:
        shape = (calls * _ENCODED_AT_ONCE, rows.shape[-1])
        statistics = np.empty(shape, rows.dtype)
      first = call * _ENCODED_AT_ONCE
      statistics[first : first + _ENCODED_AT_ONCE] = rows
      bar.advance()
  return statistics


def _hold_out(statistics: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Divides statistics [N, 1024] into those that are scored and the rest."""
  held = statistics[::_HELD_OUT_SHARE].copy()  # A view would keep all alive.
  return held, np.delete(statistics, np.s_[::_HELD_OUT_SHARE], axis=0)


def explained(
  module: statistics_vae.StatisticsVae,
  params: Mapping[str, Any],
  statistics: np.ndarray,
) -> float:
  """Compute the share of variance that reconstruction from the mean keeps."""
  mean, _ = module.apply({"params": params}, statistics, method="encode")
  decoded = module.apply({"params": params}, mean, method="decode")
  error = np.square(np.asarray(decoded) - statistics).sum()
  total = np.square(statistics - statistics.mean(0)).sum()
  return float(1.0 - error / total)


def _loss(params, statistics, batch, key, *, module, kl_weight):
  """Loss of statistics [N, 1024]: each row [R] of a batch draws one of them."""
  rows_key, noise_key = jax.random.split(key)
  drawn = jax.random.randint(rows_key, batch.shape, 0, len(statistics))
  rows = statistics[drawn]
  noise = jax.random.normal(noise_key, (*batch.shape, statistics_vae.LATENT))
  output, mean, log_variance = module.apply({"params": params}, rows, noise)
  loss = stylization.vae_loss(
    output, rows, mean, log_variance, kl_weight=kl_weight
  )
  return loss, {"loss": loss}
