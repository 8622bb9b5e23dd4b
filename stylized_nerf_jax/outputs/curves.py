"""Curves of a run's metrics as one picture (the extra `plot`)."""

import dataclasses
import pathlib
from collections.abc import Sequence

from stylized_nerf_jax import user_error
from stylized_nerf_jax.outputs import image_writer

_COLUMNS = 3
# What says something only on a logarithmic axis is drawn on one.
_SPREAD = 20.0
# What is drawn unless all is asked for: panels of a phase, and in them curves
# by their names in metrics.jsonl, with their legends.
_MAIN = {
  "PSNR, dB": {"psnr": "training rays", "test_psnr": "held-out views"},
  "loss": {"loss": "of what is trained", "decoder_loss": "of the decoder"},
  "losses": {"content_loss": "content", "style_loss": "style"},
  "share of variance kept": {"explained": ""},
  "rays a second": {"rays_per_second": ""},
  "seconds a step": {"seconds_per_step": ""},
}


def check_available() -> None:
  """Raise ValueError, naming the extra, where nothing can be drawn."""
  _import_figure()


def curves(rows: Sequence[dict]) -> dict[tuple[str, str], list]:
  """Sort metrics by curve.

  Args:
    rows: of metrics.jsonl, in the order they were written. A run that was
      resumed or begun anew wrote some steps twice: the last counts.

  Returns:
    (phase, name) to [(step, value), ...], ascending steps, without null.
  """
  found = {}
  for row in rows:
    step = row["step"]
    for name, value in row.items():
      if name in ("phase", "step"):
        continue
      curve = found.setdefault((row["phase"], name), [])
      while curve and curve[-1][0] >= step:
        curve.pop()
      if value is not None:
        curve.append((step, value))
  return {key: curve for key, curve in found.items() if curve}


@dataclasses.dataclass(frozen=True)
class Panel:
  """What is drawn into one panel: curves of a phase, by their legends."""

  title: str
  curves: dict[str, list]


def main_panels(found: dict[tuple[str, str], list]) -> list[Panel]:
  """Chooses what tells whether training goes well, and how fast."""
  panels = []
  for phase in dict.fromkeys(phase for phase, _ in found):
    for title, names in _MAIN.items():
      shown = {
        legend: found[phase, name]
        for name, legend in names.items()
        if (phase, name) in found
      }
      # Where there are better figures than the loss, that is one of the rest.
      if shown and not (title == "loss" and (phase, "psnr") in found):
        panels.append(Panel(f"{phase}: {title}", shown))
  return panels


def is_wide(values: Sequence[float]) -> bool:
  """Tells whether values say something only on a logarithmic axis."""
  return min(values) > 0 and max(values) > _SPREAD * min(values)


def save_curves(
  rows: Sequence[dict], path: str | pathlib.Path, *, every: bool = False
) -> int:
  """Draw curves into a PNG file.

  Args:
    rows: as `curves` takes them.
    path: file to write; its folder is created.
    every: draws each curve into a panel of its own, not only those that tell
      how well and how fast training goes.

  Returns:
    How many curves were not drawn.

  Raises:
    ValueError: the extra is missing, there is nothing to draw, or the file
      cannot be written.
  """
  path = pathlib.Path(path)
  if path.suffix.lower() != ".png":
    raise user_error.UserError(f"{path}: expected a name that ends in .png")
  figure_type = _import_figure()
  found = curves(rows)
  if not found:
    raise user_error.UserError(
      f"nothing to draw for {path}: there are no metrics yet"
    )
  panels = [] if every else main_panels(found)
  if not panels:
    panels = [
      Panel(f"{phase}: {name}", {"": curve})
      for (phase, name), curve in found.items()
    ]
  columns = min(len(panels), _COLUMNS)
  lines = -(-len(panels) // columns)
  figure = figure_type(figsize=(4.4 * columns, 3 * lines), layout="tight")
  axes = figure.subplots(lines, columns, squeeze=False).ravel()
  for axis, panel in zip(axes, panels):
    _draw(axis, panel)
  for axis in axes[len(panels) :]:
    axis.set_axis_off()
  with image_writer.writing(path):
    figure.savefig(path, dpi=100)
  return len(found) - sum(len(panel.curves) for panel in panels)


def _draw(axis, panel: Panel) -> None:
  values = []
  for legend, curve in panel.curves.items():
    steps, heights = zip(*curve)
    values += heights
    marker = "." if len(curve) < 20 else ""
    axis.plot(steps, heights, marker=marker, label=legend or None)
  if is_wide(values):
    axis.set_yscale("log")
  axis.set_title(panel.title, fontsize=10)
  axis.set_xlabel("step", fontsize=8)
  axis.tick_params(labelsize=8)
  axis.grid(alpha=0.3)
  if len(panel.curves) > 1:
    axis.legend(fontsize=8)


def _import_figure():
  try:
    from matplotlib import figure
  except ImportError:
    raise user_error.UserError(
      "curves need matplotlib: pip install 'stylized-nerf-jax[plot]'"
    ) from None
  return figure.Figure
