"""What the files of a run tell in words and figures."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
import shlex
from collections.abc import Mapping, Sequence

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax.evaluation import report as scores_lib
from stylized_nerf_jax.evaluation import shortfalls
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.outputs import style_titles
from stylized_nerf_jax.phases import run_styles
from stylized_nerf_jax.rows import devices
from stylized_nerf_jax.runs import outlook, phase_clock, run_folder

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")
_PHASES = {
  "radiance_field": "radiance field",
  "stylizer": "2D stylizer",
  "mutual_learning": "mutual learning",
  "finish": "finish",
}


def title(name: str) -> str:
  """Writes the name of a style or a scene for people."""
  return style_titles.style_title(name).text


def scene_title(record) -> str:
  """Writes the name of a scene for people."""
  if record.format == "synthetic":
    return "The embedded scene"
  return title(record.name) or "A scene"


def style_names(run: run_folder.RunFolder) -> list[str]:
  """Returns the styles of a run whose phase 3 is finished."""
  entry = run.facts("mutual_learning")
  if not entry.get("finished"):
    return []
  return run_styles.names(run)


def lead(record, run: run_folder.RunFolder, styles: Sequence[str]) -> str:
  """Says what was done, in a sentence or two."""
  count = len(record.cameras)
  text = f"{count} photographs became a scene that can be flown through"
  if len(styles) == 1:
    text += ", and the scene was painted in one style"
  elif styles:
    text += f", and the scene was painted in {in_words(len(styles))} styles"
  found = run.facts("radiance_field")
  scores = found.get("scores") or {}
  if not found.get("finished"):
    return (
      f"{count} photographs are to become a scene: its first phase is not "
      "finished yet."
    )
  if "test_psnr" in scores:
    held = len(record.splits.get("test", ()))
    where = f"{held} photographs it was not trained on" if held else "them"
    text += (
      f". As photographed it comes to {scores['test_psnr']:.1f} dB on {where}"
    )
  return f"{text}."


def in_words(count: int) -> str:
  """Writes small numbers as words."""
  words = "no one two three four five six seven eight nine ten eleven twelve"
  return words.split()[count] if count <= 12 else str(count)


def score_table(scores: Mapping) -> list[list[str]]:
  """Chooses the figures that limits are set for; rows by style.

  Args:
    scores: a report of `evaluation.report`.
  """
  gaps = scores["protocol"]["gaps"]
  rows = {(row["name"], row["style"]): row for row in scores["sequences"]}
  table = [
    [
      "style",
      *(f"RMSE {gap}, of AdaIN's" for gap in gaps),
      "realism, of the scene's",
      "edges",
      "detail, of AdaIN's",
    ]
  ]
  for (name, style), row in rows.items():
    if name != scores_lib.STYLIZED or style is None:
      continue
    ratios = row.get("ratios") or {}
    floor = rows.get((scores_lib.FLOOR, style), {})
    realism, below = row.get("realism"), floor.get("realism")
    table.append(
      [
        title(style),
        *(_number((ratios.get("rmse") or {}).get(str(gap))) for gap in gaps),
        _number(realism / below if realism and below else None),
        _number(row.get("content_edges")),
        _number(ratios.get("high_frequency_energy")),
      ]
    )
  return table


def score_note(scores: Mapping) -> str:
  """Says what the figures of `score_table` are, and their limits."""
  note = (
    "RMSE at a gap: how much frames so many apart differ where they see the "
    "same surface, as a share of what frames do that AdaIN stylized by "
    f"themselves (at most {shortfalls.MOST_ERROR:g}). Realism: how far places "
    "of the frames are from the painting's, over that of the unpainted scene "
    f"(at most {shortfalls.MOST_REALISM:g}). Edges: their correlation with the "
    "unpainted scene's. Detail: fine contrast, over AdaIN's; blurred is what "
    f"has less than {shortfalls.LEAST_DETAIL:g} of AdaIN's, of the unpainted "
    "scene's and of the painting's. Of all that was measured, "
    "evaluation/report.json has every digit."
  )
  held_out = scores_lib.held_out_line(scores)
  return f"{note} {held_out}." if held_out else note


def advice(verdicts: Mapping[str, shortfalls.Verdict]) -> str:
  """Says in a sentence what to do about the verdicts."""
  if not verdicts:
    return ""
  failed = [v for v in verdicts.values() if v.reasons]
  if not failed:
    return (
      "Every style is steady, in style and readable: take them further with "
      "the dials of render, or add paintings."
    )
  tips = [v.advice for v in failed]
  tip = max(tips, key=tips.count)
  count = f"{in_words(len(failed))} of {in_words(len(verdicts))}"
  styles = "style misses" if len(verdicts) == 1 else "styles miss"
  if len(failed) == 1:
    styles = "style misses" if len(verdicts) == 1 else "styles misses"
  return f"{count[:1].upper()}{count[1:]} {styles} a limit; try {tip}."


def costs(
  config, run: run_folder.RunFolder, rows: Sequence[Mapping], styles: int
) -> list[list[str]]:
  """Makes the table of what each phase took: steps, time, memory.

  Args:
    config: of the run.
    run: its folder.
    rows: of metrics.jsonl.
    styles: how many there are.
  """
  table = [["phase", "steps", "time", "memory"]]
  total, whole = 0.0, True
  for phase in run_folder.PHASES:
    if not run.facts(phase):
      continue
    own = [row for row in rows if row.get("phase") == phase]
    spent = phase_clock.seconds(run, phase)
    shown = "-"
    if spent is None and (spent := _seconds_of_steps(own)) is not None:
      shown = f"{progress.in_words(spent)} of steps"
      whole = False
    elif spent is not None:
      shown = progress.in_words(spent)
    total += spent or 0.0
    whole = whole and spent is not None
    memory = [row["memory_mib"] for row in own if row.get("memory_mib")]
    table.append(
      [
        _PHASES[phase],
        f"{outlook.steps_of(config, phase, max(styles, 1)):,}",
        shown,
        f"{max(memory) / 1024:.1f} GiB" if memory else "-",
      ]
    )
  if len(table) > 2 and whole:
    table.append(["all", "", progress.in_words(total), ""])
  return table if len(table) > 1 else []


def disk(folder: pathlib.Path) -> list[tuple[str, str]]:
  """Lists what takes room in a run, largest first."""
  sizes = {}
  for path in sorted(folder.iterdir()):
    size = _size(path)
    name = f"{path.name}/" if path.is_dir() else "other files"
    sizes[name] = sizes.get(name, 0) + size
  ordered = sorted(sizes.items(), key=lambda pair: -pair[1])
  total = sum(sizes.values())
  return [
    *((name, size_in_words(size)) for name, size in ordered if size),
    ("all", size_in_words(total)),
  ]


def size_in_words(size: int) -> str:
  """Writes bytes as kB or MB."""
  if size < 1e6:
    return f"{max(1, round(size / 1e3)):,} kB"
  return f"{size / 1e6:.1f} MB" if size < 1e8 else f"{size / 1e6:,.0f} MB"


def versions(run: run_folder.RunFolder, program: str) -> list[tuple[str, str]]:
  """Lists the programs that made the report, and the sources of the run."""
  found = [("stylized_nerf_jax", program)]
  revisions = {run.facts(phase).get("revision") for phase in run_folder.PHASES}
  if named := sorted(filter(None, revisions)):
    found.append(("sources of the run", ", ".join(named)))
  found.append(("Python", platform.python_version()))
  for package in _PACKAGES:
    found.append((package, importlib.metadata.version(package)))
  found.append(("device of the report", devices.in_words()))
  return found


def plain_config(config) -> dict:
  """Returns a config without the folders that paths lead through.

  A report is passed on; where files lie is of nobody else's business.
  """

  def short(value):
    if isinstance(value, dict):
      return {key: short(item) for key, item in value.items()}
    if isinstance(value, str) and os.sep in value:
      return pathlib.PurePath(value).name
    return value

  return short(config_lib.plain(config))


def made(run: run_folder.RunFolder, program: str) -> str:
  """Says when the report was made, by what, of what."""
  today = datetime.date.today()
  name = run.path.resolve().name
  return f"{today.day} {today:%B %Y} · run {name} · stylized_nerf_jax {program}"


def command(name: str, run: run_folder.RunFolder, *more: str) -> str:
  """Writes a command on a run as a shell takes it."""
  words = ["stylized-nerf", name, str(run.path), *more]
  return shlex.join(words)


def train_command(run: run_folder.RunFolder) -> str:
  """Writes what trains the phases that are left."""
  config = f"--config={run.path / 'config.json'}"
  return command("train", run, config)


def _seconds_of_steps(rows: Sequence[Mapping]) -> float | None:
  """Adds up what steps took, for runs of which nobody noted more."""
  seconds, before = 0.0, None
  for row in rows:
    each, step = row.get("seconds_per_step"), row.get("step")
    if each and before is not None and step > before:
      seconds += each * (step - before)
    before = step
  return seconds or None


def _size(path: pathlib.Path) -> int:
  if path.is_symlink():
    return 0
  if path.is_file():
    return path.stat().st_size
  return sum(map(_size, path.iterdir())) if path.is_dir() else 0


def _number(value: float | None) -> str:
  return "-" if value is None else f"{value:.2f}"
