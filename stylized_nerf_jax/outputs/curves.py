"""Curves of a run's metrics as one picture (the extra `plot`)."""

import pathlib
from collections.abc import Sequence

from stylized_nerf_jax import user_error
from stylized_nerf_jax.outputs import image_writer

_COLUMNS = 3
# What says something only on a logarithmic axis is drawn on one.
_SPREAD = 20.0


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


def save_curves(rows: Sequence[dict], path: str | pathlib.Path) -> None:
  """Draw all curves into a PNG file, one panel each.

  Args:
    rows: as `curves` takes them.
    path: file to write; its folder is created.

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
  lines = -(-len(found) // _COLUMNS)
  figure = figure_type(figsize=(4 * _COLUMNS, 2.6 * lines), layout="tight")
  panels = figure.subplots(lines, _COLUMNS, squeeze=False).ravel()
  for panel, ((phase, name), curve) in zip(panels, found.items()):
    steps, values = zip(*curve)
    panel.plot(steps, values, marker="." if len(curve) < 20 else "")
    if min(values) > 0 and max(values) > _SPREAD * min(values):
      panel.set_yscale("log")
    panel.set_title(f"{phase}: {name}", fontsize=9)
    panel.tick_params(labelsize=7)
  for panel in panels[len(found) :]:
    panel.set_axis_off()
  with image_writer.writing(path):
    figure.savefig(path, dpi=100)


def _import_figure():
  try:
    from matplotlib import figure
  except ImportError:
    raise user_error.UserError(
      "curves need matplotlib: pip install 'stylized-nerf-jax[plot]'"
    ) from None
  return figure.Figure
