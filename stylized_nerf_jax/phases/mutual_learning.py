"""Phase 3: style field and 2D stylizer teach each other (method: section 8).

Two alternating steps over a frozen geometry. A field step draws the style
field and the latent codes to stylized views, on single rays first and on
patches last; a decoder step draws the decoder to what the style field renders,
and holds content, style and consistency. The stylized views are made anew
after every few decoder steps.
"""

import contextlib
import functools

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.fields import latents as latents_lib
from stylized_nerf_jax.host import processes, progress
from stylized_nerf_jax.networks import modules, ray_blocks, stylizer_nets
from stylized_nerf_jax.phases import (
  adaptation,
  decoder_objective,
  mutual_steps,
  radiance_field,
  style_goals,
)
from stylized_nerf_jax.rows import devices, prng
from stylized_nerf_jax.runs import loop_keeper, run_folder
from stylized_nerf_jax.stylizer import colour_path, decoder_optimizer
from stylized_nerf_jax.training import checkpoints as checkpoints_lib
from stylized_nerf_jax.training import guard, train_steps
from stylized_nerf_jax.training import state as state_lib
from stylized_nerf_jax.views import (
  rendered_views,
  stylized_views,
  view_crops,
  view_features,
)

PHASE = "mutual_learning"


def train(
  config,
  run: run_folder.RunFolder,
  nets: stylizer_nets.Nets,
  facts: stylizer_nets.StyleFacts,
) -> None:
  """Trains style field, codes and decoder of a run, from where it stopped.

  Args:
    config: the run's config.
    run: its folder, in which phases 1 and 2 are finished.
    nets: the 2D networks.
    facts: what they see of the styles.
  """
  before = run.facts(PHASE)
  inputs = _inputs(config, run, nets, facts)
  state_of_work = run.begin(PHASE, inputs)
  if state_of_work == "done":
    progress.say(f"{PHASE}: finished before, nothing to do")
    return
  if state_of_work == "new":
    # Noted at once: a run that is killed before its first checkpoint knows it.
    run.note(PHASE, earlier=_earlier(run, before, inputs))
  session = _Session(config, run, nets, facts)
  earlier = run.facts(PHASE).get("earlier")
  checkpoints = run.checkpoints(PHASE, config.training)
  resume = state_of_work == "resume"
  if resume and processes.by_first(checkpoints.repair) is not None:
    session.restore(checkpoints)
    progress.say(f"{PHASE}: resuming at step {session.step}")
  elif earlier:
    folder = run.path / "replaced" / earlier["folder"]
    session.continue_from(folder, earlier["keys"])
  with contextlib.closing(checkpoints):
    session.train(checkpoints)
    session.save(checkpoints)
  run.finish(PHASE)


