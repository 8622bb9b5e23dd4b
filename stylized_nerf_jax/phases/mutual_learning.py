"""Phase 3: style field and 2D stylizer teach each other (method: section 8).

Two alternating steps over a frozen geometry. A field step draws the style
field and the latent codes to stylized views, on single rays first and on
patches last; a decoder step draws the decoder to what the style field renders,
and holds content, style and consistency. The stylized views are made anew
after every few decoder steps.
"""

import contextlib
import math

import jax
import jax.numpy as jnp

from stylized_nerf_jax import user_error
from stylized_nerf_jax.fields import latents as latents_lib
from stylized_nerf_jax.host import processes, progress
from stylized_nerf_jax.networks import modules, stylizer_nets
from stylized_nerf_jax.phases import (
  adaptation,
  decoder_trainer,
  field_trainer,
  mutual_state,
  mutual_steps,
  radiance_field,
  style_goals,
)
from stylized_nerf_jax.phases import previews as previews_lib
from stylized_nerf_jax.runs import loop_keeper, phase_inputs, run_folder
from stylized_nerf_jax.scenes.selection import painted_views
from stylized_nerf_jax.training import checkpoints as checkpoints_lib
from stylized_nerf_jax.training import state as state_lib
from stylized_nerf_jax.views import (
  rendered_views,
  stylized_views,
  view_features,
)

PHASE = mutual_state.PHASE


def check_options(config) -> None:
  """Raises ValueError unless phase 3 can be trained with a config."""
  field = modules.radiance_field(config.field, modules.ANY_SPACE)
  if config.mutual_learning.mimic_coarse and not modules.is_coarse_to_fine(
    field
  ):
    raise user_error.UserError(
      "mutual_learning.mimic_coarse is True, and the field "
      f"({config.field.kind}) has no coarse pass; expected False, or "
      "field.kind=positional"
    )


def train(
  config,
  run: run_folder.RunFolder,
  nets: stylizer_nets.Nets,
  facts: stylizer_nets.StyleFacts,
  *,
  pace: progress.Pace = progress.EVEN,
  previews: previews_lib.Previews | None = None,
) -> None:
  """Trains style field, codes and decoder of a run, from where it stopped.

  Args:
    config: the run's config.
    run: its folder, in which phases 1 and 2 are finished.
    nets: the 2D networks.
    facts: what they see of the styles.
    pace: of its steps.
    previews: of the run in training.
  """
  before = run.facts(PHASE)
  inputs = make_inputs(config, run, nets, dict(zip(facts.names, facts.hashes)))
  # Noted with it: a run that is killed before its first checkpoint knows it.
  state_of_work = run.begin(
    PHASE, inputs, noting=lambda: _where_it_begins(run, before, inputs)
  )
  if state_of_work == "done":
    progress.say(f"{PHASE}: finished before, nothing to do")
    return
  keys = _note_keys(config, run, facts)
  lesson = _Lesson(config, run, nets, facts, pace, previews)
  state = lesson.first_state(len(keys.views))
  checkpoints = run.checkpoints(PHASE, config.training)
  resume = state_of_work == "resume"
  earlier = run.facts(PHASE).get("earlier")
  if resume and processes.by_first(checkpoints.repair) is not None:
    state = state.restored(checkpoints)
    progress.say(f"{PHASE}: resuming at step {int(state.field.step)}")
  elif earlier:
    state.field = lesson.field_state(
      _continued(run, earlier, state.field.params, keys)
    )
  with contextlib.closing(checkpoints):
    lesson.teach(state, checkpoints)
    state.save(checkpoints, facts)
  run.finish(PHASE)
  progress.say(f"{PHASE}: done")


