"""Places of weight of rays that are known, and splats on them."""

import numpy as np
from scipy import spatial
from scipy.spatial import transform

from stylized_nerf_jax.splatting import places

_FOCAL = 100.0


def _directions(count: int, seed: int = 0) -> np.ndarray:
  random = np.random.default_rng(seed)
  slopes = random.uniform(-0.5, 0.5, (count, 2))
  directions = np.concatenate([slopes, np.ones((count, 1))], axis=1)
  return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def test_samples_that_lie_together_are_one_place():
  """A leaf at 1 and a wall at 2, whose weights are of several samples."""
  distances = np.array([[0.99, 1.0, 1.01, 1.98, 2.0, 2.02]])
  weights = np.array([[0.1, 0.2, 0.1, 0.2, 0.2, 0.2]])
  direction = np.array([[0.0, 0.0, 1.0]])
  center = np.array([5.0, 0.0, 0.0])
  found = places.of_rays(
    center, direction, distances, weights, 1 / _FOCAL, first=7
  )
  np.testing.assert_allclose(found.points[:, 2], [1.0, 2.0], atol=0.01)
  np.testing.assert_allclose(found.points[:, 0], 5.0)
  np.testing.assert_allclose(found.weights, [0.4, 0.6])
  np.testing.assert_allclose(found.pixels, found.points[:, 2] / _FOCAL)
  np.testing.assert_array_equal(found.rays, [7, 7])


def test_haze_is_no_place():
  distances = np.linspace(1, 20, 10)[None]
  weights = np.full((1, 10), 0.05)
  direction = np.array([[0.0, 0.0, 1.0]])
  found = places.of_rays(np.zeros(3), direction, distances, weights, 1 / _FOCAL)
  assert len(found.points) == 0


def _plane(count: int):
  """Places on the plane z = 3 + x / 2."""
  directions = _directions(count)
  distances = 3.0 / (directions[:, 2] - 0.5 * directions[:, 0])
  weights = np.ones((count, 1))
  return places.of_rays(
    np.zeros(3), directions, distances[:, None], weights, 1 / _FOCAL
  )


def test_disks_lie_on_the_surface_and_are_as_few_as_wanted():
  found = _plane(20_000)
  for most in (10_000, 500):
    seeds = places.seed(found, most)
    splats = seeds.splats
    assert most / 3 < len(splats.means) <= most
    x, _, z = splats.means.T
    np.testing.assert_allclose(z, 3 + x / 2, atol=1e-3)
    turn = transform.Rotation.from_quat(splats.rotations, scalar_first=True)
    normal = turn.as_matrix()[:, :, 2]
    facing = np.abs(normal @ [0.5, 0.0, -1.0]) / np.sqrt(1.25)
    assert np.quantile(facing, 0.02) > 0.99
    scales = np.exp(splats.log_scales)
    assert (scales[:, 2] < 0.3 * scales[:, 0]).all()
    # Disks cover the plane and not much more: areas of about one cell each.
    area = np.pi * np.sum(scales[:, 0] * scales[:, 1])
    extent = np.ptp(x) * np.ptp(splats.means[:, 1]) * np.sqrt(1.25)
    assert 0.3 < area / extent < 2.5


def test_values_of_places_are_averaged():
  found = _plane(3_000)
  seeds = places.seed(found, 200)
  # A linear function of the place: its mean is that of the mean place.
  values = found.points @ np.array([[1.0], [2.0], [-1.0]])
  mean = seeds.mean(values)[:, 0]
  np.testing.assert_allclose(mean, seeds.splats.means @ [1, 2, -1], atol=1e-4)


def test_opacities_are_the_shares_that_the_field_hides():
  """Splats at 1 and 2, behind each other, that hide 0.3 and all the rest."""
  found = places.of_rays(
    np.zeros(3),
    np.tile([[0.0, 0.0, 1.0]], (5, 1)),
    np.tile([[1.0, 2.0]], (5, 1)),
    np.tile([[0.3, 0.7]], (5, 1)),
    1 / _FOCAL,
  )
  seeds = places.seed(found, 100)
  assert len(seeds.splats.means) == 2
  opacities = places.Opacities(seeds.splats)
  distances = np.tile([1.0, 2.0], (4, 4, 1))
  weights = np.tile([0.3, 0.7], (4, 4, 1))
  for _ in range(2):
    opacities.add(np.zeros(3), np.full((2, 2), 1.5), distances, weights)
  outside = np.full((2, 2), -1.0)
  opacities.add(np.zeros(3), outside, distances, weights)
  near = np.argsort(seeds.splats.means[:, 2])
  np.testing.assert_allclose(opacities.found()[near], [0.3, 1.0], atol=1e-6)
  kept, own = places.with_opacities(seeds, opacities.found(), 1)
  assert len(kept.splats.means) == 1 and own.sum() == 5
  np.testing.assert_allclose(kept.splats.means[0, 2], 2.0, atol=1e-3)
  np.testing.assert_array_equal(kept.number, 0)


def test_fog_before_other_cameras_goes_to_the_ends_of_rays():
  """A ray that passes before a camera; one that passes behind it."""
  near = 1.0
  clear = places.Clear(
    spatial.cKDTree([[0.0, 0.0, 5.0], [50.0, 0.0, 0.0]]),
    np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    0.8,
    near,
  )
  directions = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
  distances = np.tile([4.0, 5.0, 8.0], (2, 1))
  weights = np.tile([0.2, 0.5, 0.3], (2, 1))
  far = np.array([9.0, 9.0])
  found = [
    places.cleared(
      np.array([x, 0.0, 0.0]), directions, distances, weights, far, clear
    )
    for x in (0.5, -0.5)
  ]
  np.testing.assert_allclose(found[0][0][0], [4.0, 8.0, 9.0])
  np.testing.assert_allclose(found[0][1][0], [0.2, 0.3, 0.5])
  np.testing.assert_array_equal(found[1][0], distances)
