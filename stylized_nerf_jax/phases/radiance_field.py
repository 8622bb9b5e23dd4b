"""Phase 1: a radiance field from photographs.

MSE of rendered rays against photographed pixels (method: section 3), with the
coarse pass of the positional field, or the interlevel and distortion losses of
the hash grid, beside it. Exposure and pose of each photograph may be learned
with it (`corrected_views`).
"""

import contextlib
import functools
import time

import jax
import jax.numpy as jnp
import optax

from stylized_nerf_jax.fields import field as field_lib
from stylized_nerf_jax.host import processes, progress
from stylized_nerf_jax.losses import photometric
from stylized_nerf_jax.networks import modules, ray_blocks
from stylized_nerf_jax.phases import (
  corrected_views,
  field_scores,
  training_pixels,
)
from stylized_nerf_jax.phases import previews as previews_lib
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import renderer, spacing
from stylized_nerf_jax.rows import prng
from stylized_nerf_jax.runs import loop_keeper, phase_inputs, run_folder
from stylized_nerf_jax.scenes import normalization, scene_record
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.training import state as state_lib
from stylized_nerf_jax.training import train_steps

PHASE = "radiance_field"


def train_and_evaluate(
  config,
  run: run_folder.RunFolder,
  scene: scene_lib.Scene,
  *,
  pace: progress.Pace = progress.EVEN,
  previews: previews_lib.Previews | None = None,
) -> None:
  """Trains the field of a run, from where it stopped, and scores it.

  Args:
    config: the run's config.
    run: the run's folder, which the scene has claimed.
    scene: the photographs.
    pace: of its steps beside those of the other phases.
    previews: of the run in training.
  """
  record = run.scene()
  state_of_work = run.begin(PHASE, make_inputs(config, record))
  if state_of_work == "done":
    progress.say(f"{PHASE}: finished before, nothing to do")
    return
  field = modules.radiance_field(config.field, record.normalization.space)
  setting = modules.ray_setting(record)
  corrected = corrected_views.CorrectedViews.of(config.radiance_field, record)
  params = init_params(field, record, seed=config.seed)
  optimizer = make_optimizer(config.radiance_field, setting.space)
  if corrected:
    params = corrected.with_views(params)
    optimizer = corrected.optimizer(optimizer)
  state = state_lib.create(params, optimizer)
  checkpoints = run.checkpoints(PHASE, config.training)
  resume = state_of_work == "resume"
  if resume and processes.by_first(checkpoints.repair) is not None:
    state = state_lib.restore(checkpoints, state)
    progress.say(f"{PHASE}: resuming at step {int(state.step)}")
  key = prng.stream_key(config.seed, PHASE)
  pixels = training_pixels.load(
    config, run, scene, key, lambda of_step: step_keys(of_step)[0]
  )
  score = field_scores.FieldScores(field, setting, scene, record, config)

  def show(keeper, step, params):
    if previews is not None and previews.due(PHASE):
      keeper.settle()
      previews.of_field(step, corrected_views.of_field(params, corrected))

  def evaluate(params, **limits):
    return score(corrected_views.of_field(params, corrected), **limits)

  started = time.monotonic()
  with contextlib.closing(checkpoints):
    loss = functools.partial(
      loss_fn,
      field=field,
      setting=setting,
      options=config.radiance_field,
      corrected=corrected,
    )
    state = _train(
      *(config, run, checkpoints, loss, optimizer, pixels, state, key),
      evaluate,
      show,
      pace,
    )
    seconds = time.monotonic() - started
    state_lib.save(checkpoints, state)
  scores = evaluate(state.params)
  run.metrics.write(phase=PHASE, step=state.step, **scores)
  run.finish(PHASE, scores=scores, seconds=round(seconds, 1))
  progress.say(
    f"{PHASE}: done; {field_scores.in_words(scores)} on {len(score)} "
    f"held-out views after {progress.in_words(seconds)}"
  )
  if corrected:
    progress.say(f"{PHASE}: {corrected.in_words(state.params)}")


