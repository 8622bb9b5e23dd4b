"""Positions along rays, against the contraction and against their inverse."""

import hypothesis
import jax
import numpy as np
import pytest
from hypothesis import strategies

from stylized_nerf_jax.rendering import contraction, spacing

place = jax.jit(spacing.place, static_argnames="spacing")
fraction = jax.jit(spacing.fraction, static_argnames="spacing")


def test_contracted_positions_are_even_in_the_contracted_space():
  near, far = np.float32([0.05]), np.float32([1000.0])
  fractions = np.linspace(0, 1, 41, dtype=np.float32)
  t = place(fractions, near, far, spacing="contracted")
  # Along a ray from the origin, as far as the contraction takes each.
  points = np.asarray(t)[:, None] * np.float32([0.6, 0.0, -0.8])
  radii = np.linalg.norm(jax.jit(contraction.contract)(points), axis=-1)
  np.testing.assert_allclose(np.diff(radii), (2 - 1e-3 - 0.05) / 40, rtol=1e-3)
  # Half of them at the distances of the cameras, not a fortieth.
  assert np.sum(np.asarray(t) < 1.0) == 20


def test_linear_positions_are_even():
  t = place(np.float32([0, 0.25, 1]), 2.0, 6.0, spacing="linear")
  np.testing.assert_allclose(t, [2, 3, 6])


@pytest.mark.parametrize("kind", ["linear", "contracted"])
@hypothesis.given(
  near=strategies.floats(0.015625, 5, width=32),
  length=strategies.floats(0.125, 1000, width=32),
)
@hypothesis.settings(max_examples=50, deadline=None)
def test_fractions_and_positions_are_inverse(kind, near, length):
  near, far = np.float32([near]), np.float32([near + length])
  fractions = np.linspace(0, 1, 17, dtype=np.float32)
  t = np.asarray(place(fractions, near, far, spacing=kind))
  np.testing.assert_allclose(t[[0, -1]], [near[0], far[0]], rtol=1e-3)
  assert t[0] >= near and t[-1] <= far and (np.diff(t) >= 0).all()
  found = fraction(t, near, far, spacing=kind)
  np.testing.assert_allclose(found, fractions, atol=1e-4)


def test_fractions_have_finite_gradients_on_both_sides_of_one():
  slope = jax.jit(
    jax.grad(lambda t: fraction(t, 0.05, 1e3, spacing="contracted").sum())
  )(np.float32([0.05, 1.0, 1e3]))
  slope = np.asarray(slope)
  np.testing.assert_allclose(slope[0] * 1.949, 1.0, rtol=1e-3)
  np.testing.assert_allclose(slope[2] * 1.949, 1e-6, rtol=1e-3)
  assert np.isfinite(slope[1])


def test_other_spacings_are_refused():
  for call in (spacing.place, spacing.fraction):
    with pytest.raises(ValueError, match="spacing is 'log'"):
      call(0.5, 1.0, 2.0, "log")
