"""Phase 1 of a run, finished with a field that another program has trained."""

import contextlib
import time

from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.networks import modules
from stylized_nerf_jax.phases import (
  corrected_views,
  field_scores,
  radiance_field,
)
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.training import state as state_lib

_PHASE = radiance_field.PHASE


def finish(
  config,
  run: run_folder.RunFolder,
  scene: scene_lib.Scene,
  params,
  *,
  views: int,
  **facts,
) -> dict[str, float]:
  """Finishes phase 1 of a run with a field that others have trained.

  Args:
    config: of the run; its `field` describes the field.
    run: the run's folder, which the scene has claimed.
    scene: the photographs, to score the field on.
    params: of the field.
    views: how many held-out views it is scored on, from the first on.
    **facts: for the manifest.

  Returns:
    Its scores on held-out views.
  """
  record = run.scene()
  inputs = radiance_field.make_inputs(config, record)
  if run.begin(_PHASE, inputs) == "done":
    progress.say(f"{_PHASE}: imported before, nothing to do")
    return run.facts(_PHASE)["scores"]
  field = modules.radiance_field(config.field, record.normalization.space)
  setting = modules.ray_setting(record)
  optimizer = radiance_field.make_optimizer(
    config.radiance_field, setting.space
  )
  corrected = corrected_views.CorrectedViews.of(config.radiance_field, record)
  state = state_lib.create(params, optimizer)
  if corrected:  # None of these photographs was ever looked at.
    state = state.replace(params=corrected.with_views(params))
  with contextlib.closing(run.checkpoints(_PHASE, config.training)) as saved:
    state_lib.save(saved, state)
  evaluate = field_scores.FieldScores(field, setting, scene, record, config)
  started = time.monotonic()
  scores = evaluate(params, limit=views)
  run.metrics.write(phase=_PHASE, step=0, **scores)
  run.finish(_PHASE, scores=scores, seconds=0.0, **facts)
  progress.say(
    f"{_PHASE}: imported; {field_scores.in_words(scores)} on "
    f"{min(views, len(evaluate))} held-out views, rendered in "
    f"{time.monotonic() - started:.0f} s"
  )
  return scores


def check_trainable(
  config, run: run_folder.RunFolder, *, from_scratch: bool
) -> None:
  """Raises ValueError where phase 1 would train what a run has imported.

  Args:
    config: of the run.
    run: its folder.
    from_scratch: whether the results of phase 1 are about to be moved away.
  """
  imported = config.field.kind == "jaxnerf" and config.field.jaxnerf.checkpoint
  entry = run.facts(_PHASE)
  made = entry.get("inputs", {}).get("field", {}).get("checkpoint")
  there = entry.get("finished") and made == imported and not from_scratch
  if imported and not there:
    raise user_error.UserError(
      f"config field field.jaxnerf.checkpoint is {imported!r}, an imported "
      f"field which {run.path} does not hold; import it with `stylized-nerf "
      "import-jaxnerf`, or set this field empty to train one"
    )