def load_params(config, run: run_folder.RunFolder):
  """Loads the parameters of the field of a finished phase 1."""
  run.phase_fingerprint(PHASE)
  record = run.scene()
  field = modules.radiance_field(config.field, record.normalization.space)
  corrected = corrected_views.CorrectedViews.of(config.radiance_field, record)

  def params():
    field_params = init_params(field, record, seed=config.seed)
    return corrected.with_views(field_params) if corrected else field_params

  restored = state_lib.restore_params(
    run.checkpoints(PHASE), jax.eval_shape(params)
  )
  return corrected_views.of_field(restored, corrected)


def init_params(field, record: scene_record.SceneRecord, *, seed: int):
  """Initialises a field's parameters."""

  # Compiled as a whole: one by one, its operations take many times as long.
  @jax.jit
  def init(key):
    space = record.normalization.space
    camera = rays_lib.camera_arrays(record.cameras[0], record.normalization)
    rays = rays_lib.cast_rays(camera, jnp.full((1, 2), 0.5), space)
    return field.init(key, rays)["params"]

  return init(prng.stream_key(seed, "radiance_field/init"))


def make_optimizer(
  options, space: normalization.RaySpace
) -> optax.GradientTransformation:
  """Adam whose rate falls over the phase.

  Args:
    options: `config.radiance_field`.
    space: that the rays live in.
  """
  rate = options.learning_rate
  if space.kind == "ndc" and options.ndc_learning_rate:
    rate = options.ndc_learning_rate
  ratio = options.learning_rate_final / rate
  if options.schedule == "cosine":
    schedule = optax.cosine_decay_schedule(rate, options.steps, alpha=ratio)
  else:
    schedule = optax.exponential_decay(rate, options.steps, ratio)
  return optax.adam(schedule, b2=options.adam_b2, eps=options.adam_eps)


def decay_weight(options, space: normalization.RaySpace) -> float:
  """Returns the weight of the decay of grid features.

  NDC has no room for haze before a camera. Where a scene is contracted, there
  is as much room before each camera as around the scene.

  Args:
    options: `config.radiance_field`.
    space: that the rays live in.
  """
  if space.kind == "contracted":
    return options.unbounded_grid_decay
  return options.grid_decay


def loss_weights(options, space: normalization.RaySpace) -> dict[str, float]:
  """Weighs the losses of fields' own; those it does not name count as 1.

  Args:
    options: `config.radiance_field`.
    space: that the rays live in.
  """
  return {
    "grid_decay": decay_weight(options, space),
    "interlevel": options.interlevel_weight,
    "distortion": options.distortion_weight,
  }


def step_keys(key: jax.Array) -> jax.Array:
  """Splits the key of a step: for pixels, samples and backgrounds, [3]."""
  return jax.random.split(key, 3)


def loss_fn(
  params,
  bank,
  batch,
  key,
  *,
  field: field_lib.Field,
  setting,
  options,
  corrected: corrected_views.CorrectedViews | None = None,
) -> tuple[jax.Array, dict[str, jax.Array]]:
  """Loss of one batch of rays.

  Args:
    params: of the field, and of the views where they are corrected.
    bank: training pixels, or of those that are drawn elsewhere the cameras.
    batch: what `bank.take` makes the pixels of, R of them.
    key: random key of the step and of these rays.
    field: the module.
    setting: of the scene.
    options: `config.radiance_field`.
    corrected: what is learned of the views; None: nothing.

  Returns:
    (loss [], metrics).
  """
  draw_key, sample_key, behind_key = step_keys(key)
  pixels = bank.take(draw_key, batch)
  views = corrected.found(params) if corrected else {}
  camera = bank.view_cameras(pixels.view)
  camera = corrected_views.move(views, camera, pixels.view)
  rays = rays_lib.cast_rays(camera, pixels.xy, setting.space)
  colors = pixels.rgb
  bound = {"params": corrected_views.of_field(params, corrected)}
  samples, found = field.apply(
    bound, rays, sample_key, noise=options.density_noise, method="sample"
  )
  sample_colors = field.apply(bound, samples, rays.viewdirs, method="color")
  background = setting.background
  if background is None:
    # Against a colour that changes with every step, only opacity helps.
    background = jax.random.uniform(behind_key, colors.shape)
  sample_colors = corrected_views.expose(views, sample_colors, pixels.view)
  rgb = renderer.composite_colors(samples.weights, sample_colors, background)
  mse = photometric.mse(rgb, colors)
  loss, metrics = mse, {"mse": mse, "psnr": photometric.mse_to_psnr(mse)}
  own = field.apply(
    bound,
    rays,
    found,
    corrected_views.undo_exposure(views, colors, pixels.view),
    background,
    every=options.proposal_every,
    method="losses",
  )
  weights = loss_weights(options, setting.space)
  for name, value in own.items():
    if weight := weights.get(name, 1.0):
      loss += weight * value
    metrics[name] = value
  if options.haze_weight:
    fractions = spacing.fraction(
      samples.t, rays.near, rays.far, spacing.of_space(setting.space)
    )
    haze = photometric.haze_loss(fractions, samples.weights)
    loss += options.haze_weight * haze
    metrics["haze"] = haze
  return loss, {"loss": loss, **metrics}


