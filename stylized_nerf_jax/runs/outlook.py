"""How long a run still takes: what its steps took, and what the others do.

Nobody knows what a machine does in a second before it has worked. So every
phase has its work in a common unit, and what one takes tells of those after it.
The unit is a microsecond of the two cores of docs/performance.md, whose tables
the costs below are of; only their ratios count.
"""

import functools
from collections.abc import Sequence

import jax
import numpy as np

from stylized_nerf_jax.host import progress
from stylized_nerf_jax.scenes.selection import painted_views

# Of a ray in a training step, by kind of network.
_FIELD_RAY = {"hash_grid": 56.0, "positional": 10_000.0}
_STYLE_RAY = {"hash_grid": 30.0, "frequency": 350.0}
# Of a ray in a step on patches, with the losses of the decoder: 0.81 s for
# 12,800 of them.
_PATCH_RAY = 63.0
# Of a ray in a step on windows, with VGG's features and the search: 1.2 s for
# 25,600 of them.
_WINDOW_RAY = 47.0
# Of a pixel: rendered and encoded once; painted by D; of a step of D.
_VIEW_PIXEL, _PAINTED_PIXEL, _DECODER_PIXEL = 25.0, 8.0, 25.0


def steps_of(config, phase: str, styles: int = 1) -> int:
  """Returns how many steps a phase has, with so many styles."""
  if phase == "finish":
    options = config.mutual_learning.finish
    each = options.refit_steps + options.steps
    return styles * each if options.steps else 0
  options = config[phase]
  return options.steps + options.get("patch_steps", 0)


class Outlook:
  """The work of the phases of a run.

  Args:
    config: of the run.
    record: of its scene.
    styles: how many there are.
    phases: those that are still to do, in their order.
  """

  def __init__(self, config, record, styles: int, phases: Sequence[str]):
    self._config, self._styles, self._phases = config, styles, tuple(phases)
    cameras = painted_views.cameras_of(record.split("train"), config.views.rays)
    self._areas = np.asarray(cameras.width) * np.asarray(cameras.height)

  def pace(self, phase: str) -> progress.Pace:
    """Returns the pace of a phase's steps.

    The ratios are those of a CPU and of the networks of this program: of
    others it knows nothing but the steps that are taken.
    """
    is_known = (
      self._config.field.kind in _FIELD_RAY
      and self._config.style_field.encoding in _STYLE_RAY
      and all(device.platform == "cpu" for device in jax.devices())
    )
    if not is_known:
      return progress.EVEN
    following = ()
    if phase in self._phases:
      following = self._phases[self._phases.index(phase) + 1 :]
    work = sum(
      self._once(p) + self._work(p, steps_of(self._config, p, self._styles))
      for p in following
    )
    return progress.Pace(
      functools.partial(self._work, phase),
      lambda seconds_each: work * seconds_each if work else None,
    )

  def _work(self, phase: str, steps: int) -> float:
    """Returns the work of the first steps of a phase."""
    if phase == "finish":
      return self._finish_work(steps)
    options = self._config[phase]
    if phase == "radiance_field":
      ray = _FIELD_RAY[self._config.field.kind]
      return steps * options.rays_per_step * ray
    if phase == "stylizer":
      crops = options.groups_per_step * options.views_per_step
      return steps * crops * self._crop(options.crop) * _DECODER_PIXEL
    return self._mutual_work(steps)

  def _mutual_work(self, steps: int) -> float:
    """Work of steps of phase 3: on rays first, then on patches."""
    options = self._config.mutual_learning
    ray = _STYLE_RAY[self._config.style_field.encoding]
    on_rays = min(steps, options.steps)
    work = on_rays * options.rays_per_step * ray
    pixels = options.patches_per_step * options.patch**2
    dearer = max(_PATCH_RAY, 2 * ray)
    work += (steps - on_rays) * options.patch_groups * pixels * dearer
    if options.decoder_every:
      taken = steps // options.decoder_every
      views = options.decoder_groups * (2 if options.consistency_weight else 1)
      crops = views * self._crop(options.decoder_crop)
      work += taken * (crops * _DECODER_PIXEL + options.decoder_rays * ray)
      work += taken // options.refresh_every * self._painting()
    return work

  def _finish_work(self, steps: int) -> float:
    """Work of steps of the finish: of each style on rays first, then on
    windows."""
    options = self._config.mutual_learning.finish
    ray = _STYLE_RAY[self._config.style_field.encoding]
    window = options.windows_per_step * options.window**2
    window *= max(_WINDOW_RAY, 2 * ray)
    on_rays = options.refit_rays * ray
    styles, left = divmod(steps, options.refit_steps + options.steps)
    rays = styles * options.refit_steps + min(left, options.refit_steps)
    return rays * on_rays + (steps - rays) * window

  def _once(self, phase: str) -> float:
    """Work of a phase before its first step."""
    if phase == "stylizer":
      return float(self._areas.sum()) * _VIEW_PIXEL
    return self._painting() if phase == "mutual_learning" else 0.0

  def _painting(self) -> float:
    return float(self._areas.sum()) * self._styles * _PAINTED_PIXEL

  def _crop(self, side: int) -> float:
    """Pixels of a crop; 0 stands for whole views."""
    area = float(np.mean(self._areas))
    return min(float(side) ** 2, area) if side else area
