"""Splats fitted to pictures of splats that are known."""

import numpy as np
import pytest

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.scenes.synthetic import embedded
from stylized_nerf_jax.splatting import compositing, fitting, rendering
from stylized_nerf_jax.splatting import splats as splats_lib

_SIDE = 24
_BLUE = (0.1, 0.2, 0.8)


def _cameras() -> list[cameras_lib.Camera]:
  places = ([0.0, -3.0, 0.5], [1.5, -2.6, 0.5], [-1.5, -2.6, 0.9])
  return [
    cameras_lib.Camera(
      embedded.look_at(np.array(place), np.zeros(3)),
      *(26.0, 26.0, _SIDE / 2, _SIDE / 2, _SIDE, _SIDE),
    )
    for place in places
  ]


@pytest.fixture(scope="module", autouse=True)
def small_blocks():
  """Nine tiles are two blocks here, not a share of one of 128."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(compositing, "_BLOCK", 5)
    yield


@pytest.fixture(scope="module")
def scene(small_blocks):
  """Splats, colours of two looks, and views of them."""
  random = np.random.default_rng(0)
  count = 40
  rotations = random.normal(size=(count, 4))
  splats = splats_lib.Splats(
    random.uniform(-0.8, 0.8, (count, 3)),
    np.log(random.uniform(0.1, 0.25, (count, 3))),
    rotations / np.linalg.norm(rotations, axis=-1, keepdims=True),
    random.normal(1.0, 1.0, count),
  )
  splats = splats_lib.Splats(*(v.astype(np.float32) for v in splats))
  colors = random.uniform(size=(count, 6)).astype(np.float32)
  views = []
  for camera in _cameras():
    shown = [
      rendering.render(splats, part, camera, background=_BLUE)
      for part in (colors[:, :3], colors[:, 3:])
    ]
    together = np.concatenate([rgb for rgb, _ in shown], axis=-1)
    views.append(
      fitting.View(
        rays_lib.camera_arrays(camera, None),
        np.round(255 * together).astype(np.uint8),
        np.asarray(shown[0][1]),
      )
    )
  return splats, colors, views


def _error(splats, colors, views) -> float:
  found = [
    np.concatenate(
      [
        rendering.render(splats, part, camera, background=_BLUE)[0]
        for part in (colors[:, :3], colors[:, 3:])
      ],
      axis=-1,
    )
    for camera in _cameras()
  ]
  wanted = [view.colors / 255.0 for view in views]
  return float(np.mean([(a - b) ** 2 for a, b in zip(found, wanted)]))


def _disturbed(splats):
  random = np.random.default_rng(1)
  return splats._replace(
    means=splats.means + random.normal(0, 0.05, splats.means.shape),
    log_scales=splats.log_scales + 0.3,
    logits=np.zeros_like(splats.logits),
  )


def test_disturbed_splats_find_back(scene):
  splats, colors, views = scene
  begun = _disturbed(splats), np.full_like(colors, 0.5)
  told = []
  options = dict(steps=90, background=_BLUE, seed=3)
  found = fitting.fit(
    *begun, views, **options, advance=lambda loss: told.append(float(loss))
  )
  assert len(told) == 90 and told[-1] < 0.1 * told[0]
  assert _error(*found, views) < 0.05 * _error(*begun, views)
  lengths = np.linalg.norm(found[0].rotations, axis=-1)
  np.testing.assert_allclose(lengths, 1.0, atol=1e-5)
  assert found[1].min() >= 0.0 and found[1].max() <= 1.0
  again = fitting.fit(*begun, views, **options)
  for one, other in zip((*found[0], found[1]), (*again[0], again[1])):
    np.testing.assert_array_equal(one, other)


def test_colours_alone_leave_splats_where_they_are(scene):
  splats, colors, views = scene
  grey = np.full_like(colors, 0.5)
  found, fitted = fitting.fit(
    splats, grey, views, steps=90, background=_BLUE, geometry=False
  )
  for one, other in zip(found, splats):
    np.testing.assert_array_equal(one, other)
  assert _error(splats, fitted, views) < 0.02 * _error(splats, grey, views)


def test_shares_are_of_what_is_seen(scene):
  splats, _, views = scene
  behind = splats.means.copy()
  behind[0] = [0.0, -9.0, 0.0]
  found = fitting.shares(splats._replace(means=behind), views)
  assert found[0] == 0.0 and (found[1:] >= 0).all()
  opacity = [view.opacity.sum() for view in views]
  assert abs(fitting.shares(splats, views).sum() / sum(opacity) - 1) < 1e-3


def test_every_other_step_draws_as_viewers_that_hold_variances(
  scene, monkeypatch
):
  splats, colors, views = scene
  rates = dict.fromkeys(fitting._RATES, 1e-9)
  monkeypatch.setattr(fitting, "_RATES", rates)
  losses = []
  fitting.fit(
    splats,
    colors,
    views[:1],
    steps=4,
    background=_BLUE,
    advance=lambda **figures: losses.append(figures["loss"]),
  )
  # The views are exact, but for their 8 bits.
  assert max(losses[0::2]) < 1e-5
  assert min(losses[1::2]) > 3 * max(losses[0::2])
