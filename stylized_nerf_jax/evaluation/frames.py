"""Scoring a sequence of frames: the one path that every score takes.

Frames are [H, W, 3] float32 in [0, 1], whoever made them; geometry is that of
the scene, never that of the frames (method, section 11). No filter lies
between a frame and its score.
"""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.evaluation import (
  consistency,
  geometry,
  image_metrics,
  lpips,
  painting_scores,
  style_scores,
)
from stylized_nerf_jax.scenes.pictures import image_reader

_lpips = jax.jit(lpips.lpips)
_ssim = jax.jit(image_metrics.ssim)
_edges = jax.jit(image_metrics.edge_agreement)
_high_frequency_energy = jax.jit(style_scores.high_frequency_energy)


def read_frames(folder: str | pathlib.Path) -> image_reader.ImageFiles:
  """Find the pictures of a folder, in the natural order of their names.

  Args:
    folder: holds the frames and no other pictures.

  Returns:
    A sequence of [H, W, 3] float32 in [0, 1], decoded when they are asked
    for; transparency lies over white.

  Raises:
    ValueError: the folder is missing, or holds no readable picture.
  """
  paths = image_reader.list_images(pathlib.Path(folder))
  return image_reader.ImageFiles(
    paths, [image_reader.read_header(p)[0] for p in paths]
  )


def count_steps(count: int, gaps: Sequence[int] = consistency.GAPS) -> int:
  """Tell how often `score_frames` calls `advance` for `count` frames."""
  pairs = [consistency.sequence_pairs(count, gap) for gap in gaps]
  return count + sum(len(some) for some in pairs)


def describe_protocol(
  scene_geometry: geometry.Geometry,
  *,
  gaps: Sequence[int] = consistency.GAPS,
) -> dict[str, Any]:
  """State what scores must share to be compared, for the report.

  Args:
    scene_geometry: what the sequences are scored against.
    gaps: distances between the frames of a pair.

  Returns:
    The "protocol" of a report.
  """
  camera = scene_geometry.cameras[0]
  return {
    "frames": len(scene_geometry.cameras),
    "width": camera.width,
    "height": camera.height,
    "gaps": list(gaps),
    "scene_scale": scene_geometry.scene_scale,
    "tolerance": scene_geometry.tolerance,
    "minimum_overlap": consistency.MINIMUM_OVERLAP,
  }


def score_frames(
  frames: Sequence[np.ndarray],
  scene_geometry: geometry.Geometry,
  *,
  style: np.ndarray | None = None,
  encode: style_scores.Encode | None = None,
  lpips_params: dict[str, Any] | None = None,
  gaps: Sequence[int] = consistency.GAPS,
  advance: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
  """Score one sequence.

  Args:
    frames: V pictures, frame v as camera v sees it.
    scene_geometry: cameras and depths of the V views, and their unstylized
      pictures where there are any.
    style: the style image [H, W, 3] that the frames should resemble.
    encode: the stylizer's encoder, see `style_scores.style_distance`.
    lpips_params: None reads the installed ones.
    gaps: distances between the frames of a pair.
    advance: called after every frame and every pair, for progress bars.

  Returns:
    "consistency", as `consistency.sequence_consistency` lists it, and what
    `score_pictures` returns.

  Raises:
    ValueError: frames and geometry do not fit, or the extra `weights` is
      missing.
  """
  _check_frames(frames, scene_geometry)
  if lpips_params is None:
    lpips_params = lpips.load_lpips()
  means = score_pictures(
    frames,
    scene_geometry.content,
    lpips_params,
    style=style,
    encode=encode,
    advance=advance,
  )
  pairs = consistency.sequence_consistency(
    frames,
    scene_geometry.depths,
    scene_geometry.cameras,
    lpips_params,
    tolerance=scene_geometry.tolerance,
    gaps=gaps,
    advance=advance,
  )
  return {"consistency": pairs, **means}


def score_pictures(
  pictures: Sequence[np.ndarray],
  content: Sequence[np.ndarray] | None,
  lpips_params: dict[str, Any],
  *,
  style: np.ndarray | None = None,
  encode: style_scores.Encode | None = None,
  advance: Callable[[], None] = lambda: None,
) -> dict[str, float | None]:
  """Score pictures each by itself, whatever their cameras.

  Args:
    pictures: V of them, [H, W, 3] in [0, 1], at least one.
    content: the unstylized picture of each, of the same size; or None.
    lpips_params: what `lpips.load_lpips` returns.
    style: the style image [H, W, 3] that the pictures should resemble.
    encode: the stylizer's encoder, see `style_scores.style_distance`.
    advance: called after every picture, for progress bars.

  Returns:
    What `painting_scores.PaintingScores.scores` returns (all None without
    style); and means over all pictures: "content_lpips", "content_ssim" and
    "content_edges" (None without content), and "high_frequency_energy".
  """
  painting = None
  if style is not None:
    painting = painting_scores.PaintingScores(style, lpips_params, encode)
  rows = []
  for index in range(len(pictures)):
    picture = pictures[index]
    row = {"high_frequency_energy": _high_frequency_energy(picture)}
    if painting is not None:
      painting.add(picture)
    if content is not None:
      view = content[index]
      row["content_lpips"] = _lpips(lpips_params, picture[None], view[None])[0]
      row["content_ssim"] = _ssim(picture, view)
      row["content_edges"] = _edges(picture, view)
    rows.append(row)
    advance()
  scores: dict[str, float | None] = dict.fromkeys(painting_scores.NAMES)
  if painting is not None:
    scores = painting.scores()
  return scores | _frame_means(rows)


def _check_frames(
  frames: Sequence[np.ndarray], scene_geometry: geometry.Geometry
) -> None:
  """Raise unless there is one frame of the right size for every camera."""
  cameras = scene_geometry.cameras
  counts = {
    "frames": len(frames),
    "depth maps": len(scene_geometry.depths),
  }
  if scene_geometry.content is not None:
    counts["unstylized pictures"] = len(scene_geometry.content)
  for what, count in counts.items():
    if count != len(cameras):
      raise user_error.UserError(
        f"{count} {what} for {len(cameras)} cameras; expected one for each, in"
        " the same order"
      )
  if len(frames) < 2:
    raise user_error.UserError(
      "a single frame; expected a sequence of at least 2"
    )
  for index, camera in enumerate(cameras):
    expected = (camera.height, camera.width, 3)
    # Sizes from the files' headers, where the frames are files: all of them
    # are checked before any of them is scored.
    if isinstance(frames, image_reader.ImageFiles):
      width, height = frames.sizes[index]
      found, name = (height, width, 3), f"{frames.paths[index]}"
    else:
      found, name = np.shape(frames[index]), f"frame {index}"
    if found != expected:
      raise user_error.UserError(
        f"{name}: the picture is {found[1]}x{found[0]}, expected"
        f" {camera.width}x{camera.height} as camera {index} of the geometry"
        " says; render both at the same size"
      )


def _frame_means(rows: Sequence[dict[str, Any]]) -> dict[str, float | None]:
  """Average every measure over the frames; None where it was not taken."""
  names = (
    "content_lpips",
    "content_ssim",
    "content_edges",
    "high_frequency_energy",
  )
  return {
    name: float(np.mean([row[name] for row in rows]))
    if name in rows[0]
    else None
    for name in names
  }
