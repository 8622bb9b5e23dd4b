"""The finish, the end of phase 3: strokes on what mutual learning has painted.

It has a folder and an entry of its own in the run: it can be left out, done
again with other dials while phase 3 stays, and a run from before there was one
can be given it. The style field and the space of codes stay the same, so mixes,
intensity and later styles work as without it.
"""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.host import processes, progress
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.phases import (
  field_trainer,
  finish_stages,
  finish_steps,
  mutual_state,
  radiance_field,
)
from stylized_nerf_jax.runs import loop_keeper, run_folder
from stylized_nerf_jax.scenes.pictures import style_set
from stylized_nerf_jax.stylizer import palette, pretrained
from stylized_nerf_jax.training import checkpoints as checkpoints_lib
from stylized_nerf_jax.training import state as state_lib
from stylized_nerf_jax.views import (
  painting_places,
  recolored_views,
  rendered_views,
)

PHASE = finish_stages.PHASE
# Rays that tell which colours a style has come to.
_MEASURED = 16384


def is_wanted(config) -> bool:
  """Tells whether a config asks for a finish."""
  return bool(config.mutual_learning.finish.steps)


def make_inputs(config, run: run_folder.RunFolder) -> dict:
  """Returns what the result depends on.

  Args:
    config: of the run.
    run: its folder, in which phase 3 is finished.
  """
  options = config.mutual_learning.finish.to_dict()
  del options["checkpoint_every"]
  return {
    "mutual_learning": run.phase_fingerprint(mutual_state.PHASE),
    "finish": options,
    "strokes": pretrained.load_stroke_encoder(config.weights.encoder).sha256,
    "seed": config.seed,
  }


def train(
  config,
  run: run_folder.RunFolder,
  styles: style_set.StyleSet,
  facts: stylizer_nets.StyleFacts,
  *,
  pace: progress.Pace = progress.EVEN,
) -> None:
  """Paints strokes into the style field of a run, from where it stopped.

  Args:
    config: the run's config.
    run: its folder, in which phase 3 is finished.
    styles: the paintings.
    facts: what the 2D networks see of them.
    pace: of its steps.
  """
  encoder = pretrained.load_stroke_encoder(config.weights.encoder)
  state_of_work = run.begin(PHASE, make_inputs(config, run))
  if state_of_work == "done":
    progress.say(f"{PHASE}: finished before, nothing to do")
    return
  work = _Finish(config, run, styles, facts, encoder, pace)
  checkpoints = run.checkpoints(PHASE, config.training)
  resume = state_of_work == "resume"
  if resume and processes.by_first(checkpoints.repair) is not None:
    work.restore(checkpoints)
  with contextlib.closing(checkpoints):
    work.paint(checkpoints)
    work.save(checkpoints)
    maps = work.final_maps()
  run.finish(PHASE, palettes=maps)
  progress.say(f"{PHASE}: done")


class _Finish:
  """State and loop."""

  def __init__(self, config, run, styles, facts, encoder, pace):
    self._config, self._run, self._pace = config, run, pace
    self._styles, self._facts = styles, facts
    options = config.mutual_learning.finish
    record = run.scene()
    field_params = radiance_field.load_params(config, run)
    views = rendered_views.load_or_render(config, run, field_params)
    maps = recolored_views.fit_maps(views, styles)
    self._views = recolored_views.RecoloredViews(views, maps)
    learned = mutual_state.restore_styles(config, run)["params"]
    self._latents = learned["latents"]
    self._steps = finish_steps.FinishSteps(
      config,
      record,
      facts,
      self._latents,
      field_params,
      encoder,
      packed=views.geometry is not None,
    )
    self._paintings = painting_places.load_or_encode(
      run.phase_path(PHASE) / "paintings",
      styles,
      encoder,
      stroke_scale=options.stroke_scale,
      scales=options.scales,
      places=options.places,
    )
    self._optimizer = finish_steps.make_optimizer(
      options,
      refit_steps=options.refit_steps * len(styles),
      steps=options.steps * len(styles),
    )
    params = jax.tree.map(jnp.asarray, learned["style_field"])
    self._state = state_lib.create(params, self._optimizer)
    self._prices = np.zeros(
      (len(styles), options.scales, options.places), np.float32
    )

  def restore(self, checkpoints: checkpoints_lib.Checkpoints) -> None:
    """Goes on from the newest checkpoint."""
    items, _ = checkpoints.restore(self._items())
    items = jax.tree.map(jnp.asarray, items)
    self._state = state_lib.TrainState(
      params=items["params"]["style_field"], **items["optimizer"]
    )
    self._prices = np.asarray(items["prices"])
    progress.say(f"{PHASE}: resuming at step {int(self._state.step)}")

  def save(self, checkpoints: checkpoints_lib.Checkpoints) -> None:
    """Saves what a resumed run and a finished model need."""
    items = {
      **self._items(),
      mutual_state.CODES: {
        "mean": self._facts.latent_mean,
        "variance": self._facts.latent_variance,
      },
    }
    checkpoints.save(int(self._state.step), items, {"phase": PHASE})

  def _items(self) -> dict:
    state = self._state
    return {
      "params": {"style_field": state.params, "latents": self._latents},
      "optimizer": {"step": state.step, "opt_state": state.opt_state},
      "prices": self._prices,
    }

  def paint(self, checkpoints: checkpoints_lib.Checkpoints) -> None:
    """Takes all steps that are left."""
    config = self._config
    keeper = loop_keeper.LoopKeeper(
      PHASE,
      checkpoints,
      config.training,
      every=config.mutual_learning.finish.checkpoint_every,
    )
    common = config, self._steps, self._optimizer, self._views, keeper
    windows = finish_stages.WindowStage(
      *common, paintings=self._paintings, prices=self._prices
    )
    trainer = field_trainer.FieldTrainer(
      [finish_stages.RefitStage(*common), windows],
      keeper,
      lambda step: windows.end,
    )
    step = int(self._state.step)

    def save():
      self._prices = np.stack([np.asarray(p) for p in windows.prices])
      self.save(checkpoints)

    bar = progress.progress(trainer.total, PHASE, initial=step, pace=self._pace)
    seen = None
    with bar as bar:
      while step < trainer.total:
        before, stage = step, trainer.stage(step)
        self._state, step, metrics = trainer.take(self._state, step)
        shown = ("recolor", "match", "content")
        bar.advance(
          step - before, **{n: metrics[n] for n in shown if n in metrics}
        )
        if stage is not seen:
          seen = stage
          bar.measure_anew()
        if loop_keeper.passed(before, step, stage.log_every):
          figures = {**metrics, **keeper.figures(step)}
          self._run.metrics.write(phase=PHASE, step=step, **figures)
        keeper.after(before, step, save)
    keeper.settle()
    self._prices = np.stack([np.asarray(p) for p in windows.prices])

  def final_maps(self) -> list[dict]:
    """Maps that give what is painted the paintings' colours, once more."""
    maps = []
    for number, style in enumerate(self._styles.values()):
      batch = self._views.draw_rays(
        np.random.default_rng([self._config.seed, 10]), _MEASURED
      )
      batch = batch.replace(style=np.full(_MEASURED, number, np.int32))
      found = palette.statistics(self._steps.colors(self._state.params, batch))
      wanted = palette.statistics(style.image.reshape(-1, 3))
      matrix, offset = palette.transfer(found, wanted)
      maps.append({"matrix": matrix.tolist(), "offset": offset.tolist()})
    return maps
