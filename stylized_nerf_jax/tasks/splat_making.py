"""Splats of a model, in any of its looks."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from scipy import sparse, spatial

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.models.traced_view import TracedView
from stylized_nerf_jax.rendering import geometry_cache
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.scenes import pose_geometry
from stylized_nerf_jax.splatting import fitting, frames, places, projection
from stylized_nerf_jax.splatting import splats as splats_lib

MOST_SPLATS = 150_000
# Training views that are looked at, and pixels of all of them: of more, some
# are left out, or all are made smaller.
_MOST_VIEWS, _MOST_PIXELS = 64, 8_000_000
# Views between the photographs' own are looked at, too, where those have no
# more pixels than this; between each and so many nearest cameras that look
# nearly the same way.
_FEW_PIXELS, _NEAREST, _NEARLY = 500_000, 3, 60.0
# Of a ray that are looked at.
_SAMPLES = 10
# Splats that are looked at for each that is kept.
_SPARE = 1.5
# Pixels of all views for each splat, at least: of more splats the tiles of a
# small picture have too many, and leave out those behind. Views between the
# photographs' count half: most of it is in those, too. Points are drawn by no
# tiles.
_PIXELS, POINT_PIXELS = 20, 5
# Times that each view is drawn to fit places and colours, and colours alone.
_ROUNDS, _COLOR_ROUNDS = (8.0, 24.0), 6
# Small views are drawn more often, until so many pixels were.
_DRAWN = 12_000_000
_LEAST_STEPS = 120
# Looks that are fitted together.
_TOGETHER = 3
# What is fainter, or fills less than so many pixels of all views, is left out.
_LEAST_OPACITY, _LEAST_SHARE = 0.01, 0.2


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
  """What training cameras see of a model's geometry.

  Attributes:
    cameras: pinholes, file frame; those of photographs come first.
    traced: what each sees.
    between: how many stand between them.
  """

  cameras: Sequence[cameras_lib.Camera]
  traced: Sequence[TracedView]
  between: int = 0

  @property
  def pixels(self) -> float:
    """Of all views; of those between the photographs' half."""
    each = [camera.width * camera.height for camera in self.cameras]
    return sum(each) - sum(each[len(each) - self.between :]) / 2


def make(
  model: model_lib.StylizedNerf,
  looks: Mapping[str, model_lib.Style],
  *,
  most: int = MOST_SPLATS,
  seed: int = 0,
  rounds: float | None = None,
  **dials: Any,
) -> splats_lib.PaintedSplats:
  """Makes splats of a model.

  Args:
    model: of which phase 1 is finished.
    looks: styles by the names that their colours get; None as photographed.
      Places, sizes and opacities are fitted to the first three.
    most: splats.
    seed: of the order in which views are fitted; the same gives the same.
    rounds: times that each view is drawn to fit them; None: 8, and up to 24
      where views are small.
    **dials: of `StylizedNerf.paint`, for all looks.

  Returns:
    Splats in the frame of the scene's file, with the colours of each look.

  Raises:
    ValueError: as `StylizedNerf.paint`, or the training views see nothing.
  """
  seen = see(model)
  if rounds is None:
    rounds = _rounds(seen)
  found = seeds(model, seen, most)
  groups = [
    dict(list(looks.items())[start : start + _TOGETHER])
    for start in range(0, len(looks), _TOGETHER)
  ]
  count = len(seen.cameras)
  steps = [max(_LEAST_STEPS, int(rounds * count)) if rounds else 0]
  steps += [int(min(_COLOR_ROUNDS, rounds) * count)] * (len(groups) - 1)
  splats, colors = found.seeds.splats, {}
  views: list[fitting.View] = []
  with progress.progress(sum(steps), "fitting splats") as bar:
    for group, own_steps in zip(groups, steps):
      pictures = paint(model, seen, list(group.values()), **dials)
      views = _views(model, seen, pictures)
      splats, fitted = fitting.fit(
        splats,
        found.colors(pictures),
        views,
        steps=own_steps,
        background=model.scene.background,
        geometry=not colors,
        seed=seed,
        advance=bar.advance,
      )
      colors |= dict(zip(group, np.split(fitted, len(group), axis=1)))
  kept = fitting.shares(splats, views) >= _LEAST_SHARE
  kept &= splats.logits >= np.log(_LEAST_OPACITY / (1.0 - _LEAST_OPACITY))
  splats = splats_lib.Splats(*(values[kept] for values in splats))
  return splats_lib.PaintedSplats(
    frames.moved(splats, frames.to_file(model.space)),
    {name: values[kept] for name, values in colors.items()},
  )


