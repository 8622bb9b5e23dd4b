"""The evaluation report: one JSON schema, and the tables made from it.

A report (schema "stylized-nerf-jax/evaluation", version 1) holds

  "protocol": {"frames", "width", "height", "gaps", "scene_scale",
    "tolerance", "minimum_overlap"}; lengths in the scene file's units. Of a
    run also "geometry": "field", or "exact" where the scene's depth is known.
    Of renders of held-out views alone {"renders", "program" (null where their
    names do not tell), "named_by", "scene", "split", "width", "height",
    "gaps": []}.
  "held_out": null, or {"psnr", "ssim", "lpips"}, means over the photographs
    that training never saw, and "views", the same for each with its "name".
  "sequences": a list of {"name", "style" (null for unstylized frames), "note"
    (what is special about the row, or ""), everything
    `frames.score_frames` returns, and "ratios"}. Rows of pictures that are
    compared with a painting alone have an empty "consistency"; reports from
    before a measure came lack its key.
  "ratios": null, or {"reference" (the name of a row of the same style),
    "rmse" and "lpips" ({gap: ratio}), "style_distance" and
    "high_frequency_energy"}: this row's value over the reference's.

Values that were not measured, or are not finite, are null. Keys are only ever
added under one version; a changed meaning changes the version.
"""

import json
import math
import os
import pathlib
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stylized_nerf_jax import user_error

SCHEMA = "stylized-nerf-jax/evaluation"
VERSION = 1
WIDTH = 100  # columns of a terminal
_NAME_WIDTH = 26
MEANING = "docs/evaluation.md says what the columns mean"

# Rows of a run's report.
STYLIZED = "stylized NeRF"
REFERENCE = "per-frame AdaIN"
ADAPTED = "per-frame AdaIN, adapted"
FLOOR = "unstylized (floor)"

Row = Mapping[str, Any]


def make_report(
  sequences: Sequence[Row],
  *,
  protocol: Mapping[str, Any],
  held_out: Mapping[str, Any] | None = None,
  reference: str | None = None,
) -> dict[str, Any]:
  """Put scores together.

  Args:
    sequences: what `frames.score_frames` returned for each sequence, with
      "name" and, where they apply, "style" and "note" added.
    protocol: what `frames.describe_protocol` returned.
    held_out: scores on held-out photographs.
    reference: the name of the rows that ratios are taken to: the one of the
      same style.

  Returns:
    The report.
  """
  references = {
    row.get("style"): row for row in sequences if row["name"] == reference
  }
  rows = []
  for row in sequences:
    base = references.get(row.get("style"))
    rows.append(
      {
        "name": row["name"],
        "style": row.get("style"),
        "note": row.get("note", ""),
        **{k: v for k, v in row.items() if k not in ("name", "style", "note")},
        "ratios": None if base is None else _ratios(row, base),
      }
    )
  return {
    "schema": SCHEMA,
    "version": VERSION,
    "protocol": dict(protocol),
    "held_out": None if held_out is None else dict(held_out),
    "sequences": rows,
  }


def _ratios(row: Row, base: Row) -> dict[str, Any]:
  """Divide a row's scores by those of another row."""
  ratios = {"reference": base["name"]}
  for name in ("rmse", "lpips"):
    bases = {entry["gap"]: entry[name] for entry in base["consistency"]}
    ratios[name] = {
      str(entry["gap"]): _divide(entry[name], bases.get(entry["gap"]))
      for entry in row["consistency"]
    }
  for name in ("style_distance", "high_frequency_energy"):
    ratios[name] = _divide(row[name], base[name])
  return ratios


def _divide(value: float | None, base: float | None) -> float | None:
  """Divide, where both are there."""
  return value / base if value is not None and base else None


def folder_of(method: str) -> str:
  """Return the folder of a method's frames: no blanks and no commas."""
  if method == STYLIZED:
    return "stylized"
  return method.replace(" ", "-").replace(",", "")


def check_destination(path: str | pathlib.Path) -> None:
  """Raise where a report could not be written, before hours of scoring.

  Raises:
    ValueError: the folder is missing or not writable, or the file is a folder.
  """
  path = pathlib.Path(path)
  if path.is_dir() or not os.access(path.parent, os.W_OK):
    raise user_error.UserError(
      f"{path}: the report cannot be written; name a file in an existing,"
      " writable folder"
    )


