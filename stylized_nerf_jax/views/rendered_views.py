"""The field's render of every training camera, made once and kept on disk.

Phases 2 and 3 see these, never the photographs: they are what the stylizer's
results must agree with, and their depth is the geometry of all warps. The
geometry cache, from which phase 3 learns, is made in the same pass.
"""

import pathlib
from collections.abc import Sequence

import jax
import numpy as np

from stylized_nerf_jax.host import disk, interruption, processes, progress
from stylized_nerf_jax.networks import modules, ray_blocks
from stylized_nerf_jax.rendering import image_rendering, renderer
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.selection import painted_views
from stylized_nerf_jax.views import view_geometry


class _Depths(Sequence):
  """depths[i]: [H, W] float32 of a view."""

  def __init__(self, views: "Views"):
    self._views = views

  def __len__(self) -> int:
    return len(self._views)

  def __getitem__(self, index: int) -> np.ndarray:
    return self._views.depth(range(len(self))[index])


class Views:
  """V rendered training views, read from disk when asked for.

  Attributes:
    cameras: of the views, file frame.
    geometry: packed samples of all their rays; None where they are not kept.
    depths: what `depth` returns, of all views.
    chosen: ending of the names of files of these views; empty where they are
      all training views.
  """

  def __init__(
    self,
    folder: pathlib.Path,
    cameras: scene_lib.Cameras,
    geometry: view_geometry.ViewGeometry | None = None,
    chosen: str = "",
  ):
    self._folder, self.chosen = folder, chosen
    self.cameras = cameras
    self.geometry = geometry
    self.depths = _Depths(self)

  def __len__(self) -> int:
    return len(self.cameras)

  def rgb(self, index: int) -> np.ndarray:
    """Returns a view: [H, W, 3] float32 in [0, 1]."""
    return self.pixels(index).astype(np.float32) / 255.0

  def pixels(self, index: int) -> np.ndarray:
    """Returns a view as it lies on disk: [H, W, 3] uint8."""
    return np.load(self._folder / f"rgb_{index:05d}.npy", mmap_mode="r")

  def depth(self, index: int) -> np.ndarray:
    """Returns its depth: [H, W] float32, file units, 0 where empty."""
    return np.load(self._folder / f"depth_{index:05d}.npy", mmap_mode="r")


def inputs(config, run: run_folder.RunFolder) -> dict[str, int]:
  """Returns what says which views they are, where that is not all of them."""
  train = run.scene().split("train")
  rays = config.views.rays
  if painted_views.cameras_of(train, rays) is train:
    return {}
  return {"views.rays": rays}


def load_or_render(config, run: run_folder.RunFolder, params) -> Views:
  """Renders the training views of a finished phase 1, unless it was done.

  Args:
    config: the run's config.
    run: its folder.
    params: of the radiance field.
  """
  record = run.scene()
  train = record.split("train")
  cameras = painted_views.cameras_of(train, config.views.rays)
  phase = run.phase_path("radiance_field")
  kept = view_geometry.samples_kept(config, cameras)
  chosen = "" if cameras is train else f"_of_{config.views.rays}_rays"
  folder, packed = phase / f"views{chosen}", phase / f"thinned_{kept}{chosen}"

  def is_done() -> bool:
    geometry_done = not kept or view_geometry.is_complete(packed)
    return geometry_done and (folder / "complete").exists()

  if not processes.by_first(is_done):
    _render(config, record, cameras, params, folder, packed, kept)
  geometry = None
  if kept:
    tolerance = config.geometry_cache.tolerance
    geometry = view_geometry.load(packed, cameras, tolerance)
  return Views(folder, cameras, geometry, chosen)


def _render(
  config, record, cameras, params, folder, packed_folder, kept: int
) -> None:
  """Renders views, and keeps `kept` samples of every ray."""
  folder.mkdir(parents=True, exist_ok=True)
  field = modules.radiance_field(config.field, record.normalization.space)
  setting = modules.ray_setting(record)
  chunks = {
    "rays_per_chunk": ray_blocks.per_chunk(config),
    "rays_at_once": ray_blocks.for_rendering(config),
  }
  writer = None
  if kept:
    render_and_pack = image_rendering.make_tracer(
      field, setting, kept, **chunks
    )
    if processes.is_first():
      writer = view_geometry.Writer(packed_folder, cameras, kept)
  else:
    render = image_rendering.make_image_renderer(field, None, setting, **chunks)
  arrays = rays_lib.camera_arrays(cameras, record.normalization)
  with progress.progress(len(cameras), "rendering training views") as bar:
    for i, camera in enumerate(cameras):
      interruption.stop_if_asked("while training views are rendered")
      one = jax.tree.map(lambda values, i=i: values[i], arrays)
      size = camera.height, camera.width
      if kept:
        view, packed, loss = render_and_pack(params, one, *size)
        if writer:
          writer.add(packed, loss)
      else:
        view = render({"field": params}, one, *size)
      if processes.is_first():
        _save(folder, i, view)
      bar.advance()
  if writer:
    writer.finish()
  processes.by_first((folder / "complete").touch)


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
