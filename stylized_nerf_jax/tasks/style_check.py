"""A first look at a trained run: which styles have failed, in seconds.

Windows in the middle of three training views, at the size that the run was
trained in, are rendered unstylized and in every style, stylized by AdaIN, and
scored beside each other as one picture. `evaluate` does the same on all frames
of a path, and takes minutes.
"""

import dataclasses
import pathlib

import jax
import numpy as np

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.evaluation import frames, lpips, shortfalls
from stylized_nerf_jax.host import processes, progress
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.phases import mutual_learning, pipeline
from stylized_nerf_jax.pixels import view_pixels
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.stylizer import stylize, vgg

_VIEWS = 3
_WINDOW = 160  # pixels a side


def result_of(workdir: str | pathlib.Path) -> dict:
  """Returns what a run's phase 3 was made from; {} before it is finished."""
  entry = run_folder.RunFolder(workdir).facts(mutual_learning.PHASE)
  return entry["inputs"] if entry.get("finished") else {}


def say_failures(workdir: str | pathlib.Path) -> None:
  """Says a line for each style of a finished run that has failed.

  Nothing is said of views too small for AlexNet, by several processes, or
  without the extra `weights`, which a run with weights of its own can do
  without.
  """
  if processes.count() > 1 or not lpips.is_installed():
    return
  for line in find_failures(workdir):
    progress.say(line)


def find_failures(workdir: str | pathlib.Path) -> list[str]:
  """Scores windows of a few training views.

  Args:
    workdir: of a run whose phases are finished.

  Returns:
    A line of `shortfalls.of_style` for each style that has failed.
  """
  model = model_lib.StylizedNerf.load(workdir)
  cameras = _windows(model.scene.split("train"))
  if min(cameras[0].width, cameras[0].height) < lpips.SMALLEST_SIDE:
    return []
  nets = stylizer_nets.load_nets(model.config.weights)
  whole = stylize.Stylizer(
    nets.encoder.layout, nets.encoder.params, nets.decoder
  )
  encode = vgg.VggEncoder(nets.encoder.layout).apply
  judge = _Judge(
    lpips.load_lpips(),
    jax.jit(lambda images: encode({"params": nets.encoder.params}, images)),
  )
  paintings = pipeline.stored_styles(run_folder.RunFolder(workdir))
  lines = []
  total = len(cameras) + len(model.styles)
  with progress.progress(total, "a look at the styles") as bar:
    traced = []
    for camera in cameras:
      traced.append(model.trace(camera))
      bar.advance()
    content = [view.photographed.rgb for view in traced]
    stylized_by_adain = jax.jit(whole.stylize)
    for style in model.styles:
      painting = paintings[style].image
      statistics = whole.style_statistics(painting)
      adain = stylized_by_adain(np.stack(content), *statistics)
      line = shortfalls.of_style(
        style,
        judge([model.paint(view, style).rgb for view in traced], painting),
        adain=judge(np.clip(np.asarray(adain), 0, 1), painting),
        unstylized=judge(content, painting),
      )
      lines += [line] if line else []
      bar.advance()
  return lines


class _Judge:
  """Scores windows against a painting as one picture."""

  def __init__(self, lpips_params, encode):
    self._lpips, self._encode = lpips_params, encode

  def __call__(self, windows, painting: np.ndarray) -> dict:
    joined = np.concatenate(list(windows), axis=1)
    return frames.score_pictures(
      [joined], None, self._lpips, style=painting, encode=self._encode
    )


def _windows(views: cameras_lib.Cameras) -> list[cameras_lib.Camera]:
  """Cameras of equal windows in the middle of some views of a split."""
  count = min(_VIEWS, len(views))
  chosen = np.linspace(0, len(views) - 1, count).round().astype(int)
  cameras = [views[int(i)] for i in chosen]
  shortest = min(min(c.width, c.height) for c in cameras)
  side = view_pixels.window_size(_WINDOW, shortest, vgg.STRIDE)
  return [
    dataclasses.replace(
      c,
      cx=c.cx - (c.width - side) // 2,
      cy=c.cy - (c.height - side) // 2,
      width=side,
      height=side,
    )
    for c in cameras
  ]
