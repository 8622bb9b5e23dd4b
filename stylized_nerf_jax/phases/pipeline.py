"""All phases of a run in their order, each skipped when it is finished."""

import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Iterator, Sequence

import jax
import ml_collections
import numpy as np

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import user_error
from stylized_nerf_jax.evaluation import image_metrics
from stylized_nerf_jax.host import interruption, processes, progress
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.phases import (
  adaptation,
  finish,
  imported_field,
  mutual_learning,
  radiance_field,
  run_styles,
)
from stylized_nerf_jax.phases import previews as previews_lib
from stylized_nerf_jax.rows import device_memory, devices
from stylized_nerf_jax.runs import (
  batch_scaling,
  outlook,
  phase_clock,
  phase_inputs,
  run_folder,
)
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes import scene_record, tfds_address
from stylized_nerf_jax.scenes.pictures import styles as style_reader
from stylized_nerf_jax.scenes.readers import formats
from stylized_nerf_jax.scenes.selection import painted_views
from stylized_nerf_jax.stylizer import vgg

# Config fields that a phase's memory grows with.
_TO_LOWER = {
  "radiance_field": "rendering.rays_per_chunk, or raise scene.downsample",
  "stylizer": (
    "stylizer.crop or stylizer.views_per_step, or raise scene.downsample"
  ),
  "mutual_learning": (
    "mutual_learning.decoder_crop, mutual_learning.patches_per_step or "
    "rendering.rays_per_chunk, or raise scene.downsample"
  ),
  "finish": (
    "mutual_learning.finish.window or mutual_learning.finish.windows_per_step"
  ),
}


def train(
  config,
  workdir: str | pathlib.Path,
  *,
  phase: str = "all",
  from_scratch: bool = False,
  messages: Sequence[str] = (),
) -> None:
  """Runs one phase or all of them.

  SIGTERM and SIGINT end it after the step at hand, with everything saved.

  Args:
    config: of the run; `presets.get_config` and `config.from_flags` make some.
    workdir: folder of the run, made where it is missing.
    phase: "all" or one of `run_folder.PHASES`.
    from_scratch: moves what these phases have made before into `replaced/`.
    messages: said where training begins, after all that can be wrong.

  Raises:
    ValueError: what is wrong with scene, styles, weights, config or folder,
      raised before any training; or losses that are not finite.
    device_memory.OutOfMemoryError: names config fields to lower.
    interruption.Interrupted: a signal came.
    disk.DiskFullError: the run can be resumed when there is space.
  """
  config, scene, record = _prepared(config)
  run = run_folder.RunFolder(workdir)
  config = _with_style_size(config, record)
  with interruption.listening(), run.lock():
    _train(config, run, scene, record, phase, from_scratch, messages)


def _prepared(config):
  """Checks a config; returns it as it is used, its scene, and its record."""
  config = ml_collections.FrozenConfigDict(config)
  config_lib.check_values(config)
  config = batch_scaling.resolve(config)
  scene = load_scene(config)
  record = scene_record.make_scene_record(
    scene, space=config.scene.space, background=config.scene.background
  )
  return config, scene, record


def _train(
  config, run, scene, record, phase: str, from_scratch: bool, messages
) -> None:
  run.check_scene(record)
  record = run.with_frame_of_before(record)
  for message in scene.messages:
    progress.say(f"scene: {message}")
  wanted: tuple[str, ...] = (phase,)
  if phase == "all":
    wanted = phases_of(config)
  elif phase not in phases_of(config):
    raise user_error.UserError(
      "config field mutual_learning.finish.steps is 0, and --phase finish asks "
      "for a finish: give it steps, as --config fast does"
    )
  nets = styles = None
  if wanted != ("radiance_field",):
    nets = stylizer_nets.load_nets(config.weights)
    styles = stylizer_nets.load_styles(config.styles)
    for message in styles.messages:
      progress.say(f"styles: {message}")
  mutual_learning.check_options(config)
  _check_view_sizes(config, record, wanted)
  _check_predecessors(config, run, record, nets, styles, wanted[0])
  if wanted[0] == radiance_field.PHASE:
    imported_field.check_trainable(config, run, from_scratch=from_scratch)
  if config.training.tensorboard:
    run.metrics.mirror_to_tensorboard()
  # All that a user can get wrong has been checked; only now the run changes.
  to_do = wanted
  if not from_scratch:
    to_do = _left_to_do(config, run, record, nets, styles, wanted)
  for message in (*_plan(config, run, record, styles, to_do), *messages):
    progress.say(message)
  expected = outlook.Outlook(config, record, len(styles or ()), to_do)
  run.claim_scene(record)
  run.save_config(_anchored(config))
  if from_scratch:
    run.restart(wanted)
  facts = None
  if styles is not None:
    if processes.is_first():
      run_styles.store(run, styles)
    assert nets is not None
    facts = stylizer_nets.style_facts(nets, styles)
  shown = previews_lib.Previews(config, run, record, nets, facts)
  if to_do and shown.are_made:
    progress.say(
      f"previews: the latest is {run.path / previews_lib.FOLDER}/"
      f"{previews_lib.LATEST}, every {config.previews.every_seconds:g} s at "
      "most, as time allows"
    )

  @contextlib.contextmanager
  def working_on(phase):
    with (
      device_memory.advising(phase, _TO_LOWER[phase]),
      phase_clock.timing(run, phase),
    ):
      yield {"pace": expected.pace(phase), "previews": shown}

  if "radiance_field" in wanted:
    with working_on(radiance_field.PHASE) as common:
      radiance_field.train_and_evaluate(config, run, scene, **common)
  interruption.stop_if_asked("between two phases")
  if "stylizer" in wanted:
    assert nets is not None and facts is not None
    with working_on(adaptation.PHASE) as common:
      adaptation.train(config, run, nets, facts, **common)
  interruption.stop_if_asked("between two phases")
  if "mutual_learning" in wanted:
    assert nets is not None and facts is not None
    with working_on(mutual_learning.PHASE) as common:
      mutual_learning.train(config, run, nets, facts, **common)
  interruption.stop_if_asked("between two phases")
  if finish.PHASE in wanted:
    assert styles is not None
    with working_on(finish.PHASE) as common:
      finish.train(config, run, run_styles.changed(run, styles), **common)
  _say_what_is_there(config, run)