def _train(
  config,
  run,
  checkpoints,
  loss,
  optimizer,
  pixels,
  state,
  key,
  evaluate,
  show,
  pace,
):
  options = config.radiance_field
  keeper = loop_keeper.LoopKeeper(
    PHASE, checkpoints, config.training, every=options.checkpoint_every
  )
  steps = train_steps.StepRunner(
    loss,
    optimizer,
    steps_per_dispatch=options.steps_per_dispatch,
    rows=options.rays_per_step if pixels.drawn_in_step else None,
    rows_at_once=ray_blocks.for_field_steps(config),
    on_steps=keeper.guard,
    on_plan=keeper.planner("a dispatch"),
  )
  step = int(state.step)
  drawn = pixels.batches(
    steps, keeper, step, options.steps, options.rays_per_step
  )
  bar = progress.progress(options.steps, PHASE, initial=step, pace=pace)
  with drawn as batches, bar as bar:
    while step < options.steps:
      before, taken = step, steps.next_length(step, options.steps)
      with keeper.stepping() as count:
        state, metrics = steps(
          state,
          pixels.constants,
          key,
          length=taken,
          batch=next(batches),
          total=options.rays_per_step,
        )
        count(taken * options.rays_per_step)
      step += taken
      bar.advance(taken, psnr=metrics["psnr"])
      save = functools.partial(state_lib.save, checkpoints, state)
      keeper.after(before, step, save)
      show(keeper, step, state.params)
      if loop_keeper.passed(before, step, options.evaluate_every):
        keeper.settle()
        save()
        checkpoints.wait()
        scores = evaluate(state.params, limit=4)
        metrics |= {**keeper.figures(step), **scores}
        run.metrics.write(phase=PHASE, step=step, **metrics)
        progress.say(f"{PHASE}: step {step} {field_scores.in_words(scores)}")
      elif loop_keeper.passed(before, step, 100):
        metrics |= keeper.figures(step)
        run.metrics.write(phase=PHASE, step=step, **metrics)
  keeper.settle()
  return state


def make_inputs(config, record: scene_record.SceneRecord) -> dict:
  """Returns what the result of this phase depends on."""
  options = config.radiance_field.to_dict()
  for name in ("evaluate_every", "checkpoint_every"):
    del options[name]
  # Runs of versions that knew none of these say nothing of them.
  for name in ("exposure_learning_rate", "pose_learning_rate", "haze_weight"):
    if not options[name]:
      del options[name]
  spaced = spacing.of_space(record.normalization.space)
  return {
    # Runs of versions that knew no other say nothing.
    **({} if spaced == "linear" else {"spacing": spaced}),
    "scene": record.content_hash,
    "normalization": phase_inputs.fingerprint(record.normalization.to_dict()),
    "background": record.background,
    "field": modules.field_inputs(config.field),
    "radiance_field": options,
    "seed": config.seed,
  }