class _Lesson:
  """What the two learn from, and the loop that alternates their steps."""

  def __init__(self, config, run, nets, facts, pace, previews=None):
    self._config, self._run, self._nets, self._facts = config, run, nets, facts
    self._pace, self._previews = pace, previews
    self._record = run.scene()
    field_params = radiance_field.load_params(config, run)
    self._field_params = field_params
    self._views = rendered_views.load_or_render(config, run, field_params)
    self._steps = mutual_steps.MutualSteps(
      config,
      self._record,
      facts,
      field_params,
      packed=self._views.geometry is not None,
    )
    options = config.mutual_learning
    self._field_optimizer = mutual_steps.field_optimizer(options)
    self._decoder_optimizer = decoder_trainer.make_optimizer(options, nets)
    self._features = view_features.load_or_encode(
      run.phase_path(radiance_field.PHASE), self._views, nets
    )
    self._targets = stylized_views.Targets(
      run.phase_path(PHASE) / "targets",
      self._views.cameras,
      self._features,
      facts,
      self._views.geometry,
    )
    progress.on_disk(
      f"{PHASE}: {len(facts.names)} styles x {len(self._views)} views; "
      f"stylized views take {self._targets.num_bytes / 2**20:.0f} MiB on disk",
      self._targets.num_bytes,
    )

  def first_state(self, num_views: int) -> mutual_state.MutualState:
    """Returns the state before the first step."""
    params = mutual_state.first_params(
      self._config, self._record.normalization.space, self._facts, num_views
    )
    decoder = adaptation.load_decoder(self._run, self._nets)
    return mutual_state.MutualState(
      field=self.field_state(params),
      decoder=state_lib.create(decoder, self._decoder_optimizer),
      target_decoder=decoder,
    )

  def field_state(self, params) -> state_lib.TrainState:
    """Returns the state of a style field and codes before the first step."""
    return state_lib.create(params, self._field_optimizer)

  def teach(
    self,
    state: mutual_state.MutualState,
    checkpoints: checkpoints_lib.Checkpoints,
  ) -> None:
    """Alternates field and decoder steps until the last; moves `state` on."""
    options = self._config.mutual_learning
    self._targets.remake(state.target_decoder)
    keeper = loop_keeper.LoopKeeper(
      PHASE, checkpoints, self._config.training, every=options.checkpoint_every
    )
    field, decoder = self._field_trainer(keeper), self._decoder_trainer(keeper)
    step = int(state.field.step)
    bar = progress.progress(field.total, PHASE, initial=step, pace=self._pace)
    compiled = set()
    with bar as bar:
      while step < field.total:
        before = step
        state.field, step, metrics = field.take(state.field, step)
        decodes = bool(decoder) and step % options.decoder_every == 0
        if decodes:
          keeper.settle()  # It needs the field, whose time that is.
          metrics |= self._teach_decoder(decoder, state)
        bar.advance(step - before, **_shown(metrics))
        if (kind := (field.stage(before), decodes)) not in compiled:
          compiled.add(kind)
          bar.measure_anew()
        if loop_keeper.passed(before, step, field.stage(before).log_every):
          metrics |= keeper.figures(step)
          self._run.metrics.write(phase=PHASE, step=step, **metrics)
        keeper.after(before, step, lambda: state.save(checkpoints, self._facts))
        if self._previews is not None and self._previews.due(PHASE):
          keeper.settle()
          self._previews.of_style_field(
            step, state.field.params["style_field"], self._field_params
          )
    keeper.settle()

  def _teach_decoder(self, decoder, state: mutual_state.MutualState) -> dict:
    """Takes a step of the decoder, and makes its views anew if it is time."""
    every, done = self._config.mutual_learning.refresh_every, state.decoder.step
    age = (int(done) + 1) % every
    state.decoder, metrics = decoder.take(state.decoder, state.field.params)
    if age == 0:
      # A copy: the next step consumes these.
      state.target_decoder = jax.tree.map(jnp.array, state.decoder.params)
      self._targets.remake(state.target_decoder)
    named = {f"decoder_{name}": value for name, value in metrics.items()}
    return {**named, "target_age": age}

  def _field_trainer(self, keeper) -> field_trainer.FieldTrainer:
    options = self._config.mutual_learning
    common = (
      self._config,
      self._steps,
      self._field_optimizer,
      self._targets,
      keeper,
    )
    stages = [field_trainer.RayStage(*common)]
    if options.patch_steps:
      goals = style_goals.load_or_measure(
        self._run,
        self._nets,
        self._facts,
        self._features,
        options=options,
        seed=self._config.seed,
      )
      stages.append(
        field_trainer.PatchStage(
          *common, nets=self._nets, facts=self._facts, style_goals=goals
        )
      )
    every = options.decoder_every or math.inf
    return field_trainer.FieldTrainer(
      stages, keeper, lambda step: (step // every + 1) * every
    )

  def _decoder_trainer(self, keeper) -> decoder_trainer.DecoderTrainer | None:
    if not self._config.mutual_learning.decoder_every:
      return None
    return decoder_trainer.DecoderTrainer(
      self._config,
      self._steps,
      self._decoder_optimizer,
      self._nets,
      self._facts,
      self._views,
      self._features,
      keeper,
    )


def _note_keys(
  config, run: run_folder.RunFolder, facts: stylizer_nets.StyleFacts
) -> latents_lib.LatentKeys:
  """Writes down what the codes stand for, and returns it."""
  keys = latents_lib.LatentKeys(
    styles=facts.hashes,
    views=painted_views.cameras_of(
      run.scene().split("train"), config.views.rays
    ).names,
  )
  styles = {"names": facts.names}
  if "latent_mean" in run.facts(PHASE).get("styles", {}):
    # A run from before checkpoints held them, whose last one may be saved.
    styles |= {
      "latent_mean": facts.latent_mean.tolist(),
      "latent_variance": facts.latent_variance.tolist(),
    }
  run.note(
    PHASE, keys={"styles": keys.styles, "views": keys.views}, styles=styles
  )
  return keys


def _continued(run, earlier: dict, params, keys: latents_lib.LatentKeys):
  """Starts from another style set's style field and codes."""
  old_keys = latents_lib.LatentKeys(
    styles=tuple(earlier["keys"]["styles"]),
    views=tuple(earlier["keys"]["views"]),
  )
  folder = run.path / "replaced" / earlier["folder"]
  params = mutual_state.continued(params, keys, folder, old_keys)
  kept = len(set(old_keys.styles) & set(keys.styles))
  progress.say(
    f"{PHASE}: goes on from the earlier style field; {kept} of "
    f"{len(keys.styles)} styles keep their codes"
  )
  return params


def _shown(metrics) -> dict:
  names = ("mimic", "latent_nll", "style", "decoder_loss")
  return {name: metrics[name] for name in names if name in metrics}


def make_inputs(config, run, nets, styles: dict[str, str]) -> dict:
  """Returns what the result of this phase depends on.

  Args:
    config: of the run.
    run: its folder, in which phases 1 and 2 are finished.
    nets: the 2D networks.
    styles: content hash of each style, by name.
  """
  run.phase_fingerprint(adaptation.PHASE)
  options = config.mutual_learning.to_dict()
  # What is done to its result does not change it.
  del options["checkpoint_every"], options["finish"]
  adapted_with = config.stylizer.to_dict()
  del adapted_with["checkpoint_every"]
  return {
    "radiance_field": run.phase_fingerprint(radiance_field.PHASE),
    "stylizer": adapted_with,
    "styles": styles,
    "weights": nets.hashes,
    "style_field": config.style_field.to_dict(),
    "mutual_learning": options,
    "geometry_cache": config.geometry_cache.to_dict(),
    "seed": config.seed,
    **rendered_views.inputs(config, run),
  }


def _where_it_begins(run, before: dict, inputs: dict) -> dict:
  """What a new entry of the manifest has to know of those before it."""
  newest = next((folder.name for folder in run.replaced(PHASE)), None)
  return {"earlier": _earlier(run, before, inputs), "after": newest}


def _earlier(run, before: dict, inputs: dict) -> dict | None:
  """The result that differs in its styles only, to go on from."""
  if not _only_styles_differ(before.get("inputs"), inputs):
    return None
  for folder in run.replaced(PHASE):
    # What lies there since before that entry began is not its own.
    if folder.name == before.get("after"):
      break
    saved = checkpoints_lib.Checkpoints(folder / "checkpoints")
    step = saved.latest_step()
    saved.close()
    if step is not None:
      return {"folder": folder.name, "keys": before["keys"]}
    # Killed before it saved; or while it was moved, and its own is the next.
    if "after" not in before:
      break
  return before.get("earlier")


def _only_styles_differ(before: dict | None, after: dict) -> bool:
  if not before:
    return False
  after = phase_inputs.as_json(after)
  same = {**before, "styles": None} == {**after, "styles": None}
  return same and before["styles"] != after["styles"]
