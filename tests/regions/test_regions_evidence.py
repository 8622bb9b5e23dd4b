"""Masks, boxes and clicks that cannot be used, each in one clear line."""

import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax import user_error
from stylized_nerf_jax.regions import evidence
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.scenes.synthetic import embedded


@pytest.fixture(scope="module")
def record():
  scene = embedded.make_scene(num_train=3, num_test=1, width=16, height=12)
  return scene_record.make_scene_record(scene)


def _mask(folder, size=(16, 12), marked=slice(3, 9)):
  values = np.zeros(size[::-1], np.uint8)
  values[marked, marked] = 255
  path = folder / "mask.png"
  Image.fromarray(values).save(path)
  return path


def test_views_have_names_stems_and_numbers(record):
  for text in ("002.png", "002", "2"):
    assert evidence.find_view(record, text) == 2
  for text in ("4", "-1", "x.png", ""):
    with pytest.raises(user_error.UserError, match="no such view.*000.png"):
      evidence.find_view(record, text)


def test_a_mask_of_the_photographs_own_size_is_reduced(record, tmp_path):
  small = evidence.of_masks(record, [_mask(tmp_path)], ["1"]).masks[0]
  whole = _mask(tmp_path, (128, 96), slice(24, 72))
  large = evidence.of_masks(record, [whole], ["1"]).masks[0]
  assert small.shape == (12, 16) and small.sum() == 36
  np.testing.assert_array_equal(large, small)


@pytest.mark.parametrize(
  "options, said",
  (
    ({"size": (12, 16)}, "12x16 but its image is 16x12"),
    ({"marked": slice(0, 0)}, "black everywhere"),
    ({"marked": slice(None)}, "white everywhere"),
  ),
)
def test_masks_that_cannot_be(record, tmp_path, options, said):
  with pytest.raises(user_error.UserError, match=said):
    evidence.of_masks(record, [_mask(tmp_path, **options)], ["1"])


def test_masks_and_views_go_in_pairs(record, tmp_path):
  mask = _mask(tmp_path)
  with pytest.raises(user_error.UserError, match="1 --mask and 2 --view"):
    evidence.of_masks(record, [mask], ["0", "1"])
  with pytest.raises(user_error.UserError, match="two masks of one view"):
    evidence.of_masks(record, [mask, mask], ["1", "001.png"])
  with pytest.raises(user_error.UserError, match="no such file"):
    evidence.of_masks(record, [tmp_path / "none.png"], ["1"])
  (tmp_path / "text.png").write_text("no picture")
  with pytest.raises(user_error.UserError, match="text.png"):
    evidence.of_masks(record, [tmp_path / "text.png"], ["1"])


def test_boxes(record):
  found = evidence.of_box("-1,0,0.5,1,2,3")
  assert found.box == ((-1.0, 0.0, 0.5), (1.0, 2.0, 3.0))
  for text, said in (
    ("1,2,3", "6 numbers"),
    ("a,b,c,d,e,f", "6 numbers"),
    ("0,0,0,1,1,nan", "6 numbers"),
    ("0,0,0,1,1,0", "z0 < z1"),
  ):
    with pytest.raises(user_error.UserError, match=said):
      evidence.of_box(text)


def test_clicks(record):
  found = evidence.of_clicks(record, "1", ["3,4"], ["0,0", "15.5,11"])
  assert found.views == (1,) and found.inside == ((3.0, 4.0),)
  assert found.outside == ((0.0, 0.0), (15.5, 11.0))
  with pytest.raises(user_error.UserError, match="16x12 pixels"):
    evidence.of_clicks(record, "1", ["16,4"])
  with pytest.raises(user_error.UserError, match="2 numbers"):
    evidence.of_clicks(record, "1", ["3"])
  with pytest.raises(user_error.UserError, match="without --points"):
    evidence.of_clicks(record, "1", [], ["3,4"])
