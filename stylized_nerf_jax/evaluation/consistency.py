"""Warped consistency between the frames of one sequence (method, section 11).

Frame j is warped into the view of frame i with the scene's geometry, and
compared with frame i where both see the same surface. Cameras and depths are
in the scene file's frame and units.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.evaluation import lpips
from stylized_nerf_jax.rendering import rays, warping
from stylized_nerf_jax.scenes import cameras as cameras_lib

# Frames between the two of a pair: short and long range.
GAPS = (1, 7)
MINIMUM_OVERLAP = 0.2


def sequence_pairs(count: int, gap: int) -> list[tuple[int, int]]:
  """List the pairs (target, source) of frames that are `gap` apart.

  Args:
    count: number of frames.
    gap: frames from the target to the source, at least 1.

  Returns:
    (0, gap), (1, gap + 1), ...; empty where the sequence is too short.
  """
  return [(index, index + gap) for index in range(count - gap)]


def sequence_consistency(
  frames: Sequence[np.ndarray],
  depths: Sequence[np.ndarray],
  cameras: cameras_lib.Cameras,
  lpips_params: dict[str, Any],
  *,
  tolerance: float,
  gaps: Sequence[int] = GAPS,
  minimum_overlap: float = MINIMUM_OVERLAP,
  advance: Callable[[], None] = lambda: None,
) -> list[dict[str, Any]]:
  """Score all pairs of a sequence, gap by gap.

  Args:
    frames: V pictures [H, W, 3] in [0, 1], at least 31 pixels a side.
    depths: V maps [H, W] of the scene (not of the stylized frames), 0 where
      nothing is hit.
    cameras: V cameras.
    lpips_params: what `lpips.load_lpips` returns.
    tolerance: of `warping.backward_warp`, in the unit of the depths.
    gaps: distances between the frames of a pair.
    minimum_overlap: pairs that share less are dropped: a score over a few
      pixels is noise.
    advance: called after every pair, for progress bars.

  Returns:
    One dictionary a gap: "gap"; "rmse", "lpips", "valid_fraction" and
    "overlap", each the mean over the pairs that were kept (None where there
    is none); "pairs", the same four for each of them with the indices of its
    "target" and "source"; "dropped", the pairs left out and their overlap.
    "valid_fraction" is the share of all pixels that was compared, "overlap"
    the share of those that hit anything.
  """
  arrays = centered_arrays(cameras)
  scores = []
  for gap in gaps:
    kept, dropped = [], []
    for target, source in sequence_pairs(len(frames), gap):
      values = _score_pair(
        lpips_params,
        frames[source],
        depths[source],
        arrays[source],
        frames[target],
        depths[target],
        arrays[target],
        tolerance,
      )
      pair = {"target": target, "source": source}
      pair |= {name: float(value) for name, value in values.items()}
      if pair["overlap"] >= minimum_overlap:
        kept.append(pair)
      else:
        names = ("target", "source", "overlap")
        dropped.append({name: pair[name] for name in names})
      advance()
    scores.append({"gap": gap, **_means(kept), "pairs": kept})
    scores[-1]["dropped"] = dropped
  return scores


def centered_arrays(cameras: cameras_lib.Cameras) -> list[rays.CameraArrays]:
  """Make single-camera arrays whose frame is moved to the cameras' middle.

  Warping does not depend on the origin, but float32 does: scene files may
  place it kilometres away.
  """
  poses = cameras.camera_to_world.copy()
  poses[:, :3, 3] -= poses[:, :3, 3].mean(axis=0)
  centered = dataclasses.replace(cameras, camera_to_world=poses)
  return [rays.camera_arrays(camera, None) for camera in centered]


@jax.jit
def _score_pair(
  lpips_params: dict[str, Any],
  image_src: jax.Array,
  depth_src: jax.Array,
  camera_src: rays.CameraArrays,
  image_dst: jax.Array,
  depth_dst: jax.Array,
  camera_dst: rays.CameraArrays,
  tolerance: float,
) -> dict[str, jax.Array]:
  """Compare one frame with another warped into its view."""
  warped, mask = warping.backward_warp(
    image_src,
    depth_src,
    camera_src,
    depth_dst,
    camera_dst,
    tolerance=tolerance,
  )
  # `warped` is 0 outside the mask already.
  target = jnp.where(mask[..., None], image_dst, 0.0)
  valid = jnp.sum(mask)
  squared = jnp.sum((target - warped) ** 2)
  return {
    "rmse": jnp.sqrt(squared / (3 * jnp.maximum(valid, 1))),
    "lpips": lpips.lpips(lpips_params, target[None], warped[None])[0],
    "valid_fraction": valid / mask.size,
    "overlap": valid / jnp.maximum(jnp.sum(depth_dst > 0), 1),
  }


def _means(pairs: Sequence[dict[str, Any]]) -> dict[str, float | None]:
  """Average the pairs, each counting once whatever its number of pixels."""
  return {
    name: float(np.mean([pair[name] for pair in pairs])) if pairs else None
    for name in ("rmse", "lpips", "valid_fraction", "overlap")
  }
