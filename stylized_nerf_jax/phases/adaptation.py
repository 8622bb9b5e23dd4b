"""Phase 2: the general decoder adapted to one scene (method: section 6).

Neighbouring views, rendered by the field, are stylized in one style; their
disagreement through the scene's geometry is trained away while content and
style are held.
"""

import contextlib
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.host import processes, progress
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.phases import decoder_objective, radiance_field
from stylized_nerf_jax.phases import previews as previews_lib
from stylized_nerf_jax.rendering import warping
from stylized_nerf_jax.rows import prng
from stylized_nerf_jax.runs import loop_keeper, run_folder
from stylized_nerf_jax.stylizer import colour_path, decoder_optimizer
from stylized_nerf_jax.training import state as state_lib
from stylized_nerf_jax.training import train_steps
from stylized_nerf_jax.views import rendered_views, view_crops, view_features

PHASE = "stylizer"


def train(
  config,
  run: run_folder.RunFolder,
  nets: stylizer_nets.Nets,
  facts: stylizer_nets.StyleFacts,
  *,
  pace: progress.Pace = progress.EVEN,
  previews: previews_lib.Previews | None = None,
) -> None:
  """Adapts the decoder of a run, from where it stopped.

  Args:
    config: the run's config.
    run: its folder, in which phase 1 is finished.
    nets: the 2D networks.
    facts: what they see of the styles.
    pace: of its steps beside those of the other phases.
    previews: of the run in training.
  """
  inputs = make_inputs(config, run, nets, dict(zip(facts.names, facts.hashes)))
  state_of_work = run.begin(PHASE, inputs)
  if state_of_work == "done":
    progress.say(f"{PHASE}: finished before, nothing to do")
    return
  optimizer = make_optimizer(config.stylizer, nets)
  state = state_lib.create(
    jax.tree.map(jnp.asarray, dict(nets.decoder)), optimizer
  )
  checkpoints = run.checkpoints(PHASE, config.training)
  resume = state_of_work == "resume"
  if resume and processes.by_first(checkpoints.repair) is not None:
    state = state_lib.restore(checkpoints, state)
    progress.say(f"{PHASE}: resuming at step {int(state.step)}")
  with contextlib.closing(checkpoints):
    if config.stylizer.steps:
      state = _train(
        *(config, run, nets, facts, checkpoints, optimizer, pace),
        previews,
        state,
      )
    state_lib.save(checkpoints, state)
  run.finish(PHASE)
  progress.say(f"{PHASE}: done")


def make_optimizer(options, nets: stylizer_nets.Nets):
  """Muon or Adam, decaying over the phase; see `decoder_optimizer`.

  Args:
    options: `config.stylizer`.
    nets: the 2D networks, of which the decoder learns.
  """
  ratio = options.learning_rate_final / options.learning_rate

  def schedule(peak):
    return optax.exponential_decay(peak, max(options.steps, 1), ratio)

  muon = options.muon_learning_rate
  return decoder_optimizer.make(
    schedule(options.learning_rate),
    muon_learning_rate=schedule(muon) if muon else None,
    clip=options.clip,
    hold_colours=colour_path.is_present(nets.decoder),
  )


def make_constants(
  nets: stylizer_nets.Nets,
  facts: stylizer_nets.StyleFacts,
  rendered: rendered_views.Views,
  *,
  tolerance: float,
) -> decoder_objective.Constants:
  """Gathers what the decoder's losses hold constant.

  Args:
    nets, facts: of the run.
    rendered: the training views.
    tolerance: of occlusion, as a share of the scene's scale.
  """
  scale = warping.scene_scale(rendered.depths)
  return decoder_objective.Constants(
    encoder=nets.encoder.params,
    statistics=facts.statistics,
    tolerance=jnp.float32(tolerance * scale),
  )


def load_decoder(run: run_folder.RunFolder, nets: stylizer_nets.Nets):
  """Loads the decoder that phase 2 made."""
  run.phase_fingerprint(PHASE)
  return state_lib.restore_params(run.checkpoints(PHASE), dict(nets.decoder))


def _train(
  config, run, nets, facts, checkpoints, optimizer, pace, previews, state
):
  options = config.stylizer
  field_params = radiance_field.load_params(config, run)
  rendered = rendered_views.load_or_render(config, run, field_params)
  constants = make_constants(
    nets, facts, rendered, tolerance=options.occlusion_tolerance
  )
  sampler = view_crops.CropSampler(
    rendered,
    view_features.load_or_encode(
      run.phase_path(radiance_field.PHASE), rendered, nets
    ),
    crop=options.crop,
    neighbours=options.neighbours,
  )
  loss = functools.partial(
    decoder_objective.decoder_loss,
    layout=nets.encoder.layout,
    weights=decoder_objective.Weights(
      content=options.content_weight,
      style=options.style_weight,
      consistency=options.consistency_weight,
    ),
  )
  keeper = loop_keeper.LoopKeeper(
    PHASE, checkpoints, config.training, every=options.checkpoint_every
  )
  steps = train_steps.make_train_steps(
    loss,
    optimizer,
    num_steps=1,
    rows_at_once=1,
    on_steps=keeper.guard,
    on_plan=keeper.planner("a step"),
  )
  key = prng.stream_key(config.seed, PHASE)
  first = int(state.step)
  bar = progress.progress(options.steps, PHASE, initial=first, pace=pace)
  with bar as bar:
    for step in range(first, options.steps):
      random = np.random.default_rng([config.seed, 2, step])
      batch = make_batch(
        [
          make_group(
            sampler.draw(random, options.views_per_step),
            int(random.integers(len(facts.names))),
          )
          for _ in range(options.groups_per_step)
        ]
      )
      state, metrics = steps(state, constants, key, batch)
      bar.advance(1, **metrics)
      if (step + 1) % 20 == 0:
        metrics |= keeper.figures(step + 1)
        run.metrics.write(phase=PHASE, step=step + 1, **metrics)
      save = functools.partial(state_lib.save, checkpoints, state)
      keeper.after(step, step + 1, save)
      if previews is not None and previews.due(PHASE):
        keeper.settle()
        previews.of_decoder(step + 1, state.params, field_params)
  keeper.settle()
  return state


def make_group(crops: view_crops.Crops, style: int, **more):
  """Wraps crops as one group of a batch, without its dimension of groups."""
  return decoder_objective.Batch(
    style=np.int32(style),
    features=crops.features,
    depth=crops.depth,
    cameras=crops.cameras,
    **more,
  )


def make_batch(groups: Sequence[decoder_objective.Batch]):
  """Stacks groups as the batch of one step, [1, G, ...]."""
  return jax.tree.map(lambda *values: np.stack(values)[None], *groups)


def make_inputs(config, run, nets, styles: dict[str, str]) -> dict:
  """Returns what the result of this phase depends on.

  Args:
    config: of the run.
    run: its folder, in which phase 1 is finished.
    nets: the 2D networks.
    styles: content hash of each style, by name.
  """
  options = config.stylizer.to_dict()
  del options["checkpoint_every"]
  return {
    "radiance_field": run.phase_fingerprint(radiance_field.PHASE),
    "styles": styles,
    "weights": nets.hashes,
    "stylizer": options,
    "seed": config.seed,
    **rendered_views.inputs(config, run),
  }
