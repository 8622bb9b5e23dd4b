"""The finish, the end of phase 3: strokes on what mutual learning has painted.

It has a folder and an entry of its own in the run: it can be left out, done
again with other dials while phase 3 stays, and a run from before there was one
can be given it. Every style begins with the style field of mutual learning and
is finished by itself, so that no style's strokes show in another.
"""

import contextlib
import functools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.host import processes, progress
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.painting import (
  finish_stages,
  finish_steps,
  finished_styles,
)
from stylized_nerf_jax.phases import field_trainer, mutual_state, radiance_field
from stylized_nerf_jax.phases import previews as previews_lib
from stylized_nerf_jax.runs import loop_keeper, run_folder
from stylized_nerf_jax.scenes.pictures import style_set
from stylized_nerf_jax.stylizer import pretrained, style_maps
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
  previews: previews_lib.Previews | None = None,
) -> None:
  """Paints strokes, style after style, from where it stopped.

  Args:
    config: the run's config.
    run: its folder, in which phase 3 is finished.
    styles: the paintings.
    facts: what the 2D networks see of them.
    pace: of its steps.
    previews: of the run in training.
  """
  state_of_work = run.begin(PHASE, make_inputs(config, run))
  folder = run.phase_path(PHASE)
  paths = [
    finished_styles.path_of(folder, style.content_hash)
    for style in styles.values()
  ]
  # All processes must agree about it, whenever they look.
  whole = processes.by_first(lambda: all(path.is_file() for path in paths))
  if state_of_work == "done" and whole:
    progress.say(f"{PHASE}: finished before, nothing to do")
    return
  work = _Finish(config, run, styles, facts, pace, previews)
  checkpoints = run.checkpoints(PHASE, config.training)
  if processes.by_first(checkpoints.repair) is not None:
    work.restore(checkpoints)
  with contextlib.closing(checkpoints):
    work.paint(checkpoints)
  run.finish(PHASE)
  progress.say(f"{PHASE}: done")


