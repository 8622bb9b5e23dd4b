"""Outputs of a view: split screens, depth, what a mix comes to."""

import numpy as np
import pytest

from stylized_nerf_jax.viewer import shown
from stylized_nerf_jax.viewer.progressive_view import ProgressiveView


@pytest.fixture
def view(fake, make_camera):
  view = ProgressiveView(fake, make_camera(x=0.5))
  view.show(fake.paint_of(None, {"a": 1.0}))
  for _ in view.refine(1):
    pass
  return view


def test_a_split_screen_shows_before_and_after(view):
  dials = shown.Dials(output=shown.SPLIT, split=0.25, weights={"a": 2.0})
  made = shown.picture(view, dials, 1)
  before = shown.picture(view, shown.Dials(output=shown.PHOTOGRAPHED), 1)
  after = shown.picture(view, shown.Dials(weights={"a": 1.0}), 1)
  assert (before[..., 2] == 128).all() and (after[..., 1] == 255).all()
  np.testing.assert_array_equal(made[:, :7], before[:, :7])
  np.testing.assert_array_equal(made[:, 9:], after[:, 9:])
  assert (made[:, 7:9] == 255).all()


def test_depth_is_bright_where_it_is_near():
  depth = np.linspace(1, 10, 100)[None].repeat(3, axis=0)
  opacity = np.ones_like(depth)
  opacity[0] = 0.1
  made = shown.depth_picture(depth, opacity).astype(int)
  assert (made[0] == 0).all()
  luma = made[1].sum(axis=-1)
  assert (np.diff(luma) <= 0).all() and luma[0] > 3 * luma[-1] > 0
  assert (shown.depth_picture(depth, 0 * opacity) == 0).all()


def test_opacity_is_grey(view):
  made = shown.picture(view, shown.Dials(output=shown.OPACITY), 1)
  assert (made == 255).all()


def test_weights_are_divided_by_their_sum():
  assert shown.Dials(weights={"a": 1.0, "b": 3.0, "c": 0.0}).style == {
    "a": 0.25,
    "b": 0.75,
  }
  assert shown.Dials(weights={"a": 0.0}).style is None


def test_what_colours_depend_on():
  dials = shown.Dials(weights={"a": 1.0})
  assert dials.is_painted
  same = shown.Dials(weights={"a": 2.0}, rows=99, quality=10)
  assert dials.paint_key() == same.paint_key()
  for changed in (
    shown.Dials(weights={"b": 1.0}),
    shown.Dials(weights={"a": 1.0}, intensity=0.5),
    shown.Dials(weights={"a": 1.0}, output=shown.DEPTH),
    shown.Dials(weights={"a": 1.0}, regions={"tree": None}),
  ):
    assert changed.paint_key() != dials.paint_key()
  assert not shown.Dials(weights={"a": 1.0}, output=shown.DEPTH).is_painted
  assert shown.Dials(regions={"tree": "a"}).is_painted
