"""The config of the shipped weights."""

import pathlib

import pytest

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import pretraining_defaults
from stylized_nerf_jax.pretraining import corpus

_CONFIG = pathlib.Path(__file__).parents[2] / "configs" / "stylizer.py"


def _config(*more):
  return config_lib.from_flags(
    [f"--config={_CONFIG}", "--config.styles.generated=0", *more],
    fields=pretraining_defaults.FIELDS,
  )


def test_config_is_complete():
  config_lib.check_values(_config(), pretraining_defaults.FIELDS)


@pytest.mark.real_data
def test_six_painters_are_held_out_and_no_test_photo_is_trained_on(
  real_data, tmp_path
):
  photos = real_data / "content" / "bsds500"
  training, held_out = corpus.open_pictures(
    _config(
      f"--config.content.path={photos / 'train'},{photos / 'val'}",
      f"--config.content.holdout={photos / 'test'}",
      f"--config.styles.path={real_data / 'styles'}",
    ),
    tmp_path,
  )
  assert len(training.photos) == 300
  assert len(training.paintings) == 30
  trained = {path.name for path in training.paintings.files}
  assert len(set(held_out.painting_names)) == 6
  assert not trained & set(held_out.painting_names)
  shown = {path.name for path in training.photos.files}
  assert not shown & set(held_out.photo_names)
