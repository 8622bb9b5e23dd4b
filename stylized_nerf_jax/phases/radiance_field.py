"""Phase 1: a radiance field from photographs.

MSE of rendered rays against photographed pixels (method: section 3), with the
coarse pass of the positional field, or the interlevel and distortion losses of
the hash grid, beside it.
"""

import contextlib
import functools
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.evaluation import image_metrics
from stylized_nerf_jax.fields import hash_encoding
from stylized_nerf_jax.host import interruption, processes, progress
from stylized_nerf_jax.losses import photometric
from stylized_nerf_jax.networks import modules, ray_blocks
from stylized_nerf_jax.phases import training_pixels
from stylized_nerf_jax.pixels import pixel_bank
from stylized_nerf_jax.rendering import image_rendering, renderer, spacing
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rows import prng
from stylized_nerf_jax.runs import loop_keeper, run_folder
from stylized_nerf_jax.scenes import normalization, scene_record
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.training import state as state_lib
from stylized_nerf_jax.training import train_steps

PHASE = "radiance_field"
_SCHEDULES = ("cosine", "exponential")


def train_and_evaluate(
  config, run: run_folder.RunFolder, scene: scene_lib.Scene
) -> None:
  """Trains the field of a run, from where it stopped, and scores it.

  Args:
    config: the run's config.
    run: the run's folder, which the scene has claimed.
    scene: the photographs.
  """
  record = run.scene()
  state_of_work = run.begin(PHASE, make_inputs(config, record))
  if state_of_work == "done":
    progress.say(f"{PHASE}: finished before, nothing to do")
    return
  field = modules.radiance_field(config.field, record.normalization.space)
  setting = modules.ray_setting(record)
  params = init_params(field, record, seed=config.seed)
  optimizer = make_optimizer(config.radiance_field, setting.space)
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
  evaluate = HeldOutViews(field, setting, scene, record, config)
  started = time.monotonic()
  with contextlib.closing(checkpoints):
    state = _train(
      config, run, checkpoints, field, setting, pixels, state, key, evaluate
    )
    seconds = time.monotonic() - started
    state_lib.save(checkpoints, state)
  scores = evaluate(state.params)
  run.metrics.write(phase=PHASE, step=state.step, **scores)
  run.finish(PHASE, scores=scores, seconds=round(seconds, 1))
  progress.say(
    f"{PHASE}: {_scores_line(scores)} on {len(evaluate)} held-out views "
    f"after {seconds:.0f} s"
  )


def load_params(config, run: run_folder.RunFolder):
  """Loads the parameters of the field of a finished phase 1."""
  run.phase_fingerprint(PHASE)
  record = run.scene()
  field = modules.radiance_field(config.field, record.normalization.space)
  like = jax.eval_shape(
    functools.partial(init_params, field, record, seed=config.seed)
  )
  return state_lib.restore_params(run.checkpoints(PHASE), like)


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


def check_options(options) -> None:
  """Raises ValueError unless `config.radiance_field` can be trained with."""
  if options.schedule not in _SCHEDULES:
    raise ValueError(
      f"radiance_field.schedule is {options.schedule!r}; expected "
      + " or ".join(_SCHEDULES)
    )
  if options.schedule == "exponential" and options.learning_rate_final <= 0:
    raise ValueError(
      "radiance_field.learning_rate_final is "
      f"{options.learning_rate_final}; expected more than 0 with "
      "radiance_field.schedule=exponential"
    )
  if options.proposal_every < 1:
    raise ValueError(
      f"radiance_field.proposal_every is {options.proposal_every}; expected 1 "
      "or more: of so many rays one teaches the proposal"
    )


def make_optimizer(
  options, space: normalization.RaySpace
) -> optax.GradientTransformation:
  """Adam whose rate falls over the phase.

  Args:
    options: `config.radiance_field`.
    space: that the rays live in.

  Raises:
    ValueError: as `check_options`.
  """
  check_options(options)
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


def decayed_tables(params, space: normalization.RaySpace) -> list:
  """Lists the feature tables that decay: all, or the field's alone.

  In a box, what haze the proposal has before a camera draws samples away from
  surfaces. In a contracted space it decays until it says the same everywhere,
  since most of that space is seen by no ray.

  Args:
    params: of the field.
    space: that the rays live in.
  """
  if space.kind == "contracted":
    params = {k: v for k, v in params.items() if not k.startswith("proposal")}
  return hash_encoding.tables(params)


def step_keys(key: jax.Array) -> jax.Array:
  """Splits the key of a step: for pixels, samples and backgrounds, [3]."""
  return jax.random.split(key, 3)


