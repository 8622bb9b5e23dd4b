"""Curves of training as SVG that takes its colours from the page."""

import math
from collections.abc import Sequence

import numpy as np

from stylized_nerf_jax.outputs import curves
from stylized_nerf_jax.outputs.report_page.markup import Markup, element

_WIDTH, _HEIGHT = 320, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 42, 24
# Points of a curve that are drawn, and the share of it that is averaged over.
_POINTS, _WINDOW = 160, 0.06
# Not of how well training goes: the table of costs has them.
_LEFT_OUT = ("rays a second", "seconds a step")


def figures(rows: Sequence[dict]) -> list[Markup]:
  """Draws the main curves of metrics, a figure for each panel.

  Args:
    rows: of metrics.jsonl, as `curves.curves` takes them.
  """
  panels = curves.main_panels(curves.curves(rows))
  return [
    _figure(panel)
    for panel in panels
    if panel.title.partition(": ")[2] not in _LEFT_OUT
  ]


def _figure(panel: curves.Panel) -> Markup:
  """Draws one panel."""
  points = {
    legend: _thinned([p for p in curve if math.isfinite(p[1])])
    for legend, curve in panel.curves.items()
  }
  points = {legend: curve for legend, curve in points.items() if len(curve)}
  if not points:
    return Markup("")
  everything = np.concatenate(list(points.values()))
  low, high = everything[:, 1].min(), everything[:, 1].max()
  logarithmic = curves.is_wide(everything[:, 1])
  first, last = everything[:, 0].min(), everything[:, 0].max()
  ticks = _decades(low, high) if logarithmic else _ticks(low, high)
  low, high = min(low, ticks[0]), max(high, ticks[-1])

  def x(step):
    share = (step - first) / max(last - first, 1)
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

  def y(value):
    if logarithmic:
      share = math.log(value / low) / max(math.log(high / low), 1e-9)
    else:
      share = (value - low) / max(high - low, 1e-9)
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

  title = panel.title.replace("_", " ")
  parts = [element("text", title, x=2, y=13, class_="title")]
  for tick in ticks:
    parts.append(
      element(
        "line",
        x1=_LEFT,
        x2=_WIDTH - _RIGHT,
        y1=_pixel(y(tick)),
        y2=_pixel(y(tick)),
        class_="grid",
      )
    )
    parts.append(
      element(
        "text", f"{tick:g}", x=_LEFT - 5, y=_pixel(y(tick) + 3.5), class_="tick"
      )
    )
  for step, anchor in ((first, "start"), (last, "end")):
    text = f"step {int(step):,}" if anchor == "start" else f"{int(step):,}"
    parts.append(
      element(
        "text",
        text,
        x=_pixel(x(step)),
        y=_HEIGHT - 8,
        class_=f"step {anchor}",
      )
    )
  for number, (legend, curve) in enumerate(points.items()):
    drawn = [(x(step), y(value)) for step, value in curve]
    smooth = [(x(step), y(value)) for step, value in _smoothed(curve)]
    if len(curve) > 40:
      parts.append(_line(drawn, f"raw c{number % 3}"))
    else:
      smooth = drawn
    parts.append(_line(smooth, f"curve c{number % 3}"))
    if legend and len(points) > 1:
      parts.append(
        element(
          "text",
          legend,
          x=_LEFT + 120 * number,
          y=30,
          class_=f"legend c{number % 3}",
        )
      )
  ends = "; ".join(
    f"{legend or panel.title} {curve[0][1]:.4g} to {curve[-1][1]:.4g}"
    for legend, curve in points.items()
  )
  label = f"{panel.title}, steps {int(first)} to {int(last)}: {ends}"
  return element(
    "svg",
    *parts,
    viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
    role="img",
    aria_label=label,
    class_="chart",
  )


def _line(points, kind: str) -> Markup:
  """Joins points, or marks a single one."""
  if len(points) == 1:
    (x, y) = points[0]
    return element(
      "circle", cx=_pixel(x), cy=_pixel(y), r=2.5, class_=f"{kind} dot"
    )
  text = " ".join(f"{_pixel(x)},{_pixel(y)}" for x, y in points)
  return element("polyline", points=text, class_=kind)


def _pixel(value: float) -> str:
  return f"{value:.1f}".removesuffix(".0")


def _thinned(curve: list) -> np.ndarray:
  """Takes so many points of a curve that a line can show them: [N, 2]."""
  points = np.asarray(curve, np.float64).reshape(-1, 2)
  if len(points) <= _POINTS:
    return points
  chosen = np.linspace(0, len(points) - 1, _POINTS).round().astype(int)
  return points[chosen]


def _smoothed(curve: np.ndarray) -> np.ndarray:
  """Averages each value with those around it."""
  reach = max(1, round(_WINDOW * len(curve) / 2))
  padded = np.pad(curve[:, 1], reach, mode="edge")
  kernel = np.ones(2 * reach + 1) / (2 * reach + 1)
  values = np.convolve(padded, kernel, mode="valid")
  return np.stack([curve[:, 0], values], axis=1)


def _ticks(low: float, high: float) -> list[float]:
  """Returns two to five round values that hold a range."""
  span = max(high - low, 1e-9 * max(abs(high), 1.0), 1e-12)
  step = 10 ** math.floor(math.log10(span))
  for factor in (0.2, 0.5, 1.0, 2.0, 5.0):
    if span / (factor * step) <= 4:
      step *= factor
      break
  start, end = math.floor(low / step), math.ceil(high / step)
  return [round(step * i, 12) for i in range(start, max(end, start + 1) + 1)]


def _decades(low: float, high: float) -> list[float]:
  """Returns powers of ten that hold a range."""
  start, end = math.floor(math.log10(low)), math.ceil(math.log10(high))
  every = max(1, -(-(end - start) // 4))
  ticks = [10.0**i for i in range(start, end + 1, every)]
  return ticks if ticks[-1] >= high else [*ticks, 10.0**end]
