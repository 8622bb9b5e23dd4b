"""Renders are found as programs name them, and go to the right views."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.evaluation import renders

NAMES = ("images/0001.jpg", "images/0002.jpg", "images/0003.jpg")
SIZE = (6, 4)


def save(path: pathlib.Path, value: int, *, wide=False):
  path.parent.mkdir(parents=True, exist_ok=True)
  picture = np.full((SIZE[1], SIZE[0], 3), value, np.uint8)
  if wide:
    picture = np.concatenate([np.zeros_like(picture), picture], axis=1)
  Image.fromarray(picture).save(path)


def values(folder, names=NAMES, **options):
  """Finds renders and returns the value that each view's picture is of."""
  found = renders.find(folder, names, **options)
  pictures = renders.Renders(found, [SIZE] * len(names))
  assert all(p.shape == (SIZE[1], SIZE[0], 3) for p in pictures)
  return [round(float(picture.mean()) * 255) for picture in pictures], found


LAYOUTS = {
  "JaxNeRF": ("test_preds/{:03d}.png", ("test_preds/disp_{:03d}.png",), ""),
  "multinerf": (
    "test_preds_step_250000/color_{:03d}.png",
    (
      "test_preds_step_250000/normals_{:03d}.png",
      "test_preds_step_90000/color_{:03d}.png",
    ),
    "",
  ),
  "multinerf eval": (
    "color_{:03d}.png",
    ("color_cc_{:03d}.png", "normals_{:03d}.png"),
    "",
  ),
  "3DGS": (
    "test/ours_30000/renders/{:05d}.png",
    ("test/ours_30000/gt/{:05d}.png", "test/ours_7000/renders/{:05d}.png"),
    "",
  ),
  "nerfstudio render": (
    "test/rgb/images/000{}.png",
    ("test/gt-rgb/images/000{}.png", "test/depth/images/000{}.png"),
    "names",
  ),
  "nerfstudio eval": (
    "eval_img_{:04d}.png",
    ("eval_depth_{:04d}.png", "eval_accumulation_{:04d}.png"),
    "wide",
  ),
  "nerfstudio eval before 1.1": (
    "{:06d}-img.png".replace("png", "jpg"),
    ("{:06d}-depth.jpg",),
    "wide",
  ),
  "gsplat": (
    "renders/val_step29999_{:04d}.png",
    ("renders/val_step6999_{:04d}.png",),
    "wide",
  ),
}


@pytest.mark.parametrize(
  ("pattern", "others", "kind"), LAYOUTS.values(), ids=LAYOUTS
)
def test_layouts_of_programs(tmp_path, pattern, others, kind):
  for i in range(3):
    number = i + 1 if kind == "names" else i
    save(tmp_path / pattern.format(number), 50 + i, wide=kind == "wide")
    for other in others:
      save(tmp_path / other.format(number), 200, wide=kind == "wide")
  found, how = values(tmp_path)
  # JPEG rounds.
  np.testing.assert_allclose(found, [50, 51, 52], atol=1)
  assert how.named_by == ("names" if kind == "names" else "numbers")
  assert how.right_half == (kind == "wide")


def test_names_may_stand_beside_numbers_of_other_things(tmp_path):
  for i in range(3):
    save(tmp_path / f"000{i + 1}.png", 10 + i)
    save(tmp_path / f"color_00{i}.png", 99)
  assert values(tmp_path)[0] == [10, 11, 12]


def test_a_pattern_says_how_others_name_theirs(tmp_path):
  for i in range(3):
    save(tmp_path / f"mine-{i}.final.png", 20 + i)
    save(tmp_path / f"000{i + 1}_out.png", 30 + i)
  by_index = values(tmp_path, pattern="mine-{index}.final.png")
  assert by_index[0] == [20, 21, 22]
  assert values(tmp_path, pattern="{name}_out.png")[0] == [30, 31, 32]
  with pytest.raises(ValueError, match="no file named as --pattern"):
    renders.find(tmp_path, NAMES, pattern="mine_{index}.png")
  with pytest.raises(ValueError, match="0001_in.png: no such file"):
    renders.find(tmp_path, NAMES, pattern="{name}_in.png")
  with pytest.raises(ValueError, match="with {name} or {index} in it"):
    renders.find(tmp_path, NAMES, pattern="*.png")


def test_numbers_count_in_an_order_that_is_known(tmp_path):
  """As text r_10 comes before r_2."""
  names = ("r_1.png", "r_2.png", "r_10.png")
  for i in range(3):
    save(tmp_path / f"{i:03d}.png", 40 + i)
  assert values(tmp_path, names, order="natural")[0] == [40, 41, 42]
  assert values(tmp_path, names, order="text")[0] == [40, 42, 41]
  assert values(tmp_path, names, by_file=True)[0] == [40, 41, 42]
  with pytest.raises(ValueError, match="number 1 is r_2.png in natural order"):
    renders.find(tmp_path, names)
  with pytest.raises(ValueError, match="--order is 'up'"):
    renders.find(tmp_path, names, order="up")


@pytest.mark.parametrize(
  ("numbers", "message"),
  [
    ((0, 2), "holds 2 numbered renders, 0 to 2 without 1; expected 3, 0 to 2"),
    ((0, 1, 2, 3), "holds 4 numbered renders, 0 to 3; expected 3"),
    ((), "expected the renders of 3 views, by names such as 0001.png"),
  ],
)
def test_too_few_and_too_many_are_told(tmp_path, numbers, message):
  for i in numbers:
    save(tmp_path / f"{i:03d}.png", 1)
  with pytest.raises(ValueError, match=message) as caught:
    renders.find(tmp_path, NAMES)
  assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
  ("view", "advice"),
  [
    ((12, 8), "multiply --downsample by 2"),
    ((3, 2), "multiply --downsample by 0.5"),
    ((3, 4), "give --right-half"),
    ((7, 9), "render it at that size"),
  ],
)
def test_another_size_is_refused_with_what_would_fit(tmp_path, view, advice):
  for i in range(3):
    save(tmp_path / f"{i:03d}.png", 1)
  found = renders.find(tmp_path, NAMES)
  with pytest.raises(ValueError, match=advice) as caught:
    renders.Renders(found, [view] * 3)
  assert f"is 6x4; expected {view[0]}x{view[1]}" in str(caught.value)


def test_a_folder_has_to_be_there(tmp_path):
  with pytest.raises(ValueError, match="no such folder"):
    renders.find(tmp_path / "absent", NAMES)
