"""A scene's surfaces as coloured meshes, one file a style."""

import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import spatial

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.meshes import agreement, density_grid, surface
from stylized_nerf_jax.models import renderers, surface_rays
from stylized_nerf_jax.outputs import mesh_writer
from stylized_nerf_jax.regions import surfaces
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import paths, vantage

RESOLUTION = 256
MOST_FACES = 300_000
_RESOLUTIONS = (16, 768)
# Views that say where surfaces are, and pixels of all of them.
_MOST_VIEWS, _MOST_PIXELS = 48, 2_000_000
# Steps of the grid around seen surfaces in which the field is asked.
_AROUND = 4
# Bytes of a point of the grid: its value, masks, and what dilation takes.
_BYTES_PER_POINT = 10
# Rays that say which level is the surface, and how far along them to look.
_RAYS, _ALONG = 6000, 6
# Of the distance before which no ray begins.
_BLIND = 0.98
_SMALL_PART = 0.002
_SMOOTHINGS = 6
_SEED = 0


def write(
  model: model_lib.StylizedNerf,
  files: Mapping[str | pathlib.Path, model_lib.Style],
  *,
  resolution: int | None = None,
  most_faces: int = MOST_FACES,
  **dials: Any,
) -> None:
  """Writes a mesh in several styles.

  Args:
    model: of the scene.
    files: the style of each file, which ends in .glb; None is as photographed.
    resolution: points of the grid along its longest side, 16 to 768; None:
      256. The grid takes 10 bytes a point.
    most_faces: to which the mesh is simplified.
    **dials: of `StylizedNerf.render`, but for regions.

  Raises:
    ValueError: the extra for meshes is missing, an option is out of range, the
      field has no surface, or a file cannot be written.
  """
  surface.check_available()
  for file in files:
    mesh_writer.check_name(file)
  mesh = make(model, resolution=resolution, most_faces=most_faces)
  placed = surface.Mesh(
    _turned(model, mesh.vertices).astype(np.float32), mesh.faces
  )
  for file, style in files.items():
    colors = model.paint_points(mesh.vertices, style, **dials)
    name = pathlib.Path(file).stem
    mesh_writer.write_glb(file, placed, colors, name=name)


def make(
  model: model_lib.StylizedNerf,
  *,
  resolution: int | None = None,
  most_faces: int = MOST_FACES,
) -> surface.Mesh:
  """Finds the surfaces that the training cameras see, in the file frame.

  Args, Raises: as `write`.
  """
  resolution = RESOLUTION if resolution is None else resolution
  low, high = _RESOLUTIONS
  if not low <= resolution <= high:
    raise user_error.UserError(
      f"resolution is {resolution}; expected {low} to {high} points along the "
      "longest side of the grid"
    )
  if most_faces < 4:
    raise user_error.UserError(
      f"faces are to be {most_faces} at most; expected at least 4"
    )
  record = model.scene
  views = _views(model)
  nodes = surfaces.find(views, model.space)
  agreed = agreement.agreed(
    nodes.file_points,
    [view.camera for view in views],
    [view.depth for view in views],
  )
  # Before that cameras are blind: a field may have anything there.
  closest, _ = spatial.cKDTree(record.cameras.centers).query(nodes.file_points)
  agreed &= closest >= _BLIND * record.near
  points, normals = nodes.points[agreed], nodes.normals[agreed]
  if not len(points):
    raise user_error.UserError(
      "no two training views agree where a surface is: train phase 1 longer"
    )
  grid = density_grid.around(points, resolution)
  mask = density_grid.near(grid, points, _AROUND)
  size = " x ".join(map(str, grid.shape))
  asked = int(mask.sum())
  progress.say(
    f"a grid of {size}, {_BYTES_PER_POINT * mask.size / 2**20:.0f} MiB; the "
    f"field is asked at {asked:,} points of it, near to surfaces"
  )
  rays = surface_rays.across(record, grid.points(mask), grid.step)
  ask = renderers.of(model.config, record).points("thickness")
  values = density_grid.filled(mask, ask(model.params["field"], rays))
  level = density_grid.level(grid, values, _ways(model, views, grid))
  mesh = surface.extract(grid, values, level, mask)
  mesh = surface.seen_side(mesh, points, normals)
  mesh = surface.without_small_parts(mesh, _SMALL_PART)
  found = len(mesh.faces)
  mesh = surface.simplify(surface.smooth(mesh, _SMOOTHINGS), most_faces)
  if record.normalization.space.kind == "ndc":
    # NDC is a mirror: what is far is at its greater z.
    mesh = surface.turned(mesh)
  progress.say(
    f"a surface where a step of the grid holds back "
    f"{1 - np.exp(-np.exp(level)):.0%} of the light: {found:,} faces, "
    f"{len(mesh.faces):,} of them kept, {len(mesh.vertices):,} vertices"
  )
  return surface.Mesh(
    surface_rays.file_points(record, mesh.vertices), mesh.faces
  )