def _rounds(seen: Seen) -> float:
  """Times that each view is drawn."""
  pixels = sum(camera.width * camera.height for camera in seen.cameras)
  return float(np.clip(_DRAWN / pixels, *_ROUNDS))


def see(model: model_lib.StylizedNerf) -> Seen:
  """Traces the training cameras of a model, as pinholes.

  Of more views than 64 some are looked at, evenly chosen; and all in a smaller
  size where they have more than 8 million pixels together. Where they have few,
  half a million, the field is also looked at from between them.
  """
  cameras = model.scene.split("train")
  chosen = np.unique(
    np.linspace(0, len(cameras) - 1, min(_MOST_VIEWS, len(cameras))).round()
  ).astype(int)
  chosen_cameras = [projection.pinhole(cameras[int(i)]) for i in chosen]
  pixels = sum(camera.width * camera.height for camera in chosen_cameras)
  if pixels > _MOST_PIXELS:
    factor = (_MOST_PIXELS / pixels) ** 0.5
    chosen_cameras = [camera.scaled(factor) for camera in chosen_cameras]
  between = _between(chosen_cameras) if pixels <= _FEW_PIXELS else []
  chosen_cameras += between
  traced = []
  with progress.progress(len(chosen_cameras), "tracing views") as bar:
    for camera in chosen_cameras:
      traced.append(model.trace(camera, _SAMPLES))
      bar.advance()
  return Seen(chosen_cameras, traced, len(between))