class _Session:
  """The state of phase 3 and what it is made of.

  Attributes:
    field: state of style field and codes.
    step: field steps taken; `field` knows it too, but not before they are done.
    decoder: state of the decoder.
  """

  def __init__(self, config, run, nets, facts):
    self._options = config.mutual_learning
    self._config, self._run, self._nets, self._facts = config, run, nets, facts
    record = run.scene()
    self._keys = latents_lib.LatentKeys(
      styles=facts.hashes, views=record.split("train").names
    )
    run.note(
      PHASE,
      keys={"styles": facts.hashes, "views": self._keys.views},
      styles={
        "names": facts.names,
        "latent_mean": facts.latent_mean.tolist(),
        "latent_variance": facts.latent_variance.tolist(),
      },
    )
    field_params = radiance_field.load_params(config, run)
    self._views = rendered_views.load_or_render(config, run, field_params)
    self._steps = mutual_steps.MutualSteps(
      config,
      record,
      facts,
      field_params,
      packed=self._views.geometry is not None,
    )
    self._optimizer = mutual_steps.field_optimizer(self._options)
    self._decoder_optimizer = decoder_optimizer.make(
      self._options.decoder_learning_rate,
      muon_learning_rate=self._options.decoder_muon_learning_rate or None,
      clip=self._options.decoder_clip,
      hold_colours=colour_path.is_present(nets.decoder),
    )
    self.field = state_lib.create(self._first_params(record), self._optimizer)
    self.step = 0
    decoder = adaptation.load_decoder(run, nets)
    self.decoder = state_lib.create(decoder, self._decoder_optimizer)
    # The decoder that made the present targets: a resumed run needs the same.
    self._target_decoder = decoder
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
    progress.say(
      f"{PHASE}: {len(facts.names)} styles x {len(self._views)} views; "
      f"stylized views take {self._targets.num_bytes / 2**20:.0f} MiB on disk"
    )

  def train(self, checkpoints) -> None:
    """Alternates field and decoder steps until the configured step."""
    options = self._options
    self._targets.remake(self._target_decoder)
    keeper = loop_keeper.LoopKeeper(
      PHASE, checkpoints, self._config.training, every=options.checkpoint_every
    )
    take_rays = self._make_ray_steps(keeper)
    take_patches = self._make_patch_steps(keeper)
    decoder_steps = (
      self._make_decoder_steps(keeper) if options.decoder_every else None
    )
    total = options.steps + options.patch_steps
    with progress.progress(total, PHASE, initial=self.step) as bar:
      while self.step < total:
        step = self.step
        metrics = take_rays() if step < options.steps else take_patches()
        if decoder_steps and self.step % options.decoder_every == 0:
          keeper.settle()  # It needs the field, whose time that is.
          metrics |= decoder_steps()
        bar.advance(self.step - step, **_shown(metrics))
        self._log(step, metrics, keeper)
        keeper.after(step, self.step, lambda: self.save(checkpoints))
    keeper.settle()

  def save(self, checkpoints) -> None:
    """Saves everything a resumed run needs."""
    checkpoints.save(self.step, self._items(), {"phase": PHASE})

  def restore(self, checkpoints) -> None:
    """Takes up what `save` saved."""
    items, _ = checkpoints.restore(self._items())
    items = jax.tree.map(jnp.asarray, items)
    self.field = state_lib.TrainState(
      params=items["params"], **items["optimizer"]
    )
    self.step = int(self.field.step)
    self.decoder = state_lib.TrainState(
      params=items["decoder"], **items["decoder_optimizer"]
    )
    self._target_decoder = items["target_decoder"]

  def _items(self) -> dict:
    """The trees of a checkpoint."""
    field, decoder = self.field, self.decoder
    return {
      "params": field.params,
      "optimizer": {"step": field.step, "opt_state": field.opt_state},
      "decoder": decoder.params,
      "decoder_optimizer": {
        "step": decoder.step,
        "opt_state": decoder.opt_state,
      },
      "target_decoder": self._target_decoder,
    }

  def continue_from(self, folder, keys: dict) -> None:
    """Starts from another style set's style field and codes."""
    old_keys = latents_lib.LatentKeys(
      styles=tuple(keys["styles"]), views=tuple(keys["views"])
    )
    first = self.field.params
    size = first["latents"].shape[-1]
    shape = (len(old_keys.styles), len(old_keys.views), size)
    like = {**first, "latents": jax.ShapeDtypeStruct(shape, jnp.float32)}
    old = checkpoints_lib.Checkpoints(folder / "checkpoints")
    params = state_lib.restore_params(old, like)
    old.close()
    latents = latents_lib.merge_latents(
      old_keys, params["latents"], self._keys, first["latents"]
    )
    self.field = state_lib.create(
      {"style_field": params["style_field"], "latents": jnp.asarray(latents)},
      self._optimizer,
    )
    kept = len(set(old_keys.styles) & set(self._keys.styles))
    progress.say(
      f"{PHASE}: goes on from the earlier style field; {kept} of "
      f"{len(self._keys.styles)} styles keep their codes"
    )

  def _first_params(self, record):
    key = prng.stream_key(self._config.seed, "mutual_learning/init")
    style_key, latent_key = jax.random.split(key)
    latents = latents_lib.init_latents(
      latent_key,
      jnp.asarray(self._facts.latent_mean),
      jnp.asarray(self._facts.latent_variance),
      len(self._keys.views),
    )
    return {
      "style_field": modules.init_style_field(
        self._config.style_field, record.normalization.space, style_key
      ),
      "latents": latents,
    }

  def _next_stop(self, step: int) -> int:
    """The next step at which something else than a field step happens."""
    every = self._options.decoder_every
    stops = [self._options.steps]
    if every:
      stops.append((step // every + 1) * every)
    return min(stops)

  def _field_batch(self, step: int, length: int):
    rows = [
      self._targets.draw(
        np.random.default_rng([self._config.seed, 3, step + i]),
        (self._options.rays_per_step,),
        devices.own_rows(self._options.rays_per_step),
      )
      for i in range(length)
    ]
    return jax.tree.map(lambda *values: np.stack(values), *rows)

  def _make_ray_steps(self, keeper: loop_keeper.LoopKeeper):
    """Returns a function that takes field steps on rays and tells their losses.

    It takes as many as fit into a dispatch before something else is due.
    """
    take = train_steps.StepRunner(
      self._steps.field_loss,
      self._optimizer,
      steps_per_dispatch=self._options.steps_per_dispatch,
      rows_at_once=ray_blocks.for_style_steps(self._config),
      on_steps=keeper.guard,
      on_plan=keeper.planner("a dispatch of steps on rays"),
    )
    key = prng.stream_key(self._config.seed, PHASE)

    def steps():
      until = self._next_stop(self.step)
      length = take.next_length(self.step, until)
      with keeper.stepping() as count:
        batch = self._field_batch(self.step, length)
        self.field, metrics = take(
          self.field,
          self._steps.field_constants,
          key,
          length=length,
          batch=batch,
          total=self._options.rays_per_step,
        )
        count(length * self._options.rays_per_step)
      self.step += length
      return metrics

    return steps

  def _make_patch_steps(self, keeper: loop_keeper.LoopKeeper):
    """Returns a function that takes one field step on patches."""
    options = self._options
    loss = functools.partial(
      self._steps.patch_loss, layout=self._nets.encoder.layout
    )
    take = train_steps.make_train_steps(
      loss,
      self._optimizer,
      num_steps=1,
      rows_at_once=1,
      on_steps=keeper.guard,
      on_plan=keeper.planner("a step on patches"),
    )
    constants = self._steps.patch_constants(
      self._nets, self._facts, self._style_goals()
    )
    key = prng.stream_key(self._config.seed, PHASE)

    def step():
      random = np.random.default_rng([self._config.seed, 5, self.step])
      with keeper.stepping() as count:
        batch = self._targets.draw_patches(
          random,
          options.patches_per_step,
          options.patch,
          groups=options.patch_groups,
        )
        count(batch.colors.size // 3)
        batch = jax.tree.map(lambda values: values[None], batch)
        self.field, metrics = take(self.field, constants, key, batch)
      self.step += 1
      return metrics

    return step

  def _style_goals(self) -> np.ndarray:
    """Style losses [S] below which those of patches weigh nothing."""
    options = self._options
    if not (options.patch_steps and options.patch_style_goal):
      return np.zeros(len(self._facts.names), np.float32)
    reached = self._run.facts(PHASE).get("style_goals")
    if reached is None:
      found = style_goals.measure(
        self._nets,
        self._facts,
        self._features,
        count=options.patches_per_step,
        size=options.patch,
        seed=self._config.seed,
      )
      # A resumed run need not measure again.
      reached = found.tolist()
      self._run.note(PHASE, style_goals=reached)
    return options.patch_style_goal * np.array(reached, np.float32)

  def _make_decoder_steps(self, keeper: loop_keeper.LoopKeeper):
    """Returns a function that takes one decoder step and tells its losses."""
    options = self._options
    sampler = view_crops.CropSampler(
      self._views,
      self._features,
      crop=options.decoder_crop,
      neighbours=self._config.stylizer.neighbours,
    )
    weights = decoder_objective.Weights(
      content=options.content_weight,
      style=options.style_weight,
      consistency=options.consistency_weight,
      mimic=options.mimic_decoder_weight,
    )
    loss = functools.partial(
      decoder_objective.decoder_loss,
      layout=self._nets.encoder.layout,
      weights=weights,
    )
    watch = guard.Guard(
      f"{PHASE}, decoder", limit=self._config.training.skipped_in_a_row
    )
    take = train_steps.make_train_steps(
      loss,
      self._decoder_optimizer,
      num_steps=1,
      rows_at_once=1,
      on_steps=watch,
      on_plan=keeper.planner("a step of the decoder"),
    )
    constants = adaptation.make_constants(
      self._nets,
      self._facts,
      self._views,
      tolerance=self._config.stylizer.occlusion_tolerance,
    )
    key = prng.stream_key(self._config.seed, "mutual_learning/decoder")
    rim = decoder_objective.margin(sampler.size)

    def draw_group(random):
      crops = sampler.draw(random, 2 if options.consistency_weight else 1)
      style = int(random.integers(len(self._facts.names)))
      pixels = random.integers(
        rim, sampler.size - rim, size=(options.decoder_rays, 2)
      )
      rendered = self._steps.render_pixels(
        self.field.params,
        style,
        int(crops.view[0]),
        (crops.corner[0] + pixels[:, ::-1] + 0.5).astype(np.float32),
      )
      return adaptation.make_group(
        crops, style, pixels=pixels.astype(np.int32), rendered=rendered
      )

    def step():
      done = int(self.decoder.step)
      random = np.random.default_rng([self._config.seed, 4, done])
      batch = adaptation.make_batch(
        [draw_group(random) for _ in range(options.decoder_groups)]
      )
      self.decoder, metrics = take(self.decoder, constants, key, batch)
      age = (done + 1) % options.refresh_every
      if age == 0:
        # A copy: the next step consumes these.
        self._target_decoder = jax.tree.map(jnp.array, self.decoder.params)
        self._targets.remake(self._target_decoder)
      metrics["skipped"] = watch.take()
      named = {f"decoder_{name}": value for name, value in metrics.items()}
      return {**named, "target_age": age}

    return step

  def _log(self, before: int, metrics, keeper: loop_keeper.LoopKeeper) -> None:
    often = 100 if before < self._options.steps else 10
    if loop_keeper.passed(before, self.step, often):
      metrics = {**metrics, **keeper.figures()}
      self._run.metrics.write(phase=PHASE, step=self.step, **metrics)


def _shown(metrics) -> dict:
  names = ("mimic", "latent_nll", "style", "decoder_loss")
  return {name: metrics[name] for name in names if name in metrics}


def _inputs(config, run, nets, facts) -> dict:
  run.phase_fingerprint(adaptation.PHASE)
  options = config.mutual_learning.to_dict()
  del options["checkpoint_every"]
  adapted_with = config.stylizer.to_dict()
  del adapted_with["checkpoint_every"]
  return {
    "radiance_field": run.phase_fingerprint(radiance_field.PHASE),
    "stylizer": adapted_with,
    "styles": dict(zip(facts.names, facts.hashes)),
    "weights": nets.hashes,
    "style_field": config.style_field.to_dict(),
    "mutual_learning": options,
    "geometry_cache": config.geometry_cache.to_dict(),
    "seed": config.seed,
  }


def _earlier(run, before: dict, inputs: dict) -> dict | None:
  """The result that differs in its styles only, to go on from."""
  if not _only_styles_differ(before.get("inputs"), inputs):
    return None
  folder = run.replaced(PHASE)[0]
  if checkpoints_lib.Checkpoints(folder / "checkpoints").latest_step() is None:
    return before.get("earlier")
  return {"folder": folder.name, "keys": before["keys"]}


def _only_styles_differ(before: dict | None, after: dict) -> bool:
  if not before:
    return False
  after = run_folder.as_json(after)
  same = {**before, "styles": None} == {**after, "styles": None}
  return same and before["styles"] != after["styles"]
