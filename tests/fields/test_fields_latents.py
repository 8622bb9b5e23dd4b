"""Latent codes: their distribution, mixing and keeping."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax.fields import latents

KEY = jax.random.PRNGKey(0)


def test_first_codes_follow_each_styles_gaussian():
  means = np.array([[0.0, 3.0], [-2.0, 10.0]], np.float32)
  variances = np.array([[1.0, 0.25], [4.0, 0.0]], np.float32)
  codes = np.asarray(latents.init_latents(KEY, means, variances, 4000))
  assert codes.shape == (2, 4000, 2)
  np.testing.assert_allclose(codes.mean(1), means, atol=0.1)
  np.testing.assert_allclose(codes.var(1), variances, rtol=0.1)


def test_mix_normalises_the_weights():
  means = np.array([[1.0, 0.0], [0.0, 1.0], [4.0, 4.0]], np.float32)
  np.testing.assert_allclose(latents.mix(means, [3, 1, 0]), [0.75, 0.25])
  np.testing.assert_allclose(latents.mix(means, [0, 0, 5]), [4.0, 4.0])


@pytest.mark.parametrize(
  ("weights", "said"),
  [
    ([1.0, -0.1], "none negative"),
    ([1.0, float("nan")], "finite"),
    ([0.0, 0.0], "all zero"),
    ([1.0], "one for each of the 2"),
  ],
)
def test_mix_refuses_weights_that_make_no_mixture(weights, said):
  with pytest.raises(ValueError, match=said):
    latents.mix(np.zeros((2, 3), np.float32), weights)


def test_spread_runs_from_the_mean_to_the_code():
  mean, code = np.array([1.0, 2.0]), np.array([3.0, -2.0])
  for amount in (0.0, 0.25, 1.0, 2.0):
    np.testing.assert_allclose(
      latents.spread(mean, code, amount), mean + amount * (code - mean)
    )


def test_merging_keeps_the_codes_of_what_stays():
  """Codes belong to hash and name, never to a position in the table."""
  old = latents.LatentKeys(("red", "blue"), ("a", "b", "c"))
  table = np.arange(6.0).reshape(2, 3, 1)
  new = latents.LatentKeys(("green", "blue", "red"), ("c", "x", "a"))
  first = -np.ones((3, 3, 1))
  merged = latents.merge_latents(old, table, new, first)
  np.testing.assert_array_equal(
    merged[..., 0], [[-1, -1, -1], [5, -1, 3], [2, -1, 0]]
  )
  np.testing.assert_array_equal(first, -np.ones((3, 3, 1)))


def test_merging_with_nothing_in_common_takes_the_first_codes():
  old = latents.LatentKeys(("red",), ("a",))
  new = latents.LatentKeys(("blue",), ("a", "b"))
  first = np.ones((1, 2, 3))
  merged = latents.merge_latents(old, np.zeros((1, 1, 3)), new, first)
  np.testing.assert_array_equal(merged, first)


def test_merging_refuses_tables_that_do_not_fit():
  keys = latents.LatentKeys(("red",), ("a", "b"))
  good = np.zeros((1, 2, 3))
  with pytest.raises(ValueError, match="old_table has shape"):
    latents.merge_latents(keys, np.zeros((1, 2, 4)), keys, good)
  with pytest.raises(ValueError, match="new_init has shape"):
    latents.merge_latents(keys, good, keys, np.zeros((2, 2, 3)))
  with pytest.raises(ValueError, match="view 'a' occurs 2 times"):
    latents.LatentKeys(("red",), ("a", "a"))