def _between(
  cameras: Sequence[cameras_lib.Camera],
) -> list[cameras_lib.Camera]:
  """Cameras half way between neighbours.

  These are the three nearest of each, and those that a shortest tree connects.
  """
  poses = [camera.camera_to_world for camera in cameras]
  centers = np.stack([pose[:3, 3] for pose in poses])
  apart = spatial.distance.squareform(spatial.distance.pdist(centers))
  near = sparse.csgraph.minimum_spanning_tree(apart).toarray() > 0
  rows = np.arange(len(poses))[:, None]
  near[rows, np.argsort(apart, axis=1)[:, 1 : _NEAREST + 1]] = True
  found = []
  for i, j in np.argwhere(np.triu(near | near.T, 1)).tolist():
    if poses[i][:3, 2] @ poses[j][:3, 2] < np.cos(np.radians(_NEARLY)):
      continue
    pose = poses[i].copy()
    pose[:3, :3] = pose_geometry.slerp(poses[i][:3, :3], poses[j][:3, :3], 0.5)
    pose[:3, 3] = (centers[i] + centers[j]) / 2
    found.append(dataclasses.replace(cameras[i], camera_to_world=pose))
  return found


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
  """Where splats begin.

  Attributes:
    seeds: of the views' places, model frame.
    rays: [P], of all pixels of all views the one of each place.
  """

  seeds: places.Seeds
  rays: np.ndarray

  def colors(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Averages pictures, [H, W, C] uint8 of each view: [N, C] in [0, 1]."""
    flat = np.concatenate([p.reshape(-1, p.shape[-1]) for p in pictures])
    mean = self.seeds.mean(flat[self.rays]) / 255.0
    return mean.astype(np.float32)


def seeds(
  model: model_lib.StylizedNerf,
  seen: Seen,
  most: int,
  *,
  pixels_each: int = _PIXELS,
) -> Found:
  """Finds where the weight of views lies, and sets splats there.

  Args:
    model: whose views they are.
    seen: its views.
    most: splats.
    pixels_each: of `Seen.pixels` for each, at least.

  Raises:
    ValueError: the views see nothing.
  """
  clear, parts, first = _clear(model), [], 0
  for camera, traced in zip(seen.cameras, seen.traced):
    center, directions, distances, weights = _rays(model, camera, traced, clear)
    shape = -1, distances.shape[-1]
    part = places.of_rays(
      center,
      directions.reshape(-1, 3),
      distances.reshape(shape),
      weights.reshape(shape),
      1.0 / max(camera.fl_x, camera.fl_y),
      first=first,
    )
    parts.append(part)
    first += camera.width * camera.height
  found = places.Places(*map(np.concatenate, zip(*parts)))
  if not len(found.points):
    raise user_error.UserError(
      "the training views see no surface: train phase 1 longer"
    )
  most = max(1, min(most, int(seen.pixels / pixels_each)))
  begun = places.seed(found, int(_SPARE * most))
  opacities = places.Opacities(begun.splats)
  for camera, traced in zip(seen.cameras, seen.traced):
    center, _, *samples = _rays(model, camera, traced, clear)
    arrays = rays_lib.camera_arrays(camera, model.space)
    xy, _ = _project(begun.splats.means, arrays)
    opacities.add(center, np.asarray(xy), *samples)
  kept, own = places.with_opacities(begun, opacities.found(), most)
  return Found(kept, found.rays[own])


def _rays(model, camera: cameras_lib.Camera, traced: TracedView, clear):
  """Returns a centre, directions [H, W, 3], distances and weights [H, W, K]."""
  arrays = rays_lib.camera_arrays(camera, model.space)
  found = _unpacked(arrays, traced.packed, model.space.space)
  directions, distances, weights, far = map(np.asarray, found)
  center = np.asarray(arrays.camera_to_model[:, 3])
  if clear is not None:
    distances, weights = places.cleared(
      center, directions, distances, weights, far, clear
    )
  return center, directions, distances, weights


def _clear(model) -> places.Clear | None:
  """Returns what all cameras look past; None where they see it all."""
  space = model.space.space
  if space.kind == "ndc":
    return None
  cameras = model.scene.cameras
  poses = model.space.cameras_to_model(cameras)
  slopes = np.hypot(cameras.width / cameras.fl_x, cameras.height / cameras.fl_y)
  return places.Clear(
    spatial.cKDTree(poses[:, :, 3]),
    -poses[:, :, 2],
    float(np.cos(np.arctan(slopes.max() / 2))),
    space.near,
  )


def paint(
  model: model_lib.StylizedNerf,
  seen: Seen,
  styles: Sequence[model_lib.Style],
  **dials: Any,
) -> list[np.ndarray]:
  """Paints views in styles: [H, W, 3 S] uint8 of each view."""
  found = []
  for one in seen.traced:
    shown = [model.paint(one, style, **dials).rgb for style in styles]
    together = np.concatenate(shown, axis=-1)
    found.append(np.round(255.0 * np.clip(together, 0, 1)).astype(np.uint8))
  return found


def _views(model, seen: Seen, pictures) -> list[fitting.View]:
  return [
    fitting.View(
      rays_lib.camera_arrays(camera, model.space),
      picture,
      traced.photographed.opacity,
    )
    for camera, traced, picture in zip(seen.cameras, seen.traced, pictures)
  ]


_project = jax.jit(rays_lib.project)


@functools.partial(jax.jit, static_argnames="space")
def _unpacked(camera: rays_lib.CameraArrays, packed, space):
  """Returns directions [H, W, 3], distances, weights [H, W, K], ends [H, W]."""
  xy = rays_lib.pixel_grid(*packed.shape[:2])
  rays = rays_lib.cast_rays(camera, xy, space)
  samples = geometry_cache.unpack(packed, rays, space)
  each = jax.tree.map(lambda values: values[..., None, :], rays)
  distances = rays_lib.distances(each, samples.t, space)
  far = rays_lib.distances(rays, rays.far[..., 0], space)
  return rays.viewdirs, distances, samples.weights, far
