"""Every field of the config of `train-stylizer`, as `table.py` has a run's."""

import dataclasses
from collections.abc import Iterator

from stylized_nerf_jax.options import option, schema, table

STAGES = ("blocks", "reconstruction", "strokes", "palette")
LOSSES = ("adain", "blocks", "reconstruction")
_PICTURES = "folder, .csv list or tfds:NAME?data_dir=DIR, commas between"
_HEAD = """\
# Config fields of `train-stylizer`

Every field of the config that `stylized-nerf train-stylizer` takes, as above;
`configs/stylizer.py` is the recipe. `stylized-nerf train-stylizer
--help-config markdown` prints this part of the page."""


def _stage(**changes) -> dict[str, option.Option]:
  """Fields of one stage of the decoder's training."""
  only = "; of loss=adain"
  fields = {
    "loss": option.Option("adain", "what D learns by", choices=LOSSES),
    "steps": option.count(1000, "training steps of the stage"),
    "batch_size": option.count(4, "photos, and paintings, of a step"),
    "crop": option.Option(
      128, "pixels, a side of photos and paintings", least=16, multiple=8
    ),
    "colour_batches": option.Option(
      0,
      "batches that colours are fitted to before the first step",
      least=0,
      zero="no fit",
    ),
    "hold_colours": option.Option(False, "what was fitted stays as it is"),
    "learning_rate": option.rate(3e-4, "rate of Adam, at its largest"),
    "learning_rate_final": option.rate(1e-4, "at the end"),
    "muon_learning_rate": option.Option(
      0.0,
      "of D's hidden kernels, at its largest",
      least=0.0,
      zero="all by Adam",
    ),
    "warmup": option.Option(
      20, "steps in which the rates rise", least=0, zero="none"
    ),
    "clip": option.Option(200.0, "longest gradient", least=0.0, zero="any"),
    "balance": option.Option(
      True, f"a pair's loss is divided by the contrast of its painting{only}"
    ),
    "average": option.Option(
      0.995,
      "decay of the running mean of D, which is what is written",
      least=0.0,
      most=0.999999,
    ),
    # With the paper's 1 against 10, content stays behind at these few steps.
    "content_weight": option.weight(8.0, f"of the content loss{only}"),
    "style_weight": option.weight(10.0, f"of the style loss{only}"),
    # Not of the paper: the colours themselves, and paintings as they are.
    "palette_weight": option.weight(200.0, f"of the palette's loss{only}"),
    "identity_weight": option.weight(
      15.0, f"of paintings in their own style{only}"
    ),
    "chroma_weight": option.weight(3.0, "of colour beside brightness"),
  }
  return {
    name: dataclasses.replace(found, default=changes[name])
    if name in changes
    else found
    for name, found in fields.items()
  }


# The AdaIN losses from scratch give noise, and from a poor start strokes
# without shapes: D first learns to reconstruct, and for that, each of its
# blocks to undo its counterpart in E.
_STAGE = {
  "blocks": _stage(
    loss="blocks",
    warmup=100,
    clip=0.0,
    steps=750,
    batch_size=2,
    crop=96,
    learning_rate=1.6e-3,
    learning_rate_final=4e-4,
  ),
  "reconstruction": _stage(
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
  "strokes": _stage(
    hold_colours=True,
    steps=1600,
    crop=96,
    muon_learning_rate=4e-3,
    learning_rate=1e-4,
    learning_rate_final=1.5e-5,
  ),
  "palette": _stage(
    hold_colours=True,
    steps=2000,
    crop=160,
    muon_learning_rate=5e-4,
    learning_rate=2e-5,
    learning_rate_final=2e-6,
  ),
}

_VAE = {
  "crops": option.Option(
    3000, "of paintings, whose statistics it learns", least=16
  ),
  "crop": option.Option(192, "pixels, a side of them", least=16),
  "steps": option.Option(
    20000, "training steps of the VAE", least=0, zero="no VAE is trained"
  ),
  "batch_size": option.count(64, "statistics of a step"),
  "learning_rate": option.rate(1e-3, "rate of Adam, at the start"),
  "learning_rate_final": option.rate(1e-5, "at the end"),
  "kl_weight": option.weight(0.1, "of the distance of codes from a Gaussian"),
}

# The rest of a run's `training` is about rays and pixels.
_KEPT = (
  "checkpoint_minutes",
  "checkpoints_kept",
  "checkpoints_kept_every",
  "skipped_in_a_row",
  "tensorboard",
)

_OPTIONS = {
  "seed": table.OPTIONS["seed"],
  "encoder": table.OPTIONS["weights.encoder"],
  "start": option.Option("", "file of D to begin with", zero="random weights"),
  "stages": option.Option(
    STAGES,
    "of D's training, in this order, each once",
    choices=STAGES,
    zero="D is not trained",
  ),
  "evaluate_every": option.count(
    250, "steps of D between two scorings of held-out pictures"
  ),
  "checkpoint_every": option.count(250, "steps of D between two checkpoints"),
  "evaluation_size": option.Option(
    256, "pixels, a side of the photos that are scored", least=16, multiple=8
  ),
  "evaluation_style_size": option.Option(
    512, "pixels, short side of their paintings", least=16, most=4096
  ),
  **schema.section(
    "content",
    {
      "path": option.Option(
        "", f"photos: {_PICTURES}", zero="refused: it must be given"
      ),
      "holdout": option.Option(
        "",
        "photos that are scored and never trained on, as content.path",
        zero="those of content.path are scored",
      ),
    },
  ),
  **schema.section(
    "styles",
    {
      "path": option.Option(
        "", f"paintings: {_PICTURES}", zero="refused: it must be given"
      ),
      "holdout": option.Option(
        (),
        "parts of names; such paintings are scored and never trained on",
        zero="those that are trained on are scored",
      ),
      "generated": option.Option(
        0,
        "pictures of each of eight kinds that this program paints, too",
        least=0,
        zero="none",
      ),
      "generated_share": option.Option(
        0.2, "of the crops that are of these", least=0.0, most=1.0
      ),
      "recolour": option.Option(
        0.25,
        "probability that a crop's colours are shifted",
        least=0.0,
        most=1.0,
      ),
    },
  ),
  **{
    f"stage.{name}.{field}": found
    for name, fields in _STAGE.items()
    for field, found in fields.items()
  },
  **schema.section("vae", _VAE),
  **schema.section("training", {name: table.TRAINING[name] for name in _KEPT}),
}


def _contradictions(config) -> Iterator[str]:
  """Yields fields that are fine by themselves and not beside each other."""
  twice = {name for name in config.stages if config.stages.count(name) > 1}
  if twice:
    yield (
      f"config field stages names {', '.join(sorted(twice))} twice; expected "
      "each stage once"
    )
  if not config.stages and not config.vae.steps:
    yield (
      "config field stages is empty and vae.steps is 0: there is nothing to "
      "train; expected one of them"
    )
  for name in config.stages:
    stage = config.stage[name]
    if stage.warmup > stage.steps:
      yield (
        f"config field stage.{name}.warmup is {stage.warmup}; expected at "
        f"most the stage's steps, {stage.steps}"
      )


PRETRAINING = schema.Schema(
  _OPTIONS, _contradictions, _HEAD, "`train-stylizer`: of all sections"
)
