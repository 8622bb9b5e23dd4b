"""Scores of the radiance field on photographs it was not trained on."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.evaluation import image_metrics, lpips

_METRICS = {
  "psnr": jax.jit(image_metrics.psnr),
  "ssim": jax.jit(image_metrics.ssim),
}
_lpips = jax.jit(lpips.lpips)


def score_novel_views(
  renders: Sequence[np.ndarray],
  photographs: Sequence[np.ndarray],
  names: Sequence[str],
  *,
  lpips_params: dict[str, Any] | None = None,
  advance: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
  """Compare renders with the photographs of the same cameras.

  Args:
    renders: V pictures [H, W, 3] in [0, 1].
    photographs: V pictures of the same sizes.
    names: V names, for the report.
    lpips_params: what `lpips.load_lpips` returns; None reads them.
    advance: called after every view, for progress bars.

  Returns:
    The "held_out" of a report: the means "psnr", "ssim" and "lpips", and
    "views", the same for each view with its "name".

  Raises:
    ValueError: there is no view, the counts or sizes differ, or the extra
      `weights` is missing.
  """
  counts = (len(renders), len(photographs), len(names))
  if len(set(counts)) > 1 or counts[0] == 0:
    raise user_error.UserError(
      f"held-out views: {counts[0]} renders, {counts[1]} photographs and"
      f" {counts[2]} names; expected as many of each, and at least one"
    )
  if lpips_params is None:
    lpips_params = lpips.load_lpips()
  views = []
  for render, photograph, name in zip(renders, photographs, names):
    view = {"name": name}
    for metric, measure in _METRICS.items():
      view[metric] = float(measure(render, photograph))
    distance = _lpips(lpips_params, render[None], photograph[None])
    view["lpips"] = float(distance[0])
    views.append(view)
    advance()
  means = {
    metric: float(np.mean([view[metric] for view in views]))
    for metric in ("psnr", "ssim", "lpips")
  }
  return {**means, "views": views}
