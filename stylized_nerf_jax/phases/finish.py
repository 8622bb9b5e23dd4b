"""The finish, the end of phase 3: strokes on what mutual learning has painted.

It has a folder and an entry of its own in the run: it can be left out, done
again with other dials while phase 3 stays, and a run from before there was one
can be given it. Every style begins with the style field of mutual learning and
is finished by itself, so that no style's strokes show in another.
"""

import contextlib
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.host import processes, progress
from stylized_nerf_jax.painting import (
  finish_stages,
  finish_steps,
  finished_styles,
)
from stylized_nerf_jax.phases import (
  field_trainer,
  mutual_state,
  radiance_field,
  run_styles,
)
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
  *,
  pace: progress.Pace = progress.EVEN,
  previews: previews_lib.Previews | None = None,
) -> None:
  """Paints strokes, style after style, from where it stopped.

  Args:
    config: the run's config.
    run: its folder, in which phase 3 is finished.
    styles: the paintings, `run_styles.changed`.
    pace: of its steps.
    previews: of the run in training.
  """
  state_of_work = run.begin(PHASE, make_inputs(config, run))
  folder = run.phase_path(PHASE)
  paths = [
    finished_styles.path_of(folder, style.content_hash)
    for style in styles.values()
  ]
  to_do = run_styles.agree(paths)
  if state_of_work == "done" and not to_do:
    progress.say(f"{PHASE}: finished before, nothing to do")
    return
  work = _Finish(config, run, styles, pace, previews)
  checkpoints = run.checkpoints(PHASE, config.training)
  if processes.by_first(checkpoints.repair) is not None:
    work.restore(checkpoints)
  with contextlib.closing(checkpoints):
    work.paint(checkpoints, to_do)
  run.finish(PHASE)
  progress.say(f"{PHASE}: done")


class _Finish:
  """What is drawn from, the state, and the loop over styles and their steps."""

  def __init__(self, config, run, styles, pace, previews=None):
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
    self._learned = _learned(config, run, styles)
    learned = self._learned["params"]
    encoder = pretrained.load_stroke_encoder(config.weights.encoder)
    self._steps = finish_steps.FinishSteps(
      config,
      run.scene(),
      self._learned["latent_mean"],
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
    # Steps of all styles in checkpoints; a style's hash, and its steps of them.
    self._step, self._resumed = 0, ("", 0)
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
    self._step = int(meta["step"])
    self._resumed = meta.get("style", ""), int(meta.get("taken", 0))
    progress.say(f"{PHASE}: resuming at step {self._step}")

  def _save(
    self, checkpoints: checkpoints_lib.Checkpoints, style: str, taken: int
  ) -> None:
    meta = {"phase": PHASE, "step": self._step, "style": style, "taken": taken}
    checkpoints.save(self._step, self._items(), meta)

  def _items(self) -> dict:
    state = self._state
    return {
      "params": state.params,
      "optimizer": {"step": state.step, "opt_state": state.opt_state},
      "prices": {"places": self._prices},
    }

  def paint(
    self, checkpoints: checkpoints_lib.Checkpoints, to_do: Sequence[int]
  ) -> None:
    """Finishes styles.

    Args:
      checkpoints: of the phase.
      to_do: places of the styles that are not finished.
    """
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
    seen: set[object] = set()
    bar = progress.progress(
      self._each * len(self._styles),
      PHASE,
      initial=self._each * (len(self._styles) - len(to_do)),
      pace=self._pace,
    )
    with bar as bar:
      for number in to_do:
        style = self._styles[number].content_hash
        local = self._begin(style)
        bar.advance(local)
        for stage in (refit, windows):
          stage.begin(number, style)
        windows.prices = jnp.asarray(self._prices)
        while local < self._each:
          before, stage = local, trainer.stage(local)
          self._state, local, metrics = trainer.take(self._state, local)
          self._prices = windows.prices
          self._step += local - before
          bar.advance(local - before, **_shown(metrics))
          if stage not in seen:
            seen.add(stage)
            bar.measure_anew()
          if loop_keeper.passed(before, local, stage.log_every):
            metrics |= keeper.figures(self._step)
            self._run.metrics.write(phase=PHASE, step=self._step, **metrics)
          if local == self._each:
            keeper.settle()
            self._keep(number)
          keeper.after(
            self._step - (local - before),
            self._step,
            functools.partial(self._save, checkpoints, style, local),
          )
          self._show(keeper, number)
    keeper.settle()
    self._save(checkpoints, "", 0)

  def _show(self, keeper, number: int) -> None:
    """Makes a preview of the style that is being finished, if it is time."""
    if self._previews is not None and self._previews.due(PHASE):
      keeper.settle()
      self._previews.of_finish(
        self._step,
        number,
        dict(zip(self._learned["styles"], self._learned["latent_mean"])),
        self._state.params,
        self._start,
        self._field_params,
      )

  def _begin(self, style: str) -> int:
    """Returns how many of a style's steps were taken, and has their state.

    Args:
      style: its content hash.
    """
    resumed, taken = self._resumed
    # What was resumed is given up, and is of no later style.
    self._resumed = "", 0
    if resumed == style and 0 < taken < self._each:
      return taken
    self._state = state_lib.create(self._start, self._optimizer)
    self._prices = np.zeros_like(self._prices)
    return 0

  def _keep(self, number: int) -> None:
    """Writes the style that has been finished."""
    style = self._styles[number].content_hash
    path = finished_styles.path_of(self._folder, style)
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


def _learned(config, run: run_folder.RunFolder, styles: style_set.StyleSet):
  """Returns what phase 3 has learned of the styles, in their order."""
  found = run_styles.restore(config, run)
  hashes = found["style_hashes"]
  places = [hashes.index(one) for one in styles.content_hashes]
  return run_styles.only(found, places)


def _shown(metrics) -> dict:
  names = ("recolor", "match", "content")
  return {name: metrics[name] for name in names if name in metrics}
