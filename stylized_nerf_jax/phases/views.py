"""The field's render of every training camera, made once and kept on disk.

Phases 2 and 3 see these, never the photographs: they are what the stylizer's
results must agree with, and their depth is the geometry of all warps.
"""

import pathlib

import jax
import numpy as np

from stylized_nerf_jax.phases import modules, run_folder
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import renderer
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.training import disk, interruption, processes, progress


class Views:
  """V rendered training views, read from disk when asked for.

  Attributes:
    cameras: of the views, file frame.
  """

  def __init__(self, folder: pathlib.Path, cameras: scene_lib.Cameras):
    self._folder = folder
    self.cameras = cameras

  def __len__(self) -> int:
    return len(self.cameras)

  def rgb(self, index: int) -> np.ndarray:
    """Returns a view: [H, W, 3] float32 in [0, 1]."""
    values = np.load(self._folder / f"rgb_{index:05d}.npy", mmap_mode="r")
    return values.astype(np.float32) / 255.0

  def depth(self, index: int) -> np.ndarray:
    """Returns its depth: [H, W] float32, file units, 0 where empty."""
    return np.load(self._folder / f"depth_{index:05d}.npy", mmap_mode="r")


def load_or_render(config, run: run_folder.RunFolder, params) -> Views:
  """Renders the training views of a finished phase 1, unless it was done.

  Args:
    config: the run's config.
    run: its folder.
    params: of the radiance field.
  """
  record = run.scene()
  cameras = record.split("train")
  folder = run.phase_path("radiance_field") / "views"
  done = folder / "complete"
  if not processes.by_first(done.exists):
    folder.mkdir(parents=True, exist_ok=True)
    render = renderer.make_image_renderer(
      modules.radiance_field(config.field, record.normalization.space),
      None,
      modules.ray_setting(record),
      rays_per_chunk=config.rendering.rays_per_chunk,
    )
    arrays = rays_lib.camera_arrays(cameras, record.normalization)
    with progress.progress(len(cameras), "rendering training views") as bar:
      for i, camera in enumerate(cameras):
        interruption.stop_if_asked("while training views are rendered")
        one = jax.tree.map(lambda values, i=i: values[i], arrays)
        view = render({"field": params}, one, camera.height, camera.width)
        if processes.is_first():
          _save(folder, i, view)
        bar.advance()
    processes.by_first(done.touch)
  return Views(folder, cameras)


def _save(folder: pathlib.Path, index: int, view: renderer.Rendered) -> None:
  rgb = np.round(np.clip(view.rgb, 0.0, 1.0) * 255.0).astype(np.uint8)
  with disk.writing(folder):
    np.save(folder / f"rgb_{index:05d}.npy", rgb)
    np.save(folder / f"depth_{index:05d}.npy", view.depth.astype(np.float32))


def neighbours(cameras: scene_lib.Cameras, count: int) -> np.ndarray:
  """Lists the views whose cameras stand nearest.

  Args:
    cameras: of V views.
    count: how many neighbours at most.

  Returns:
    [V, min(count, V - 1)] indices, nearest first, never the view itself.
  """
  centers = cameras.centers
  distances = np.linalg.norm(centers[:, None] - centers[None], axis=-1)
  # Cameras that turn on the spot differ in direction only.
  facing = cameras.view_directions @ cameras.view_directions.T
  spread = max(float(distances.max()), 1e-9)
  cost = distances / spread + (1.0 - facing)
  np.fill_diagonal(cost, np.inf)
  order = np.argsort(cost, axis=1, kind="stable")
  return order[:, : max(1, min(count, len(cameras) - 1))]
