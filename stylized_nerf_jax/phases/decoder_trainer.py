"""Decoder steps of mutual learning: D follows what the style field renders."""

import functools

import numpy as np
import optax

from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.phases import (
  adaptation,
  decoder_objective,
  mutual_state,
  mutual_steps,
)
from stylized_nerf_jax.rows import prng
from stylized_nerf_jax.runs import loop_keeper
from stylized_nerf_jax.stylizer import colour_path, decoder_optimizer
from stylized_nerf_jax.training import guard, train_steps
from stylized_nerf_jax.training import state as state_lib
from stylized_nerf_jax.views import rendered_views, view_crops, view_features


def make_optimizer(
  options, nets: stylizer_nets.Nets
) -> optax.GradientTransformation:
  """Muon or Adam at a constant rate; see `decoder_optimizer`.

  Args:
    options: `config.mutual_learning`.
    nets: the 2D networks, of which the decoder learns.
  """
  return decoder_optimizer.make(
    options.decoder_learning_rate,
    muon_learning_rate=options.decoder_muon_learning_rate or None,
    clip=options.decoder_clip,
    hold_colours=colour_path.is_present(nets.decoder),
  )


class DecoderTrainer:
  """Takes decoder steps.

  Args:
    config: of the run.
    steps: renders the style field's colours.
    optimizer: of the decoder.
    nets: the 2D networks.
    facts: what they see of the styles.
    views: the rendered training views.
    features: of them.
    keeper: of the loop.
  """

  def __init__(
    self,
    config,
    steps: mutual_steps.MutualSteps,
    optimizer: optax.GradientTransformation,
    nets: stylizer_nets.Nets,
    facts: stylizer_nets.StyleFacts,
    views: rendered_views.Views,
    features: view_features.ViewFeatures,
    keeper: loop_keeper.LoopKeeper,
  ):
    options = self._options = config.mutual_learning
    self._seed, self._steps = config.seed, steps
    self._num_styles = len(facts.names)
    self._sampler = view_crops.CropSampler(
      views,
      features,
      crop=options.decoder_crop,
      neighbours=config.stylizer.neighbours,
    )
    weights = decoder_objective.Weights(
      content=options.content_weight,
      style=options.style_weight,
      consistency=options.consistency_weight,
      mimic=options.mimic_decoder_weight,
    )
    self._watch = guard.Guard(
      f"{mutual_state.PHASE}, decoder", limit=config.training.skipped_in_a_row
    )
    self._take = train_steps.make_train_steps(
      functools.partial(
        decoder_objective.decoder_loss,
        layout=nets.encoder.layout,
        weights=weights,
      ),
      optimizer,
      num_steps=1,
      rows_at_once=1,
      on_steps=self._watch,
      on_plan=keeper.planner("a step of the decoder"),
    )
    self._constants = adaptation.make_constants(
      nets, facts, views, tolerance=config.stylizer.occlusion_tolerance
    )
    self._key = prng.stream_key(config.seed, f"{mutual_state.PHASE}/decoder")

  def take(
    self, state: state_lib.TrainState, field_params
  ) -> tuple[state_lib.TrainState, dict]:
    """Takes one step.

    Args:
      state: of the decoder; consumed.
      field_params: style field and codes, {"style_field", "latents"}.

    Returns:
      (the state after it, its metrics).
    """
    random = np.random.default_rng([self._seed, 4, int(state.step)])
    batch = adaptation.make_batch(
      [
        self._draw_group(random, field_params)
        for _ in range(self._options.decoder_groups)
      ]
    )
    state, metrics = self._take(state, self._constants, self._key, batch)
    metrics["skipped"] = self._watch.take()
    return state, metrics

  def _draw_group(self, random: np.random.Generator, field_params):
    """Draws crops in a style, and renders pixels of the first one."""
    options, size = self._options, self._sampler.size
    crops = self._sampler.draw(random, 2 if options.consistency_weight else 1)
    style = int(random.integers(self._num_styles))
    rim = decoder_objective.margin(size)
    pixels = random.integers(rim, size - rim, size=(options.decoder_rays, 2))
    rendered = self._steps.render_pixels(
      field_params,
      style,
      int(crops.view[0]),
      (crops.corner[0] + pixels[:, ::-1] + 0.5).astype(np.float32),
    )
    return adaptation.make_group(
      crops, style, pixels=pixels.astype(np.int32), rendered=rendered
    )
