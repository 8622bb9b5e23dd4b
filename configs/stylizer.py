"""General training of the decoder and of the VAE over style statistics.

stylized-nerf train-stylizer --config configs/stylizer.py \
  --config.content.path=BSDS/train,BSDS/val --config.content.holdout=BSDS/test \
  --config.styles.path=PAINTINGS --workdir runs/stylizer
"""

import ml_collections

from stylized_nerf_jax import stylizer_defaults


def get_config() -> ml_collections.ConfigDict:
  """Returns the recipe of the shipped weights."""
  config = stylizer_defaults.get_config()
  # One painting of each of six painters is scored and never trained on.
  config.styles.holdout = (
    "hokusai_great-wave",
    "van-gogh_starry-night",
    "juan-gris_woman-with-basket",
    "gustav-klimt_roses-under-the-trees",
    "turner_shipwreck",
    "henri-edmond-cross_the-maures",
  )
  config.styles.generated = 6
  return config
