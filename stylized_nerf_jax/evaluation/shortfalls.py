"""When a style has failed, said in one plain line.

A style is there when its places are nearer to the painting's than those of the
unstylized view are; when its statistics are about as near to the painting's as
single pictures stylized by AdaIN bring them, or its places nearer than theirs;
and when it is neither blurred nor grainy. Each of these is a ratio with a
limit; what was not measured fails nothing.
"""

from collections.abc import Mapping
from typing import Any

# Ratios to per-frame AdaIN in the same style.
MOST_STYLE = 1.25
LEAST_DETAIL = 0.5
# Ratio to the larger of per-frame AdaIN's and the painting's own.
MOST_DETAIL = 2.0
# Ratio to the unstylized view, in the same style.
MOST_REALISM = 0.97

Row = Mapping[str, Any]

_MORE_STROKES = (
  "more mutual_learning.finish.steps or a lower"
  " mutual_learning.finish.content_weight"
)
_SMOOTHER = "a higher mutual_learning.finish.smooth_weight"


def of_style(
  style: str, row: Row, *, adain: Row | None, unstylized: Row | None
) -> str | None:
  """Tell in what a style has failed.

  Args:
    style: its name.
    row: "style_distance", "high_frequency_energy", "painting_energy" and
      "realism" of the stylized frames, each None or missing where it was not
      measured.
    adain: the same of those frames, each stylized by itself.
    unstylized: the same of the unstylized frames, against this painting.

  Returns:
    A line such as "wave: not in style: realism 0.540, the unstylized view's
    is 0.550 (at most 0.97 of it); try ...", or None where nothing fails.
  """
  failed, blemishes = [], []
  distance = _ratio(row, adain, "style_distance")
  stroke = _ratio(row, adain, "realism")
  # Strokes may be a painting's own where their statistics are not.
  if (
    distance is not None
    and distance > MOST_STYLE
    and (stroke is None or stroke > 1.0)
  ):
    failed.append(
      f"style distance {distance:.2f} of per-frame AdaIN's (at most"
      f" {MOST_STYLE:g})"
    )
  realism = _ratio(row, unstylized, "realism")
  if unstylized and realism is not None and realism > MOST_REALISM:
    failed.append(
      f"realism {row['realism']:.3f}, the unstylized view's is"
      f" {unstylized['realism']:.3f} (at most {MOST_REALISM:g} of it)"
    )
  advice = _MORE_STROKES
  detail = _ratio(row, adain, "high_frequency_energy")
  painted = row.get("painting_energy") or 0.0
  if detail is not None and detail < LEAST_DETAIL:
    blemishes.append(
      f"blurred: detail {detail:.2f} of per-frame AdaIN's (at least"
      f" {LEAST_DETAIL:g})"
    )
  elif (
    detail is not None
    and detail > MOST_DETAIL
    and row["high_frequency_energy"] > MOST_DETAIL * painted
  ):
    blemishes.append(
      f"grainy: detail {detail:.2f} of per-frame AdaIN's (at most"
      f" {MOST_DETAIL:g}, or {MOST_DETAIL:g} of the painting's own)"
    )
    if not failed:
      advice = _SMOOTHER
  if failed:
    failed[0] = f"not in style: {failed[0]}"
  if not failed + blemishes:
    return None
  return f"{style}: {', '.join(failed + blemishes)}; try {advice}"


def of_report(
  report: Mapping[str, Any],
  *,
  method: str,
  unstylized: str,
  adain: str | None = None,
) -> list[str]:
  """List what has failed in a report.

  Args:
    report: of `report.make_report`.
    method: name of the rows that are judged.
    unstylized: name of the rows of unstylized frames.
    adain: name of the rows of frames stylized by themselves.

  Returns:
    A line of `of_style` for each style that failed.
  """
  rows = {(row["name"], row["style"]): row for row in report["sequences"]}
  lines = [
    of_style(
      style,
      row,
      adain=rows.get((adain, style)),
      unstylized=rows.get((unstylized, style)),
    )
    for (name, style), row in rows.items()
    if name == method and style is not None
  ]
  return [line for line in lines if line is not None]


def _ratio(row: Row, base: Row | None, name: str) -> float | None:
  """Divide two rows' scores, where both are there."""
  value = row.get(name)
  below = None if base is None else base.get(name)
  return value / below if value is not None and below else None
