"""A first look at a trained run: which styles have failed, in some seconds.

Windows in the middle of three training views, at the size that the run was
trained in, are rendered unstylized and in every style, and stylized by AdaIN;
they are held against the middle of the painting, beside each other as one
picture. `evaluate` looks at all frames of a path and whole paintings, and takes
minutes.
"""

import dataclasses
import pathlib

import jax
import numpy as np

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.evaluation import (
  lpips,
  shortfalls,
  strokes,
  style_scores,
)
from stylized_nerf_jax.host import processes, progress
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.phases import mutual_learning, pipeline, run_styles
from stylized_nerf_jax.pixels import view_pixels
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.stylizer import adain, stylize, vgg

_VIEWS = 3
# Pixels a side, at most. One size for all paintings, so that what looks at them
# is compiled once.
_WINDOW, _PAINTING = 128, 320


def result_of(workdir: str | pathlib.Path) -> dict:
  """Returns what a run's styles were made from, the finish with them; {}
  before they are finished.
  """
  run = run_folder.RunFolder(workdir)
  if not run.facts(mutual_learning.PHASE).get("finished"):
    return {}
  wanted = pipeline.phases_of(config_lib.completed(run.config()))
  found = {phase: run.facts(phase) for phase in wanted}
  if not all(entry.get("finished") for entry in found.values()):
    return {}
  return {phase: entry["inputs"] for phase, entry in found.items()}


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
  by_adain, encode = jax.jit(whole.stylize), jax.jit(whole.encode)
  lpips_params = lpips.load_lpips()
  paintings = run_styles.stored(run_folder.RunFolder(workdir))
  middles = _middles([paintings[style].image for style in model.styles])
  lines = []
  total = len(cameras) + len(model.styles)
  with progress.progress(total, "a look at the styles") as bar:
    traced = []
    for camera in cameras:
      traced.append(model.trace(camera))
      bar.advance()
    content = np.stack([view.photographed.rgb for view in traced])
    for style, painting in zip(model.styles, middles):
      judge = _Judge(painting, lpips_params, encode)
      mean, std = adain.style_statistics(encode(painting[None])["relu4_1"])
      line = shortfalls.of_style(
        style,
        judge([model.paint(view, style).rgb for view in traced]),
        adain=judge(by_adain(content, mean[0], std[0])),
        unstylized=judge(content),
      )
      lines += [line] if line else []
      bar.advance()
  return lines


class _Judge:
  """Scores windows against a painting as one picture."""

  def __init__(self, painting: np.ndarray, lpips_params, encode):
    self._measures = {
      "style_distance": style_scores.style_distance(encode, painting),
      "high_frequency_energy": style_scores.high_frequency_energy,
    }
    if min(painting.shape[:2]) >= lpips.SMALLEST_SIDE:
      places = strokes.Resemblance(painting, lpips_params)
      self._measures["realism"] = places.add
    energy = style_scores.high_frequency_energy(painting)
    self._painting = {"painting_energy": float(energy)}

  def __call__(self, windows) -> dict[str, float]:
    joined = np.concatenate([np.asarray(window) for window in windows], axis=1)
    found = {name: float(m(joined)) for name, m in self._measures.items()}
    return found | self._painting


def _middles(paintings: list[np.ndarray]) -> list[np.ndarray]:
  """Cuts squares of one size out of the middle of paintings."""
  shortest = min(min(painting.shape[:2]) for painting in paintings)
  side = view_pixels.window_size(_PAINTING, shortest, vgg.STRIDE)
  corners = [(np.array(p.shape[:2]) - side) // 2 for p in paintings]
  return [
    p[y : y + side, x : x + side] for p, (y, x) in zip(paintings, corners)
  ]


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
