"""Makes the report of a run: RUN/report.html, one page with all in it.

What a run does not have is left out, and the page names the command that makes
it. The page is written beside the old one and takes its place when it is whole.
"""

import importlib
import pathlib
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import disk, processes, progress
from stylized_nerf_jax.outputs.report_page import (
  camera_plan,
  charts,
  citation,
  facts,
  media,
  page,
)
from stylized_nerf_jax.phases import pipeline, run_styles
from stylized_nerf_jax.rows import device_memory
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.tasks.reports import evaluated as evaluated_lib
from stylized_nerf_jax.tasks.reports import pictures, run_facts

NAME = "report.html"
FILM_MINUTES = 2.0
_TO_LOWER = "rendering.rays_per_chunk in the run's config.json"


def make(
  workdir: str | pathlib.Path,
  *,
  out: str | pathlib.Path | None = None,
  film_minutes: float = FILM_MINUTES,
) -> pathlib.Path:
  """Writes the report of a run.

  Args:
    workdir: of the run.
    out: file to write; None: report.html in the run.
    film_minutes: that the rendering of films may take where the run has none;
      0: none are rendered.

  Returns:
    The file.

  Raises:
    ValueError: the folder is no run, or the file cannot be written.
  """
  if pathlib.Path(workdir).is_file():
    raise user_error.UserError(
      f"{workdir} is a file; expected the folder of a run: a report tells of "
      "training, which a model file does not hold"
    )
  if not 0 <= film_minutes <= 24 * 60:
    raise user_error.UserError(
      f"--film-minutes {film_minutes:g}; expected 0 to 1440"
    )
  run = run_folder.RunFolder(workdir)
  target = pathlib.Path(out) if out else run.path / NAME
  _check_target(target)
  with device_memory.advising("report", _TO_LOWER):
    text = page.write(_gather(run, film_minutes))
  _write(target, text)
  progress.say(
    f"wrote {target} ({run_facts.size_in_words(len(text.encode()))}), which "
    "opens in any browser and needs nothing beside it"
  )
  return target


def make_after(
  workdir: str | pathlib.Path, *, film_minutes: float = 0.0
) -> pathlib.Path | None:
  """Writes the report at the end of another command, which it never fails.

  What the command has made is on disk. Where the report cannot be made, a line
  says why; a defect of ours shows its traceback, too.

  Args:
    workdir: of the run.
    film_minutes: as of `make`.

  Returns:
    The file; None: there is none, or none of this run as it is.
  """
  if processes.count() > 1:
    return None
  again = f"the run is whole; `stylized-nerf report {workdir}` tries"
  try:
    return make(workdir, film_minutes=film_minutes)
  except (user_error.UserError, OSError) as error:
    text = " ".join(str(error).split())
    progress.say(f"report: not made ({text}); {again} again")
  except Exception:
    traceback.print_exc(file=sys.stderr)
    progress.say(
      "report: not made, which looks like a defect of stylized-nerf; please "
      f"report it with these lines; {again} again"
    )
  return None


def _gather(run: run_folder.RunFolder, film_minutes: float) -> facts.Page:
  """Collects what a run has."""
  record = run.scene()
  config = config_lib.completed(run.config())
  names = run_facts.style_names(run)
  shown = names[: pictures.MOST_STYLES]
  evaluated = evaluated_lib.read(run, names)
  missing: list[tuple[str, str]] = []
  found: dict[str, Any] = _photographs(config, missing)
  found |= _plates(run, shown, evaluated, film_minutes, missing)
  if len(names) > len(shown):
    found["lead_more"] = f" The first {len(shown)} are shown."
  _name_missing(run, config, names, evaluated, missing)
  if evaluated.scores is not None:
    found |= {
      "scores": run_facts.score_table(evaluated.scores),
      "scores_note": run_facts.score_note(evaluated.scores),
      "advice": run_facts.advice(evaluated.verdicts),
    }
    found |= pictures.disagreement(evaluated, shown)
  rows = run.metrics.read()
  version = importlib.import_module("stylized_nerf_jax").__version__
  path = None if evaluated.measured is None else evaluated.measured.cameras
  plan = camera_plan.draw(record.cameras, record.splits, path)
  return facts.Page(
    title=run_facts.scene_title(record),
    lead=run_facts.lead(record, run, names) + found.pop("lead_more", ""),
    curves=charts.figures(rows),
    plan=plan,
    plan_note=_plan_note(record, plan, path),
    costs=run_facts.costs(config, run, rows, len(names)),
    disk=run_facts.disk(run.path),
    versions=run_facts.versions(run, version),
    config=run_facts.plain_config(config),
    missing=missing,
    citation=citation.lines(version),
    bibtex=citation.bibtex(version),
    made=run_facts.made(run, version),
    **found,
  )


def _photographs(config, missing) -> dict[str, Any]:
  """Reads some photographs, if they are still where they were."""
  try:
    scene = pipeline.load_scene(config)
    some = pictures.photographs(scene)
  except (user_error.UserError, OSError) as error:
    text = " ".join(str(error).split())
    missing.append((f"The photographs cannot be read: {text}", ""))
    return {}
  width, height = scene.cameras.width, scene.cameras.height
  size = f"{int(width[0])} x {int(height[0])} pixels"
  held = len(scene.splits.get("test", ()))
  note = f"{len(some)} of {len(scene)}, trained on at {size}"
  if held:
    note += f"; {held} were held out"
  return {"photographs": some, "photographs_note": f"{note}."}