def loss_fn(
  params, bank, batch, key, *, field, setting, options
) -> tuple[jax.Array, dict[str, jax.Array]]:
  """Loss of one batch of rays.

  Args:
    params: of the field.
    bank: training pixels, or of those that are drawn elsewhere the cameras.
    batch: how many rays to draw here, R; or view [R], xy [R, 2] and colors
      [R, 3] uint8, as `PixelStore` draws them.
    key: random key of the step and of these rays.
    field: the module.
    setting: of the scene.
    options: `config.radiance_field`.

  Returns:
    (loss [], metrics).
  """
  draw_key, sample_key, behind_key = step_keys(key)
  if isinstance(batch, int):
    view, xy, colors = bank.draw(draw_key, batch)
  else:
    view, xy, colors = batch
    colors = pixel_bank.as_floats(colors)
  rays = rays_lib.cast_rays(bank.view_cameras(view), xy, setting.space)
  bound = {"params": params}
  samples, aux = field.apply(
    bound, rays, sample_key, noise=options.density_noise, method="sample"
  )
  sample_colors = field.apply(bound, samples, rays.viewdirs, method="color")
  background = setting.background
  if background is None:
    # Against a colour that changes with every step, only opacity helps.
    background = jax.random.uniform(behind_key, colors.shape)
  rgb = renderer.composite_colors(samples.weights, sample_colors, background)
  mse = photometric.mse(rgb, colors)
  loss = mse
  parts = {}
  if "coarse_rgb" in aux:
    coarse_rgb = aux["coarse_rgb"] + (
      1.0 - aux["coarse_opacity"][..., None]
    ) * jnp.asarray(background)
    parts["coarse_mse"] = photometric.mse(coarse_rgb, colors)
    loss += parts["coarse_mse"]
  tables = decayed_tables(params, setting.space)
  decay = decay_weight(options, setting.space)
  if decay and tables:
    parts["grid_decay"] = photometric.grid_decay(tables)
    loss += decay * parts["grid_decay"]
  if "proposal_weights" in aux:
    # Computed once more for the rays that teach it: gradients of the others
    # would be a fifth of a step.
    taught, found = jax.tree.map(
      lambda values: values[:: options.proposal_every], (rays, aux)
    )
    parts["interlevel"] = photometric.interlevel_loss(
      found["edges"],
      found["weights"],
      found["proposal_edges"],
      field.apply(
        bound, taught, found["proposal_t"], method="proposal_weights"
      ),
    )
    parts["distortion"] = photometric.distortion_loss(
      aux["edges"], aux["weights"]
    )
    loss += options.interlevel_weight * parts["interlevel"]
    loss += options.distortion_weight * parts["distortion"]
  psnr = photometric.mse_to_psnr(mse)
  return loss, {"loss": loss, "mse": mse, "psnr": psnr, **parts}


class HeldOutViews:
  """Renders and scores the views that no training pixel came from."""

  def __init__(self, field, setting, scene, record, config):
    name = "test" if scene.splits.get("test") else "train"
    self._scene = scene.split(name)
    self._cameras = rays_lib.camera_arrays(
      self._scene.cameras, record.normalization
    )
    self._render = image_rendering.make_image_renderer(
      field,
      None,
      setting,
      rays_per_chunk=ray_blocks.per_chunk(config),
      rays_at_once=ray_blocks.for_rendering(config),
    )

  def __len__(self) -> int:
    return len(self._scene)

  def __call__(self, params, *, limit: int | None = None) -> dict[str, float]:
    """Returns mean PSNR and SSIM over the views, or the first `limit`."""
    psnrs, ssims = [], []
    for i in range(min(len(self), limit or len(self))):
      # Nothing is lost: training saves before it asks for scores.
      interruption.stop_if_asked("while held-out views are scored")
      camera = self._scene.cameras[i]
      rendered = self._render(
        {"field": params},
        jax.tree.map(lambda values: values[i], self._cameras),  # noqa: B023
        camera.height,
        camera.width,
      )
      photo = self._scene.images[i]
      psnrs.append(float(image_metrics.psnr(rendered.rgb, photo)))
      ssims.append(float(image_metrics.ssim(rendered.rgb, photo)))
    return {
      "test_psnr": float(np.mean(psnrs)),
      "test_ssim": float(np.mean(ssims)),
    }


def _train(
  config, run, checkpoints, field, setting, pixels, state, key, evaluate
):
  options = config.radiance_field
  loss = functools.partial(
    loss_fn,
    field=field,
    setting=setting,
    options=options,
  )
  optimizer = make_optimizer(options, setting.space)
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
  bar = progress.progress(options.steps, PHASE, initial=step)
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
      if loop_keeper.passed(before, step, options.evaluate_every):
        keeper.settle()
        save()
        checkpoints.wait()
        scores = evaluate(state.params, limit=4)
        metrics |= {**keeper.figures(), **scores}
        run.metrics.write(phase=PHASE, step=step, **metrics)
        progress.say(f"{PHASE}: step {step} {_scores_line(scores)}")
      elif loop_keeper.passed(before, step, 100):
        metrics |= keeper.figures()
        run.metrics.write(phase=PHASE, step=step, **metrics)
  keeper.settle()
  return state


def make_inputs(config, record: scene_record.SceneRecord) -> dict:
  """Returns what the result of this phase depends on."""
  options = config.radiance_field.to_dict()
  for name in ("evaluate_every", "checkpoint_every"):
    del options[name]
  kind = config.field.kind
  spaced = spacing.of_space(record.normalization.space)
  return {
    # Runs of versions that knew no other say nothing.
    **({} if spaced == "linear" else {"spacing": spaced}),
    "scene": record.content_hash,
    "normalization": run_folder.fingerprint(record.normalization.to_dict()),
    "background": record.background,
    "field": {"kind": kind, **getattr(config.field, kind).to_dict()},
    "radiance_field": options,
    "seed": config.seed,
  }


def _scores_line(scores) -> str:
  return f"PSNR {scores['test_psnr']:.2f} dB, SSIM {scores['test_ssim']:.3f}"