class _Finish:
  """What is drawn from, the state, and the loop over styles and their steps."""

  def __init__(self, config, run, styles, facts, pace, previews):
    self._config, self._run, self._pace = config, run, pace
    self._previews = previews
    self._styles = tuple(styles.values())
    options = config.mutual_learning.finish
    self._each = options.refit_steps + options.steps
    self._folder = run.phase_path(PHASE)
    field_params = radiance_field.load_params(config, run)
    self._field_params = field_params
    rendered = rendered_views.load_or_render(config, run, field_params)
    self._views = recolored_views.RecoloredViews(
      rendered, recolored_views.fit_maps(rendered, styles)
    )
    learned = mutual_state.restore_styles(config, run)["params"]
    encoder = pretrained.load_stroke_encoder(config.weights.encoder)
    self._steps = finish_steps.FinishSteps(
      config,
      run.scene(),
      facts,
      learned["latents"],
      field_params,
      encoder,
      packed=rendered.geometry is not None,
    )
    self._paintings = painting_places.load_or_encode(
      self._folder / "paintings",
      styles,
      encoder,
      stroke_scale=options.stroke_scale,
      scales=options.scales,
      places=options.places,
    )
    self._optimizer = finish_steps.make_optimizer(options)
    self._start = jax.tree.map(jnp.asarray, learned["style_field"])
    self._state = state_lib.create(self._start, self._optimizer)
    self._prices = np.zeros((options.scales, options.places), np.float32)
    self._resumed = 0
    size = finished_styles.num_bytes(self._start) * len(self._styles)
    progress.on_disk(
      f"{PHASE}: the style fields of {len(self._styles)} styles take "
      f"{size / 2**20:.0f} MiB on disk",
      size,
    )

  def restore(self, checkpoints: checkpoints_lib.Checkpoints) -> None:
    """Goes on from the newest checkpoint."""
    items, meta = checkpoints.restore(self._items())
    items = jax.tree.map(jnp.asarray, items)
    self._state = state_lib.TrainState(
      params=items["params"], **items["optimizer"]
    )
    self._prices = items["prices"]["places"]
    self._resumed = int(meta["step"])
    progress.say(f"{PHASE}: resuming at step {self._resumed}")

  def _save(self, checkpoints: checkpoints_lib.Checkpoints, step: int) -> None:
    meta = {"phase": PHASE, "step": step}
    checkpoints.save(step, self._items(), meta)

  def _items(self) -> dict:
    state = self._state
    return {
      "params": state.params,
      "optimizer": {"step": state.step, "opt_state": state.opt_state},
      "prices": {"places": self._prices},
    }

  def paint(self, checkpoints: checkpoints_lib.Checkpoints) -> None:
    """Finishes all styles that are not."""
    config = self._config
    every = config.mutual_learning.finish.checkpoint_every
    keeper = loop_keeper.LoopKeeper(
      PHASE, checkpoints, config.training, every=every
    )
    common = config, self._steps, self._optimizer, self._views, keeper
    refit = finish_stages.RefitStage(*common)
    windows = finish_stages.WindowStage(*common, self._paintings)
    trainer = field_trainer.FieldTrainer(
      [refit, windows], keeper, lambda step: self._each
    )
    total = self._each * len(self._styles)
    seen: set[object] = set()
    bar = progress.progress(
      total, PHASE, initial=self._resumed, pace=self._pace
    )
    with bar as bar:
      for number, style in enumerate(self._styles):
        first = number * self._each
        path = finished_styles.path_of(self._folder, style.content_hash)
        if processes.by_first(path.is_file):
          continue
        local = self._begin(first)
        for stage in (refit, windows):
          stage.begin(number, style.content_hash)
        windows.prices = jnp.asarray(self._prices)
        while local < self._each:
          before, stage = local, trainer.stage(local)
          self._state, local, metrics = trainer.take(self._state, local)
          self._prices = windows.prices
          bar.advance(local - before, **_shown(metrics))
          if stage not in seen:
            seen.add(stage)
            bar.measure_anew()
          if loop_keeper.passed(before, local, stage.log_every):
            metrics |= keeper.figures(first + local)
            self._run.metrics.write(phase=PHASE, step=first + local, **metrics)
          if local == self._each:
            keeper.settle()
            self._keep(number, path)
          keeper.after(
            first + before,
            first + local,
            functools.partial(self._save, checkpoints, first + local),
          )
          self._show(keeper, first + local, number)
    keeper.settle()
    self._save(checkpoints, total)

  def _show(self, keeper, step: int, number: int) -> None:
    """Makes a preview of the style that is being finished, if it is time."""
    if self._previews is not None and self._previews.due(PHASE):
      keeper.settle()
      self._previews.of_finish(
        step, number, self._state.params, self._start, self._field_params
      )

  def _begin(self, first: int) -> int:
    """Returns how many of a style's steps were taken, and has their state.

    Args:
      first: steps of all styles before it.
    """
    if 0 < (local := self._resumed - first) < self._each:
      return local
    # What was resumed is given up, and is of no later style.
    self._resumed = 0
    self._state = state_lib.create(self._start, self._optimizer)
    self._prices = np.zeros_like(self._prices)
    return 0

  def _keep(self, number: int, path: pathlib.Path) -> None:
    """Writes the style that has been finished."""
    maps = self._maps(number)
    processes.by_first(
      lambda: finished_styles.write(path, self._state.params, maps)
    )

  def _maps(self, number: int) -> style_maps.StyleMaps:
    """Finds what gives the painted colours the painting's, once more."""
    batch = self._views.draw_rays(
      np.random.default_rng([self._config.seed, 10]), number, _MEASURED
    )
    rgb, opacity = self._steps.colors(self._state.params, batch)
    background = self._run.scene().background
    colors = style_maps.own_colors(rgb, opacity, background)
    painting = self._styles[number].image
    return style_maps.fit_style_maps(lambda _: colors, [painting])


def _shown(metrics) -> dict:
  names = ("recolor", "match", "content")
  return {name: metrics[name] for name in names if name in metrics}