def _plates(
  run: run_folder.RunFolder,
  names: Sequence[str],
  evaluated: evaluated_lib.Evaluated,
  film_minutes: float,
  missing,
) -> dict[str, Any]:
  """Makes the plates of all styles, and the mix of two."""
  if not run.facts("radiance_field").get("finished"):
    return {}
  model = model_lib.StylizedNerf.load(run.path)
  stills = _stills(model, names, evaluated)
  if not names:
    return {"photographed": stills[None]}
  films = pictures.films(run, evaluated, names)
  if len(films) < len(names) and film_minutes:
    left = [name for name in names if name not in films]
    films |= pictures.render_films(
      run,
      model,
      left,
      minutes=film_minutes,
      most=pictures.limit("film", len(names)),
    )
  if len(films) < len(names):
    missing.append(
      ("Films of the styles", run_facts.command("report", run))
      if not film_minutes
      else (
        "Films of the styles take longer than was allowed",
        run_facts.command(
          "report", run, "--film-minutes", f"{5 * film_minutes:g}"
        ),
      )
    )
  paintings = pictures.paintings(run_styles.stored(run), names)
  verdicts = evaluated.verdicts
  found: dict[str, Any] = {
    "photographed": stills[None],
    "plates": [
      facts.Plate(
        name,
        run_facts.title(name),
        painting=paintings.get(name),
        stylized=stills[name],
        film=films.get(name),
        verdict=verdicts.get(name),
      )
      for name in names
    ],
  }
  if len(names) > 1:
    camera = pictures.still_camera(model)
    first, second = names[0], names[-1]
    found["mix"] = pictures.mix(model, camera, first, second)
    found["mix_title"] = (
      f"From {run_facts.title(first)} to {run_facts.title(second)}, in per "
      f'cent of the latter: render --style "{first}:0.5,{second}:0.5".'
    )
  return found


def _stills(
  model: model_lib.StylizedNerf,
  names: Sequence[str],
  evaluated: evaluated_lib.Evaluated,
) -> dict[str | None, media.Picture]:
  """Finds or renders one view as photographed (None), and in all styles."""
  measured = evaluated.measured
  pixels: dict[str | None, Any] = {}
  if (
    measured is not None
    and measured.content is not None
    and set(names) <= set(evaluated.stylized)
  ):
    pixels[None] = measured.content[evaluated.target]
    for name in names:
      pixels[name] = evaluated.stylized[name][evaluated.target]
  else:
    camera = pictures.still_camera(model)
    if names:
      traced = model.trace(camera)
      pixels[None] = traced.photographed.rgb
      with progress.progress(len(names), "pictures of the report") as bar:
        for name in names:
          pixels[name] = model.paint(traced, name).rgb
          bar.advance()
    else:
      pixels[None] = model.render(camera).rgb
  return {
    name: pictures.photographed(values)
    if name is None
    else pictures.stylized(name, values, len(names))
    for name, values in pixels.items()
  }


def _name_missing(run, config, names, evaluated, missing) -> None:
  """Names what is not there, and what makes it."""
  left = [
    phase
    for phase in pipeline.phases_of(config)
    if not run.facts(phase).get("finished")
  ]
  if left:
    what = f"Phases that are left to train: {', '.join(left)}"
    missing.append((what, run_facts.train_command(run)))
  if evaluated.problem:
    problem = evaluated.problem[:1].upper() + evaluated.problem[1:]
    missing.append((problem, run_facts.command("evaluate", run)))
  elif evaluated.scores is None and names and not left:
    what = "Scores, verdicts, and maps of where frames disagree"
    missing.append((what, run_facts.command("evaluate", run)))


def _plan_note(record, plan, path) -> str:
  note = "Wedges are cameras, opening to what they see"
  if record.splits.get("test"):
    note += "; those of the other colour were held out"
  if f'class="{camera_plan.FOCUS}"' in plan:
    note += "; the cross is what they look at"
  return note + (
    ". The dotted line is the flight." if path is not None else "."
  )


def _check_target(target: pathlib.Path) -> None:
  """Raises ValueError where nothing can be written, before it is made."""
  if target.suffix.lower() not in (".html", ".htm"):
    raise user_error.UserError(
      f"--out {target}: expected a name that ends in .html"
    )
  if target.is_dir():
    raise user_error.UserError(f"{target} is a folder: name a file")
  if not target.parent.is_dir():
    raise user_error.UserError(
      f"{target.parent} is no folder: a report is made of a run that is there"
    )


def _write(target: pathlib.Path, text: str) -> None:
  """Writes a file so that a kill leaves the old one or the new."""
  partial = target.with_name(f".{target.name}.partial")
  try:
    with disk.writing(target):
      partial.write_text(text, encoding="utf-8")
      partial.replace(target)
  except OSError:
    partial.unlink(missing_ok=True)
    raise
