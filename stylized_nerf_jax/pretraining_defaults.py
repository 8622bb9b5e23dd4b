"""Every field of the config of `train-stylizer`, with its default.

`presets/stylizer.py` starts from `get_config()`.
"""

import ml_collections

from stylized_nerf_jax import defaults


def get_config() -> ml_collections.ConfigDict:
  """Returns the recipe, see docs/architecture.md for its reasons."""
  config = ml_collections.ConfigDict()
  config.seed = 0
  config.encoder = "vgg16"  # or a file in the `vgg_normalised` layout
  config.content = _section(
    # Each a folder of photos, a .csv list or tfds:NAME?data_dir=DIR; several
    # with commas between.
    path="",
    holdout="",  # photos that are scored and never trained on
  )
  config.styles = _section(
    path="",  # paintings, as content.path
    holdout=(),  # parts of names; such paintings are never trained on
    generated=0,  # how many pictures of each kind the project paints itself
    generated_share=0.2,  # of the crops
    recolour=0.25,  # probability that a crop's colours are shifted
  )
  config.start = ""  # decoder weights to start from; empty: random ones
  config.stages = ("blocks", "reconstruction", "strokes", "palette")
  config.stage = _section(
    # The AdaIN losses from scratch give noise, and from a poor start strokes
    # without shapes: D first learns to reconstruct, and for that, each of its
    # blocks to undo its counterpart in E.
    blocks=_stage(
      loss="blocks",
      warmup=100,
      clip=0.0,
      steps=750,
      batch_size=2,
      crop=96,
      learning_rate=1.6e-3,
      learning_rate_final=4e-4,
    ),
    reconstruction=_stage(
      loss="reconstruction",
      colour_batches=100,
      hold_colours=True,
      steps=1400,
      batch_size=2,
      crop=112,
      muon_learning_rate=6e-3,
      learning_rate=2e-4,
      learning_rate_final=2e-5,
    ),
    strokes=_stage(
      hold_colours=True,
      steps=1600,
      crop=96,
      muon_learning_rate=4e-3,
      learning_rate=1e-4,
      learning_rate_final=1.5e-5,
    ),
    palette=_stage(
      hold_colours=True,
      steps=2000,
      crop=160,
      muon_learning_rate=5e-4,
      learning_rate=2e-5,
      learning_rate_final=2e-6,
    ),
  )
  config.vae = _section(
    crops=3000,
    crop=192,
    steps=20000,
    batch_size=64,
    learning_rate=1e-3,
    learning_rate_final=1e-5,
    kl_weight=0.1,
  )
  config.training = defaults.training()
  config.evaluate_every = 250
  config.checkpoint_every = 250
  config.evaluation_size = 256  # side of the photos that are scored
  config.evaluation_style_size = 512  # short side of the paintings
  return config


def _stage(**changes) -> ml_collections.ConfigDict:
  """Returns one stage of the decoder's training."""
  fields = dict(
    loss="adain",  # or "blocks", "reconstruction"
    steps=1000,
    batch_size=4,
    crop=128,  # pixels, a side of photos and paintings
    colour_batches=0,  # to fit colours to before the first step; 0: no fit
    hold_colours=False,  # leave what was fitted as it is
    learning_rate=3e-4,
    learning_rate_final=1e-4,
    muon_learning_rate=0.0,  # at its peak, of hidden kernels; 0: all Adam
    warmup=20,
    clip=200.0,  # longest gradient; 0: any
    balance=True,  # divide a pair's loss by the contrast of its painting
    average=0.995,  # decay of the running mean of D, which is what is written
    # With the paper's 1 against 10, content stays behind at these few steps.
    content_weight=8.0,
    style_weight=10.0,
    # Not of the paper: the colours themselves, and paintings as they are.
    palette_weight=200.0,
    identity_weight=15.0,
    chroma_weight=3.0,
  )
  fields.update(changes)
  return _section(**fields)


def _section(**fields) -> ml_collections.ConfigDict:
  return ml_collections.ConfigDict(fields)
