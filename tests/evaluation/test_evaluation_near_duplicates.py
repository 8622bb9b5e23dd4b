"""Near-duplicates: copies are found, other paintings are not."""

import io
import sys

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from stylized_nerf_jax.evaluation import near_duplicates
from stylized_nerf_jax.scenes.pictures import picture_files


def _painting(seed: int) -> Image.Image:
  """Makes smooth blobs of colour, as paintings have at low frequencies."""
  random = np.random.default_rng(seed)
  small = random.integers(0, 256, (18, 24, 3), dtype=np.uint8)
  return Image.fromarray(small).resize((320, 240), Image.Resampling.BICUBIC)


def _copies(painting: Image.Image):
  width, height = painting.size
  yield painting.resize((width // 2, height // 2))
  stream = io.BytesIO()
  painting.save(stream, "JPEG", quality=30)
  yield Image.open(stream)
  yield ImageEnhance.Brightness(painting).enhance(0.85)
  yield ImageEnhance.Color(painting).enhance(0.5)
  yield painting.crop((3, 2, width - 3, height - 2))


def _hash(picture):
  return near_duplicates.hash_picture(np.asarray(picture.convert("RGB")))


def test_copies_are_found_and_others_not():
  pytest.importorskip("imagehash")
  paintings = [_painting(seed) for seed in range(12)]
  hashes = [_hash(painting) for painting in paintings]
  assert hashes[0].shape == (near_duplicates.BITS,)
  assert not list(near_duplicates.find_pairs(hashes))
  for copy in _copies(paintings[4]):
    pairs = list(near_duplicates.find_pairs([*hashes, _hash(copy)]))
    assert [pair[:2] for pair in pairs] == [(4, 12)]


@pytest.mark.real_data
def test_real_paintings_are_no_duplicates(real_data):
  pytest.importorskip("imagehash")
  hashes = [
    near_duplicates.hash_picture(picture_files.read_picture(path))
    for path in sorted((real_data / "styles").glob("*.jpg"))
  ]
  least = min((a != b).sum() for i, a in enumerate(hashes) for b in hashes[:i])
  assert least > 1.5 * near_duplicates.LIMIT


@pytest.mark.parametrize("count", [0, 1, 2, 7, 40])
def test_pairs_are_those_of_a_loop(count, monkeypatch):
  monkeypatch.setattr(near_duplicates, "_ROWS", 6)
  random = np.random.default_rng(count)
  hashes = [random.random(10) < 0.5 for _ in range(count)]
  expected = [
    (i, j, int((hashes[i] != hashes[j]).sum()))
    for i in range(count)
    for j in range(i + 1, count)
    if (hashes[i] != hashes[j]).sum() <= 2
  ]
  assert list(near_duplicates.find_pairs(hashes, limit=2)) == expected


def test_a_missing_library_is_named(monkeypatch):
  monkeypatch.setitem(sys.modules, "imagehash", None)
  with pytest.raises(near_duplicates.MissingError, match=r"\[styles\]'"):
    near_duplicates.hash_picture(np.zeros((8, 8, 3), np.uint8))