def paint_strokes(config, run: run_folder.RunFolder) -> None:
  """Gives a run whose phase 3 is finished its finish, for all its styles."""
  with device_memory.advising(finish.PHASE, _TO_LOWER[finish.PHASE]):
    finish.train(config, run, run_styles.stored(run))


def phases_of(config) -> tuple[str, ...]:
  """Returns the phases that a config asks for, in their order."""
  if finish.is_wanted(config):
    return run_folder.PHASES
  return tuple(p for p in run_folder.PHASES if p != finish.PHASE)


def import_field(
  config, workdir: str | pathlib.Path, params, *, views: int, **facts
) -> dict[str, float]:
  """Makes a finished phase 1 of parameters that another program has trained.

  Args:
    config: of the run; its `field` describes the field.
    workdir: folder of the run, made where it is missing.
    params: of the field.
    views: how many held-out views it is scored on, from the first on.
    **facts: for the manifest's entry of the phase, JSON-able.

  Returns:
    Scores on held-out views: "test_psnr", dB, and "test_ssim".

  Raises:
    ValueError: as `train`.
  """
  config, scene, record = _prepared(config)
  run = run_folder.RunFolder(workdir)
  _check_view_sizes(config, record, (radiance_field.PHASE,))
  config = _with_style_size(config, record)
  with interruption.listening(), run.lock():
    run.check_scene(record)
    record = run.with_frame_of_before(record)
    for message in scene.messages:
      progress.say(f"scene: {message}")
    run.claim_scene(record)
    run.save_config(_anchored(config))
    return imported_field.finish(
      config, run, scene, params, views=views, **facts
    )


def _left_to_do(config, run, record, nets, styles, wanted) -> tuple[str, ...]:
  """Returns those of the wanted phases whose result is not there already."""
  hashes = dict(zip(styles.names, styles.content_hashes)) if styles else {}
  inputs = {
    radiance_field.PHASE: lambda: radiance_field.make_inputs(config, record),
    adaptation.PHASE: lambda: adaptation.make_inputs(config, run, nets, hashes),
    mutual_learning.PHASE: lambda: mutual_learning.make_inputs(
      config, run, nets, hashes
    ),
    finish.PHASE: lambda: finish.make_inputs(config, run),
  }
  for index, phase in enumerate(wanted):
    # What follows a phase that is done again is done again.
    entry = run.facts(phase)
    made_from = entry["inputs"] if entry.get("finished") else None
    if made_from != phase_inputs.as_json(inputs[phase]()):
      return wanted[index:]
  return ()


def _plan(config, run, record, styles, to_do) -> Iterator[str]:
  """Says what a command is about to do, and where."""
  cameras = record.split("train")
  painted = f", {len(styles)} styles" if styles is not None else ""
  count = {phase: len(styles or ()) for phase in to_do}
  if finish.PHASE in count:
    count[finish.PHASE] = len(run_styles.changed(run, styles))
  steps = [
    f"{phase} ({outlook.steps_of(config, phase, count[phase]):,})"
    for phase in to_do
  ]
  if not steps:
    yield f"{run.path}: every phase that was asked for is finished"
    return
  yield (
    f"{run.path}: to train on {devices.in_words()}, steps in brackets: "
    f"{', '.join(steps)}; scene {record.name}, {len(cameras)} training views "
    f"of {cameras.width[0]} x {cameras.height[0]} pixels{painted}"
  )
  seen = painted_views.cameras_of(cameras, config.views.rays)
  words = painted_views.in_words(cameras, seen)
  if words and set(to_do) != {radiance_field.PHASE}:
    yield words
  if all(device.platform == "cpu" for device in jax.devices()):
    yield (
      "how long it takes is said with the steps; on a GPU it was measured once "
      "(docs/performance.md, On an H100)"
    )


