"""Thousands of paintings pass through training; few are alive at a time."""

import threading
import tracemalloc
import weakref

import numpy as np
import pytest

from stylized_nerf_jax import pretraining_defaults
from stylized_nerf_jax.pretraining import corpus as corpus_lib
from stylized_nerf_jax.pretraining import vae_training
from stylized_nerf_jax.scenes.pictures import picture_collections, picture_crops
from stylized_nerf_jax.stylizer import pretrained
from stylized_nerf_jax.tasks import style_inspection

_SIDE = 64
_BYTES = 3 * _SIDE * _SIDE
_KEPT = 5  # pictures that the cache has room for
# Every thread may be decoding one more, and cropping another.
_IN_HANDS = 2 * corpus_lib.WORKERS


class _Corpus:
  """Lazy pictures that count how many of their arrays are alive.

  Attributes:
    most: alive at a time, at most.
    read: how many were decoded.
    distinct: indices of these.
  """

  def __init__(self, count: int):
    self.count, self.most, self.read = count, 0, 0
    self.distinct = set()
    self._alive = 0
    self._lock = threading.Lock()

  def __len__(self):
    return self.count

  def __getitem__(self, index):
    return _Counted(self, range(self.count)[index])

  def make(self, index):
    generator = np.random.default_rng(index)
    pixels = generator.integers(0, 256, (_SIDE, _SIDE, 3), dtype=np.uint8)
    with self._lock:
      self.read += 1
      self.distinct.add(index)
      self._alive += 1
      self.most = max(self.most, self._alive)
    weakref.finalize(pixels, self._drop)
    return pixels

  def _drop(self):
    self._alive -= 1


class _Counted:
  def __init__(self, corpus, index):
    self._corpus, self._index = corpus, index
    self.name = self.stem = self.origin = f"painting-{index:05d}"

  def read(self):
    return self._corpus.make(self._index)


@pytest.fixture
def corpus():
  return _Corpus(3000)


def _pictures(corpus):
  crops = picture_crops.PictureCrops(corpus, cache_bytes=_KEPT * _BYTES)
  empty = picture_crops.PictureCrops(())
  return corpus_lib.TrainingPictures(
    photos=crops,
    paintings=crops,
    generated=empty,
    generated_share=0.2,
    recolour=0.25,
  )


@pytest.mark.usefixtures("small_networks")
def test_statistics_of_thousands_hold_few_pictures(corpus):
  config = pretraining_defaults.get_config()
  config.vae.update(crops=800, crop=16)
  statistics = vae_training.encode_crops(
    config, pretrained.load_encoder(), _pictures(corpus)
  )
  assert len(statistics) == 800 and np.isfinite(statistics).all()
  assert corpus.most <= _KEPT + _IN_HANDS
  assert len(corpus.distinct) > 600


def test_batches_of_the_decoder_hold_few_pictures(corpus):
  training = _pictures(corpus)

  def make(step):
    return training.batch(np.random.default_rng(step), count=4, size=16)

  for batch in corpus_lib.prefetch(make, 0, 100):
    assert batch["paintings"].shape == (4, 16, 16, 3)
  assert corpus.most <= _KEPT + _IN_HANDS and len(corpus.distinct) > 600


def test_a_cache_without_room_keeps_the_last_picture(corpus):
  crops = picture_crops.PictureCrops(corpus, cache_bytes=1)
  for index in (3, 3, 4, 3):
    np.testing.assert_array_equal(crops[index], corpus[index].read())
  assert corpus.read == 4 + 3
  assert corpus.most <= 3


def test_inspection_holds_one_picture(corpus):
  corpus.count = 600
  found = style_inspection.inspect(
    {picture.name: picture for picture in corpus}, with_sheet=True
  )
  assert corpus.read == found.count == 600 and corpus.most <= 2
  assert not found.damaged and not found.duplicates
  assert "the sheet shows 400 of 600 pictures" in found.messages


def test_held_out_pictures_are_few_and_named_ones(
  corpus, monkeypatch, tmp_path
):
  monkeypatch.setattr(
    picture_collections,
    "find_all",
    lambda _: picture_collections.Chain([corpus]),
  )
  config = pretraining_defaults.get_config()
  config.content.path = config.styles.path = config.content.holdout = "corpus"
  config.styles.holdout = ("painting-0001",)
  config.evaluation_size = config.evaluation_style_size = 16
  training, held_out = corpus_lib.open_pictures(config, tmp_path)
  assert len(training.photos) == 3000 and len(training.paintings) == 2990
  assert len(held_out.photos) == 8 and corpus.read <= 16
  assert all(n.startswith("painting-0001") for n in held_out.painting_names)
  assert training.paintings.files[10].name == "painting-00020"


def test_statistics_that_are_scored_do_not_keep_the_others():
  tracemalloc.start()
  try:
    held, rest = vae_training._hold_out(np.ones((2000, 1024), np.float32))
    alive, _ = tracemalloc.get_traced_memory()
  finally:
    tracemalloc.stop()
  assert held.shape == (200, 1024) and rest.shape == (1800, 1024)
  assert alive < 1.05 * (held.nbytes + rest.nbytes)