def _views(model: model_lib.StylizedNerf) -> list[surfaces.View]:
  """Renders training views, smaller where they are many."""
  cameras = model.scene.split("train")
  count = min(_MOST_VIEWS, len(cameras))
  numbers = np.linspace(0, len(cameras) - 1, count).round().astype(int)
  chosen = [cameras[int(i)] for i in numbers]
  pixels = sum(camera.width * camera.height for camera in chosen)
  factor = min(1.0, (_MOST_PIXELS / pixels) ** 0.5)
  found = []
  with progress.progress(len(chosen), "looking for surfaces") as bar:
    for camera in chosen:
      camera = camera.scaled(factor) if factor < 1 else camera
      seen = model.render(camera)
      found.append(surfaces.View(camera, seen.rgb, seen.depth))
      bar.advance()
  return found


def _ways(model, views, grid: density_grid.Grid) -> np.ndarray:
  """Walks along rays past where their weight is: [R, T, 3], as `level` asks."""
  random = np.random.default_rng(_SEED)
  each = -(-_RAYS // len(views))
  found = []
  for view in views:
    rows, columns = np.nonzero(view.depth)
    if not len(rows):
      continue
    some = random.integers(0, len(rows), each)
    rows, columns = rows[some], columns[some]
    xy = np.stack([columns, rows], axis=-1).astype(np.float32) + 0.5
    arrays = rays_lib.camera_arrays(view.camera, model.space)
    depth = view.depth[rows, columns] * model.space.scale
    found.append(
      np.asarray(_along(arrays, xy, depth, grid.step, space=model.space.space))
    )
  return np.concatenate(found)


def _along(arrays, xy, depth, step, *, space):
  directions = rays_lib.pixel_directions(arrays, xy)
  center = arrays.camera_to_model[:, 3]

  def inside(distances):
    places = center + distances[..., None] * directions
    return rays_lib.to_field(places, space)

  # How far a ray gets in field coordinates, per share of its depth.
  share = 1e-3
  ahead = inside((1 + share) * depth) - inside((1 - share) * depth)
  speed = jnp.linalg.norm(ahead, axis=-1) / (2 * share)
  reach = step / jnp.maximum(speed, 1e-9)
  steps = jnp.arange(-_ALONG, _ALONG + 1)
  places = [inside(depth * jnp.maximum(1 + k * reach, 0.05)) for k in steps]
  return jnp.stack(places, axis=1)


_along = jax.jit(_along, static_argnames="space")


def _turned(model: model_lib.StylizedNerf, points: np.ndarray) -> np.ndarray:
  """Moves points from the file frame to glTF's: y up, the front towards +z.

  The middle of what is looked at is the origin. Units stay those of the scene
  file, which of photographs alone are no metres.
  """
  record = model.scene
  place = vantage.vantage(record.cameras, record.normalization, points)
  up = paths.up_axis(record.normalization)
  back = place.home.camera_to_world[:3, 2]
  right = np.cross(up, back)
  if np.linalg.norm(right) < 1e-6:
    right = place.home.camera_to_world[:3, 0]
  right = right / np.linalg.norm(right)
  axes = np.stack([right, up, np.cross(right, up)])
  return (points - place.focus) @ axes.T
