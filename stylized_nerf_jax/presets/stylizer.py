"""General training of the decoder and of the VAE over style statistics.

stylized-nerf train-stylizer --config stylizer \
  --config.content.path=BSDS/train,BSDS/val --config.content.holdout=BSDS/test \
  --config.styles.path=PAINTINGS --workdir runs/stylizer

Stages: each block of D learns to undo its counterpart in E, colours are fitted,
D learns to reconstruct, then the AdaIN losses bring strokes and palettes. Every
evaluation writes decoder.npz and a sheet of samples; the VAE follows the last
stage. On 2 cores a step of "reconstruction" or "strokes" takes about a second.
What the shipped weights went through, in several runs, is in
pretrained/provenance.json; this recipe as a whole was not run in one piece.
"""

import ml_collections

from stylized_nerf_jax import pretraining_defaults


def get_config() -> ml_collections.ConfigDict:
  """Returns the recipe."""
  config = pretraining_defaults.get_config()
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
