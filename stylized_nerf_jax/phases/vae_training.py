"""Training of the VAE over style statistics (method, section 5)."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.losses import stylization
from stylized_nerf_jax.phases import stylizer_data
from stylized_nerf_jax.stylizer import adain, pretrained, statistics_vae, vgg
from stylized_nerf_jax.training import metric_log, prng, progress

_HELD_OUT_SHARE = 10  # one crop in so many is scored and not trained on
_ENCODED_AT_ONCE = 8
_STEPS_PER_CALL = 50


def train_vae(
  config: Any,
  encoder: pretrained.Encoder,
  pictures: stylizer_data.TrainingPictures,
  log: metric_log.MetricLog,
) -> tuple[dict[str, Any], dict[str, float]]:
  """Train on the statistics of many crops of the training paintings.

  Args:
    config: as `stylizer_defaults.get_config` makes it.
    encoder: E.
    pictures: the paintings.
    log: receives losses.

  Returns:
    The parameters, and held-out scores: "explained", the share of the
    variance of the statistics that reconstruction from the mean keeps.
  """
  statistics = encode_crops(config, encoder, pictures)
  held = statistics[::_HELD_OUT_SHARE]
  rest = np.delete(statistics, np.s_[::_HELD_OUT_SHARE], axis=0)
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
  run = _make_steps(module, optimizer, settings)
  opt_state = optimizer.init(params)
  scores = {}
  with progress.progress(settings.steps, "vae") as bar:
    for start in range(0, settings.steps, _STEPS_PER_CALL):
      params, opt_state, loss = run(params, opt_state, rest, key, start)
      bar.advance(_STEPS_PER_CALL, loss=loss)
      if start % (20 * _STEPS_PER_CALL) == 0:
        log.write(phase="vae", step=start, loss=loss)
        scores = {"explained": explained(module, params, held)}
        log.write(phase="vae/held_out", step=start, **scores)
  scores = {"explained": explained(module, params, held)}
  log.write(phase="vae/held_out", step=settings.steps, **scores)
  return params, scores


def encode_crops(
  config: Any,
  encoder: pretrained.Encoder,
  pictures: stylizer_data.TrainingPictures,
) -> np.ndarray:
  """Compute [crops, 1024] statistics at relu4_1 of random style crops."""
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
  rows = []
  with progress.progress(calls, "style statistics") as bar:
    for batch in stylizer_data.prefetch(make, 0, calls):
      rows.append(np.asarray(encode(encoder.params, batch)))
      bar.advance()
  return np.concatenate(rows)


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


def _make_steps(module, optimizer, settings):
  """Compile `_STEPS_PER_CALL` steps; randomness follows from the step."""

  def loss_fn(params, statistics, key):
    noise = jax.random.normal(key, (len(statistics), statistics_vae.LATENT))
    output, mean, log_variance = module.apply(
      {"params": params}, statistics, noise
    )
    return stylization.vae_loss(
      output, statistics, mean, log_variance, kl_weight=settings.kl_weight
    )

  @jax.jit
  def run(params, opt_state, statistics, key, start):
    def one(carry, step):
      params, opt_state = carry
      step_key = jax.random.fold_in(key, step)
      rows = jax.random.randint(
        step_key, (settings.batch_size,), 0, len(statistics)
      )
      loss, grads = jax.value_and_grad(loss_fn)(
        params, statistics[rows], jax.random.fold_in(step_key, 1)
      )
      updates, opt_state = optimizer.update(grads, opt_state, params)
      return (optax.apply_updates(params, updates), opt_state), loss

    steps = start + jnp.arange(_STEPS_PER_CALL)
    carry, losses = jax.lax.scan(one, (params, opt_state), steps)
    return *carry, losses.mean()

  return run
