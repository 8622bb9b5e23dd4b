"""When a style has failed, said in one plain line, or judged for a report.

A style is there when its places are nearer to the painting's than those of the
unstylized view are; when its statistics are about as near to the painting's as
single pictures stylized by AdaIN bring them, which AdaIN is made for, or its
places have come half as near as theirs; and when it is neither blurred nor
grainy, nor loses more of the scene's edges than single pictures do. It is
steady when frames agree through the scene's geometry far better than single
pictures do. Each of these is a ratio with a limit; what was not measured fails
nothing.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

# Ratios to per-frame AdaIN in the same style.
MOST_STYLE = 1.25
MOST_ERROR = 0.5
LEAST_EDGES = 0.9
# Of the way from the unstylized view's realism to per-frame AdaIN's.
LEAST_WAY = 0.5
# Ratio to the least of per-frame AdaIN's, the unstylized view's and the
# painting's own: AdaIN's has grain in it, and a flat painting has little.
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
_MORE_CONTENT = "a higher mutual_learning.finish.content_weight"
_SMOOTHER = "a higher mutual_learning.finish.smooth_weight"
_STEADIER = (
  "more radiance_field.steps or photographs: surfaces that are not where they"
  " seem do not hold still"
)


@dataclasses.dataclass(frozen=True)
class Verdict:
  """What is to be said of a style.

  Attributes:
    steady, in_style, readable: whether it is; None: it was not measured.
    reasons: what fails, a few words each.
    advice: what to try; empty where nothing fails.
  """

  steady: bool | None
  in_style: bool | None
  readable: bool | None
  reasons: tuple[str, ...] = ()
  advice: str = ""


def judge(row: Row, *, adain: Row | None, unstylized: Row | None) -> Verdict:
  """Judge a style.

  Args:
    row: "style_distance", "high_frequency_energy", "painting_energy",
      "realism", "content_edges" and "consistency" of the stylized frames, each
      None or missing where it was not measured.
    adain: the same of those frames, each stylized by itself.
    unstylized: the same of the unstylized frames, against this painting.

  Returns:
    The verdict.
  """
  style, style_known = _not_in_style(row, adain, unstylized)
  blemishes, detail_known, grainy = _blemishes(row, adain, unstylized)
  shaky, steady_known = _unsteady(row, adain)
  advice = ""
  if style:
    style[0] = f"not in style: {style[0]}"
    advice = _MORE_STROKES
  elif grainy:
    advice = _SMOOTHER
  elif blemishes:
    hard = blemishes[0].startswith("hard to read")
    advice = _MORE_CONTENT if hard else _MORE_STROKES
  elif shaky:
    advice = _STEADIER
  return Verdict(
    steady=not shaky if steady_known else None,
    in_style=not style if style_known else None,
    readable=not blemishes if detail_known else None,
    reasons=(*style, *blemishes, *shaky),
    advice=advice,
  )


def of_style(
  style: str, row: Row, *, adain: Row | None, unstylized: Row | None
) -> str | None:
  """Tell in what a style has failed.

  Args:
    style: its name.
    row, adain, unstylized: as of `judge`.

  Returns:
    A line such as "wave: not in style: realism 0.540, the unstylized view's
    is 0.550 (at most 0.97 of it); try ...", or None where nothing fails.
  """
  return in_words(style, judge(row, adain=adain, unstylized=unstylized))


def verdicts(
  report: Mapping[str, Any],
  *,
  method: str,
  unstylized: str,
  adain: str | None = None,
) -> dict[str, Verdict]:
  """Judge all styles of a report.

  Args:
    report: of `report.make_report`.
    method: name of the rows that are judged.
    unstylized: name of the rows of unstylized frames.
    adain: name of the rows of frames stylized by themselves.

  Returns:
    Verdicts by name of the style, in the report's order.
  """
  rows = {(row["name"], row["style"]): row for row in report["sequences"]}
  return {
    style: judge(
      row,
      adain=rows.get((adain, style)),
      unstylized=rows.get((unstylized, style)),
    )
    for (name, style), row in rows.items()
    if name == method and style is not None
  }


def of_report(
  report: Mapping[str, Any],
  *,
  method: str,
  unstylized: str,
  adain: str | None = None,
) -> list[str]:
  """List what has failed in a report.

  Args:
    report, method, unstylized, adain: as of `verdicts`.

  Returns:
    A line as of `of_style` for each style that failed.
  """
  found = verdicts(report, method=method, unstylized=unstylized, adain=adain)
  return [
    line for line in map(in_words, found, found.values()) if line is not None
  ]


def in_words(style: str, verdict: Verdict) -> str | None:
  """Write what fails of a style in a line; None where nothing does."""
  if not verdict.reasons:
    return None
  return f"{style}: {', '.join(verdict.reasons)}; try {verdict.advice}"


def _not_in_style(
  row: Row, adain: Row | None, unstylized: Row | None
) -> tuple[list[str], bool]:
  """Tell what is not the painting's, and whether that was measured."""
  failed = []
  distance = _ratio(row, adain, "style_distance")
  # Strokes may be a painting's own where their statistics are not.
  if (
    distance is not None
    and distance > MOST_STYLE
    and not _has_come_near(row, adain, unstylized)
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
  return failed, distance is not None or realism is not None


def _has_come_near(row: Row, adain: Row | None, unstylized: Row | None) -> bool:
  """Tell whether realism has come half of the way to per-frame AdaIN's."""
  own, theirs = row.get("realism"), (adain or {}).get("realism")
  if own is None or theirs is None:
    return False
  start = (unstylized or {}).get("realism") or theirs
  return own <= start - LEAST_WAY * max(start - theirs, 0.0)


def _blemishes(
  row: Row, adain: Row | None, unstylized: Row | None
) -> tuple[list[str], bool, bool]:
  """Tell what keeps frames from being read, whether that was measured, and
  whether it is grain."""
  blemishes, grainy = [], False
  detail = _ratio(row, adain, "high_frequency_energy")
  painted = row.get("painting_energy") or 0.0
  own = row.get("high_frequency_energy")
  others = [
    base and base.get("high_frequency_energy") for base in (adain, unstylized)
  ]
  least = min((v for v in (*others, painted) if v), default=None)
  if detail is not None and own < LEAST_DETAIL * least:
    blemishes.append(
      f"blurred: {own / least:.2f} of the detail of per-frame AdaIN, the"
      " unstylized view or the painting, whichever has least (at least"
      f" {LEAST_DETAIL:g})"
    )
  elif (
    detail is not None
    and detail > MOST_DETAIL
    and row["high_frequency_energy"] > MOST_DETAIL * painted
  ):
    grainy = True
    blemishes.append(
      f"grainy: detail {detail:.2f} of per-frame AdaIN's (at most"
      f" {MOST_DETAIL:g}, or {MOST_DETAIL:g} of the painting's own)"
    )
  edges = _ratio(row, adain, "content_edges")
  if edges is not None and edges < LEAST_EDGES and row["content_edges"] < 1.0:
    blemishes.append(
      f"hard to read: content edges {edges:.2f} of per-frame AdaIN's (at least"
      f" {LEAST_EDGES:g})"
    )
  return blemishes, detail is not None or edges is not None, grainy


def _unsteady(row: Row, adain: Row | None) -> tuple[list[str], bool]:
  """Tell at which gaps frames disagree, and whether that was measured."""
  below = {e["gap"]: e["rmse"] for e in (adain or {}).get("consistency") or ()}
  failed, known = [], False
  for entry in row.get("consistency") or ():
    error, base = entry["rmse"], below.get(entry["gap"])
    if error is None or not base:
      continue
    known = True
    if error > MOST_ERROR * base:
      failed.append(
        f"not steady: RMSE {entry['gap']} {error / base:.2f} of per-frame"
        f" AdaIN's (at most {MOST_ERROR:g})"
      )
  return failed, known


def _ratio(row: Row, base: Row | None, name: str) -> float | None:
  """Divide two rows' scores, where both are there."""
  value = row.get(name)
  below = None if base is None else base.get(name)
  return value / below if value is not None and below else None
