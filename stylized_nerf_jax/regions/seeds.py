"""What is known of nodes: inside or outside, from masks, a box or clicks.

A mask says of every surface point that its view sees whether it is inside;
points hidden from it are not known, however near to the mask they project.
"""

import dataclasses
from collections.abc import Sequence

import jax
import numpy as np
from scipy import spatial

from stylized_nerf_jax.regions import surfaces
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import warping

# Depths of one surface differ by less, in shares of the scene's scale; less
# than where colours are compared, since regions end where surfaces touch.
_TOLERANCE = 0.02


@dataclasses.dataclass(frozen=True)
class Seeds:
  """What is known of M nodes.

  Attributes:
    inside: [M], share of what is known that lies inside, in [0, 1].
    known: [M], how sure that is, in [0, 1]; 0: nothing is known.
  """

  inside: np.ndarray
  known: np.ndarray


def of_masks(
  nodes: surfaces.Nodes,
  views: Sequence[surfaces.View],
  masks: Sequence[tuple[surfaces.View, np.ndarray]],
) -> Seeds:
  """Takes masks to all views, as far as their own views see.

  Args:
    nodes: of the views.
    views: that they were made of.
    masks: each a view and its mask, bool [H, W].
  """
  tolerance = _TOLERANCE * warping.scene_scale([view.depth for view in views])
  inside = np.zeros(len(nodes.points))
  seen = np.zeros(len(nodes.points))
  for source, mask in masks:
    values, known = _to_pixels(views, nodes.pixels, source, mask, tolerance)
    inside += nodes.total(values * known)
    seen += nodes.total(known)
  pixels = np.bincount(nodes.node, minlength=len(nodes.points))
  known = np.minimum(seen / (pixels * len(masks)), 1.0)
  # One mask that sees a node counts fully, however many do not.
  known = np.minimum(known * len(masks), 1.0)
  return Seeds(inside / np.maximum(seen, 1.0), known)


def _to_pixels(views, pixels, source, mask, tolerance):
  """Warps a mask to the pixels [P] of nodes: inside, and known where it is."""
  values, known = [], []
  picture = mask.astype(np.float32)[..., None]
  camera = rays_lib.camera_arrays(source.camera, None)
  for view, on_surface in zip(views, pixels):
    warped, seen = _warp(
      picture,
      source.depth,
      camera,
      view.depth,
      rays_lib.camera_arrays(view.camera, None),
      tolerance=tolerance,
    )
    warped = np.asarray(warped)[..., 0]
    # Between pixels of both kinds lies the border, which pixels are too
    # coarse for.
    sure = np.asarray(seen) & ((warped < 0.01) | (warped > 0.99))
    values.append(warped[on_surface])
    known.append(sure[on_surface])
  return np.concatenate(values), np.concatenate(known).astype(np.float64)


_warp = jax.jit(warping.backward_warp)


def of_box(
  nodes: surfaces.Nodes, lower: Sequence[float], upper: Sequence[float]
) -> Seeds:
  """Tells which nodes lie in a box of the file frame; all are known."""
  places = nodes.file_points
  inside = np.all((places >= lower) & (places <= upper), axis=-1)
  return Seeds(inside.astype(np.float64), np.ones(len(inside)))


def of_points(
  nodes: surfaces.Nodes, inside: np.ndarray, outside: np.ndarray
) -> Seeds:
  """Finds the nodes nearest to points on surfaces.

  Args:
    nodes: of the views.
    inside: [A, 3], file frame.
    outside: [B, 3], likewise.
  """
  tree = spatial.cKDTree(nodes.file_points)
  seeds = Seeds(np.zeros(len(nodes.points)), np.zeros(len(nodes.points)))
  for points, value in ((outside, 0.0), (inside, 1.0)):
    if len(points):
      _, index = tree.query(points)
      seeds.inside[index], seeds.known[index] = value, 1.0
  return seeds
