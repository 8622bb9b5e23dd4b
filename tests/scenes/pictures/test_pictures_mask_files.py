"""Masks of all kinds against what the programs that write them mean."""

import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.scenes.pictures import mask_files

_QUARTER = np.ones((4, 8), bool)
_QUARTER[:2, :4] = False


def _save(path, array, mode=None, **options):
  image = Image.fromarray(array)
  if mode:
    image = image.convert(mode)
  image.save(path, **options)
  return path


@pytest.mark.parametrize("white", [1, 255])
@pytest.mark.parametrize("mode", ["L", "RGB", "LA", "I;16", "1"])
def test_what_is_not_zero_is_used(tmp_path, white, mode):
  array = (_QUARTER * white).astype(np.uint16 if mode == "I;16" else np.uint8)
  if mode == "1":
    array = _QUARTER
  path = _save(
    tmp_path / "m.png", array, None if mode in ("I;16", "1") else mode
  )
  masks = mask_files.MaskFiles([path, None], [(8, 4)] * 2)
  np.testing.assert_array_equal(masks[0], _QUARTER)
  assert masks[0].dtype == bool and masks[1].all() and len(masks) == 2


def test_of_a_palette_the_numbers_count(tmp_path):
  image = Image.fromarray(_QUARTER.astype(np.uint8)).convert("P")
  image.putpalette([200, 0, 0, 0, 0, 0])  # The first of all is bright.
  image.save(tmp_path / "m.png")
  masks = mask_files.MaskFiles([tmp_path / "m.png"], [(8, 4)])
  np.testing.assert_array_equal(masks[0], _QUARTER)


def test_noise_of_jpeg_is_no_mask(tmp_path):
  array = np.kron(_QUARTER, np.ones((13, 13))).astype(np.uint8) * 255
  path = _save(tmp_path / "m.jpg", array, quality=60)
  with Image.open(path) as image:
    assert (np.asarray(image)[:26, :52] != 0).any()
  masks = mask_files.MaskFiles([path], [(8, 4)])
  np.testing.assert_array_equal(masks[0], _QUARTER)


def test_masks_of_what_moves_are_the_other_way_round(tmp_path):
  moves = _save(tmp_path / "d.png", (~_QUARTER).astype(np.uint8) * 9)
  top = np.zeros((4, 8), np.uint8)
  top[:, 4:] = 1
  right = _save(tmp_path / "m.png", top)
  masks = mask_files.MaskFiles([None, right], [(8, 4)] * 2, avoid=[moves] * 2)
  np.testing.assert_array_equal(masks[0], _QUARTER)
  np.testing.assert_array_equal(masks[1], _QUARTER & (top > 0))


@pytest.mark.parametrize("size", [(4, 2), (16, 8), (3, 2)])
def test_masks_of_another_size_cover_the_same_share(tmp_path, size):
  """By areas: each pixel's share of usable ones, by a fine grid."""
  path = _save(tmp_path / "m.png", _QUARTER.astype(np.uint8))
  mask = mask_files.MaskFiles([path], [size])[0]
  fine = np.kron(_QUARTER, np.ones((6 * size[1] // 2, 6 * size[0])))
  step = fine.shape[0] // size[1], fine.shape[1] // size[0]
  fine = fine.reshape(size[1], step[0], size[0], step[1]).mean((1, 3))
  sure = np.abs(fine - 0.5) > 0.2
  np.testing.assert_array_equal(mask[sure], fine[sure] > 0.5)


def test_a_disc_has_its_area_at_any_size():
  masks = mask_files.MaskFiles(
    [None] * 3, [(200, 100), (100, 50), (10, 8)], radii=[0.2, 0.2, None]
  )
  for mask, width in zip(list(masks)[:2], (200, 100)):
    assert mask.sum() == pytest.approx(np.pi * (0.2 * width) ** 2, rel=0.02)
    rows, columns = np.nonzero(mask)
    middle = [rows.mean() + 0.5, columns.mean() + 0.5]
    np.testing.assert_allclose(middle, np.array(mask.shape) / 2)
  assert masks[2].all()
  assert mask_files.MaskFiles([None], [(10, 8)], radii=[1e200])[0].all()


def test_digests_tell_masks_apart(tmp_path):
  path = _save(tmp_path / "m.png", _QUARTER.astype(np.uint8))
  sizes = [(8, 4)]
  made = [
    mask_files.MaskFiles([path], sizes),
    mask_files.MaskFiles([None], sizes),
    mask_files.MaskFiles([None], sizes, avoid=[path]),
    mask_files.MaskFiles([None], sizes, radii=[0.3]),
    mask_files.MaskFiles([path], [(4, 2)]),
  ]
  assert len({masks.file_digest(0) for masks in made}) == len(made)


def test_wrong_masks_are_named(tmp_path):
  path = _save(tmp_path / "m.png", np.zeros((9, 4), np.uint8))
  with pytest.raises(ValueError, match="here: the mask m.png is 4x9 .* is 8x4"):
    mask_files.check(path, (8, 4), where="here")
  noise = np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)
  _save(path, noise)
  path.write_bytes(path.read_bytes()[:-300])
  with pytest.raises(ValueError, match="m.png: the mask is damaged"):
    mask_files.MaskFiles([path], [(8, 4)])[0]