def write_report(report: Mapping[str, Any], path: str | pathlib.Path) -> None:
  """Write a report as strict JSON; what is not finite becomes null.

  Raises:
    ValueError: as `check_destination`.
  """
  check_destination(path)
  text = json.dumps(_finite(report), indent=1, allow_nan=False)
  pathlib.Path(path).write_text(text + "\n")


def _finite(value: Any) -> Any:
  """Replace NaN and infinity in a tree of JSON values by None."""
  if isinstance(value, Mapping):
    return {key: _finite(child) for key, child in value.items()}
  if isinstance(value, (list, tuple)):
    return [_finite(child) for child in value]
  if isinstance(value, float) and not math.isfinite(value):
    return None
  return value


def read_report(path: str | pathlib.Path) -> dict[str, Any]:
  """Read a report that `write_report` wrote.

  Raises:
    ValueError: the file is missing, is no JSON, or has another schema or
      version.
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise user_error.UserError(f"{path}: no such report")
  try:
    report = json.loads(path.read_text())
  except ValueError as error:
    raise user_error.UserError(f"{path}: not valid JSON ({error})") from error
  found = (
    (report.get("schema"), report.get("version"))
    if isinstance(report, dict)
    else (None, None)
  )
  if found != (SCHEMA, VERSION):
    raise user_error.UserError(
      f"{path}: schema {found[0]!r} version {found[1]!r}, expected {SCHEMA!r}"
      f" version {VERSION}; evaluate again"
    )
  return report


def _columns(gaps: Sequence[int]) -> list[tuple[str, Callable[[Row], Any]]]:
  """List the table's columns: heading and how a row's cell is written."""

  def pairs(name: str, gap: int, digits: int) -> Callable[[Row], str | None]:
    def cell(row: Row) -> str | None:
      values = [e[name] for e in row["consistency"] if e["gap"] == gap]
      return _number(values[0] if values else None, digits)

    return cell

  def ratio(name: str, gap: int | None = None) -> Callable[[Row], str | None]:
    def cell(row: Row) -> str | None:
      value = (row.get("ratios") or {}).get(name)
      if gap is not None and value is not None:
        value = value.get(str(gap))
      return _number(value, 2)

    return cell

  def score(name: str, digits: int) -> Callable[[Row], str | None]:
    # Reports of before have not all of them.
    return lambda row: _number(row.get(name), digits)

  columns = [
    ("sequence", lambda row: row["name"]),
    ("style", lambda row: row["style"]),
  ]
  for name, heading in (("rmse", "RMSE"), ("lpips", "LPIPS")):
    columns += [(f"{heading} {g}", pairs(name, g, 4)) for g in gaps]
  columns += [(f"valid {g}", pairs("valid_fraction", g, 2)) for g in gaps]
  columns += [(f"RMSE {g} ratio", ratio("rmse", g)) for g in gaps]
  columns += [
    ("style distance", score("style_distance", 2)),
    ("style ratio", ratio("style_distance")),
    ("realism", score("realism", 3)),
    ("coverage", score("coverage", 3)),
    ("colour distance", score("color_distance", 3)),
    ("stroke orientation", score("stroke_orientation", 1)),
    ("stroke scale", score("stroke_scale", 2)),
    ("content LPIPS", score("content_lpips", 3)),
    ("content SSIM", score("content_ssim", 3)),
    ("content edges", score("content_edges", 3)),
    ("detail x 1000", _detail),
    ("detail ratio", ratio("high_frequency_energy")),
    ("note", lambda row: row["note"] or None),
  ]
  return columns


def _detail(row: Row) -> str | None:
  """Write the high-frequency energy, which is of the order of a thousandth."""
  energy = row["high_frequency_energy"]
  return _number(None if energy is None else 1000 * energy, 3)


def _number(value: float | None, digits: int) -> str | None:
  """Write a number, or nothing."""
  return None if value is None else f"{value:.{digits}f}"


def table_cells(report: Mapping[str, Any]) -> list[list[str]]:
  """Make the table of all sequences.

  Args:
    report: what `make_report` or `read_report` returned.

  Returns:
    Rows of cells, the first being the headings; columns in which no row has
    a value are left out.
  """
  rows = report["sequences"]
  columns = []
  for heading, cell in _columns(report["protocol"]["gaps"]):
    cells = [cell(row) for row in rows]
    if any(text is not None for text in cells):
      columns.append([heading, *("-" if c is None else c for c in cells)])
  return [list(line) for line in zip(*columns)]


def held_out_line(report: Mapping[str, Any]) -> str | None:
  """Write the scores on held-out photographs, where there are any."""
  scores = report["held_out"]
  if scores is None:
    return None
  return (
    f"{len(scores['views'])} held-out photographs: PSNR"
    f" {_number(scores['psnr'], 2)} dB, SSIM {_number(scores['ssim'], 4)},"
    f" LPIPS {_number(scores['lpips'], 4)}"
  )


def held_out_cells(report: Mapping[str, Any]) -> list[list[str]]:
  """Make the table of all held-out views, and their means.

  Args:
    report: with "held_out".

  Returns:
    Rows of cells, the first being the headings.
  """
  scores = report["held_out"]
  rows = [*scores["views"], {"name": "mean", **scores}]
  return [
    ["view", "PSNR", "SSIM", "LPIPS"],
    *(
      [
        row["name"],
        _number(row["psnr"], 2) or "-",
        _number(row["ssim"], 4) or "-",
        _number(row["lpips"], 4) or "-",
      ]
      for row in rows
    ),
  ]


def markdown_table(cells: Sequence[Sequence[str]]) -> str:
  """Write rows of cells, headings first, as a Markdown table."""
  lines = ["| " + " | ".join(row) + " |" for row in cells]
  lines.insert(1, "|" + "---|" * len(cells[0]))
  return "\n".join(lines)


def terminal_table(report: Mapping[str, Any], *, wide: bool = False) -> str:
  """Write the table of all sequences for people, at most `WIDTH` wide.

  Args:
    report: as of `table_cells`.
    wide: all columns, however wide the table gets.

  Returns:
    The table; where columns do not fit, those that say most, and a line that
    tells what is left out. The scores on held-out photographs stand below.
  """
  cells = table_cells(report)
  lines = [plain_table(cells)]
  if not wide:
    shown = _columns_that_fit(cells, report["protocol"]["gaps"])
    table = [[_short(row[i]) for i in shown] for row in cells]
    lines = [plain_table(_with_broken_headings(table), headings=2)]
    left = [h for i, h in enumerate(cells[0]) if i not in shown]
    if left:
      lines.append(f"{len(left)} more columns with --wide: {', '.join(left)}")
      lines[1:] = textwrap.wrap(lines[1], WIDTH)
  held_out = held_out_line(report)
  return "\n".join([*lines, *([held_out] if held_out else [])])


def _columns_that_fit(
  cells: Sequence[Sequence[str]], gaps: Sequence[int]
) -> list[int]:
  """Choose columns, in their order, whose table is at most `WIDTH` wide."""
  order = ["sequence", "style", *(f"RMSE {g}" for g in gaps)]
  order += ["style ratio", "realism", "coverage", "content SSIM"]
  order += [f"RMSE {g} ratio" for g in gaps]
  order += ["style distance", "detail ratio", *(f"LPIPS {g}" for g in gaps)]
  # Later ones are taken where there is room for them.
  headings = list(cells[0])
  order = [headings.index(h) for h in order if h in headings]
  order += [i for i in range(len(headings)) if i not in order]
  chosen, room = [], WIDTH + 2
  for column in order:
    words = _broken(headings[column])
    texts = [*words, *(_short(row[column]) for row in cells[1:])]
    width = 2 + max(map(len, texts))
    if width <= room:
      chosen.append(column)
      room -= width
  return sorted(chosen)


def _with_broken_headings(
  cells: Sequence[Sequence[str]],
) -> list[list[str]]:
  """Write each heading in two rows."""
  broken = [_broken(heading) for heading in cells[0]]
  return [[b[0] for b in broken], [b[1] for b in broken], *cells[1:]]


def _broken(heading: str) -> tuple[str, str]:
  """Break a heading before its last word."""
  first, _, last = heading.rpartition(" ")
  return first, last


def _short(text: str) -> str:
  """Leave the middle of a long name out."""
  if len(text) <= _NAME_WIDTH:
    return text
  half = (_NAME_WIDTH - 3) // 2
  return f"{text[: _NAME_WIDTH - 3 - half]}...{text[-half:]}"


def plain_table(cells: Sequence[Sequence[str]], *, headings: int = 1) -> str:
  """Write rows of cells for a terminal; the first ones are the headings."""
  widths = [max(len(text) for text in column) for column in zip(*cells)]
  lines = [
    "  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip()
    for row in cells
  ]
  lines.insert(headings, "  ".join("-" * width for width in widths))
  return "\n".join(lines)