def _say_what_is_there(config, run: run_folder.RunFolder) -> None:
  """Ends a command with what can be done next."""
  left = [p for p in phases_of(config) if not run.facts(p).get("finished")]
  if left:
    progress.say(f"{run.path}: left to train: {', '.join(left)}")
  else:
    progress.say(f"{run.path}: all phases are finished")


train_radiance_field = functools.partial(train, phase="radiance_field")
train_stylizer = functools.partial(train, phase="stylizer")
train_mutual_learning = functools.partial(train, phase="mutual_learning")


def _anchored(config) -> ml_collections.FrozenConfigDict:
  """Makes the scene's path absolute: a run is used from anywhere."""
  if config.scene.path == formats.SYNTHETIC:
    return config
  anchored = ml_collections.ConfigDict(config.to_dict())
  anchored.scene.path = tfds_address.absolute(config.scene.path)
  return ml_collections.FrozenConfigDict(anchored)


def _with_style_size(config, record) -> ml_collections.FrozenConfigDict:
  """Chooses the size of paintings by that of the views, if none is given."""
  if config.styles.style_size:
    return config
  sized = ml_collections.ConfigDict(config.to_dict())
  cameras = painted_views.cameras_of(record.split("train"), config.views.rays)
  sized.styles.style_size = style_reader.size_for_views(
    np.minimum(cameras.width, cameras.height)
  )
  return ml_collections.FrozenConfigDict(sized)


def _check_view_sizes(config, record, wanted) -> None:
  """Raises ValueError where views are too small for what is done to them."""
  # SSIM looks through a window; patches are two cells of E's features wide.
  limits = {"test": image_metrics.SSIM_WINDOW}
  if wanted != (radiance_field.PHASE,):
    limits["train"] = 2 * vgg.STRIDE
  if not record.splits.get("test"):  # Then training views are scored.
    limits["train"] = max(limits.pop("test"), limits.get("train", 0))
  smaller = config.scene.downsample > 1
  for split, least in limits.items():
    cameras = record.split(split)
    width, height = int(min(cameras.width)), int(min(cameras.height))
    if min(width, height) < least:
      advice = "lower scene.downsample" if smaller else "take larger pictures"
      raise user_error.UserError(
        f"config field scene.downsample is {config.scene.downsample:g}: the "
        f"smallest {split} view has {width} x {height} pixels; expected at "
        f"least {least} a side: {advice}"
      )


def _check_predecessors(config, run, record, nets, styles, phase: str):
  """Raises ValueError unless the phases before are made from this config."""
  if phase == "radiance_field":
    return
  inputs = radiance_field.make_inputs(config, record)
  run.require(radiance_field.PHASE, inputs)
  hashes = dict(zip(styles.names, styles.content_hashes)) if styles else {}
  if phase in (mutual_learning.PHASE, finish.PHASE):
    inputs = adaptation.make_inputs(config, run, nets, hashes)
    run.require(adaptation.PHASE, inputs)
  if phase == finish.PHASE:
    inputs = mutual_learning.make_inputs(config, run, nets, hashes)
    run.require(mutual_learning.PHASE, inputs)


def _with_rays_of(scene: scene_lib.Scene, options) -> scene_lib.Scene:
  """Bounds and principal points as `config.scene` has them, where it does."""
  given = {
    name: getattr(options, name)
    for name in ("near", "far")
    if getattr(options, name)
  }
  if options.principal_shift:
    shift = options.principal_shift / options.downsample
    cameras = scene.cameras
    given["cameras"] = dataclasses.replace(
      cameras, cx=cameras.cx + shift, cy=cameras.cy + shift
    )
  return dataclasses.replace(scene, **given) if given else scene


def load_scene(config) -> scene_lib.Scene:
  """Reads the scene that `config.scene` names."""
  if not config.scene.path:
    raise user_error.UserError(
      "--config.scene.path is empty; expected the folder of a scene: "
      "`stylized-nerf capture PHOTOS --out SCENE` makes one of photographs, or "
      "of a video"
    )
  scene = formats.load_scene(
    config.scene.path,
    downsample=config.scene.downsample,
    background=config.scene.background,
    format=config.scene.format,
    holdout=config.scene.holdout,
  )
  return _with_rays_of(scene, config.scene)
