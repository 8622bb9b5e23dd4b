"""Which style `--style` means: a name, a mix, or a picture of its own."""

import math
import pathlib
from collections.abc import Sequence

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.models import palettes
from stylized_nerf_jax.models.dials import Dials
from stylized_nerf_jax.scenes.pictures import style_set
from stylized_nerf_jax.stylizer import style_maps

DEFAULTS = Dials()


def say_first(model: model_lib.StylizedNerf) -> None:
  """Says that it was the first style that was shown, and how to ask for more.

  Args:
    model: with styles.
  """
  progress.say(
    f"style: {model.styles[0]}, the first of {len(model.styles)}; --style "
    "takes a name, a mix, all, or none for the scene as photographed"
  )


def parse_style(text: str | None) -> model_lib.Style:
  """Reads `--style`: a name, "a:0.7,b:0.3", or "none".

  Raises:
    ValueError: a weight is missing or no number.
  """
  if text in (None, "", "none"):
    return None
  if ":" not in text and "," not in text:
    return text
  weights = {}
  for part in text.split(","):
    name, _, weight = part.rpartition(":")
    try:
      weights[name.strip()] = float(weight)
    except ValueError:
      raise user_error.UserError(
        f"--style {text!r}: {part!r} has no weight; write NAME:WEIGHT, such "
        "as a:0.7,b:0.3"
      ) from None
  return weights


def parse_regions(texts: Sequence[str]) -> dict[str, str]:
  """Reads `--region`, each NAME=STYLE.

  Returns:
    Styles, as on the command line, by names of regions.

  Raises:
    ValueError: a text is none of these, or a region stands twice.
  """
  found: dict[str, str] = {}
  for text in texts:
    name, equals, style = text.partition("=")
    if not (name and equals and style):
      raise user_error.UserError(
        f"--region {text!r}: expected NAME=STYLE, or NAME=none for a part as "
        "photographed"
      )
    if name in found:
      raise user_error.UserError(f"--region {name} is given twice")
    found[name] = style
  return found


def choose(
  model: model_lib.StylizedNerf, text: str | None, *, dials: Dials = DEFAULTS
) -> tuple[str | None, model_lib.Style]:
  """Reads `--style`.

  Args:
    model: whose styles are named.
    text: as on the command line.
    dials: for what is said of pictures, and for one to recolour after.

  Returns:
    What to call it, with whole names, or the picture whose palette it gets,
    None for the scene as photographed; and the style.

  Raises:
    ValueError: a name is unknown, a part of several or twice there, a picture
      is damaged, or a weight is wrong.
  """
  if dials.recolor is not None:
    palettes.Pictures().target(dials.recolor)  # Says whether it can be read.
  style = parse_style(text)
  if style is None:
    return None if dials.recolor is None else str(dials.recolor), None
  weights = {style: 1.0} if isinstance(style, str) else dict(style)
  pictures = [
    name
    for name in weights
    if name not in model.styles and pathlib.Path(name).is_file()
  ]
  trained = [name for name in weights if name not in pictures]
  if trained and model.styles:
    whole = dict(zip(trained, style_set.find_all(trained, model.styles)))
    weights = {whole.get(name, name): w for name, w in weights.items()}
  called = ",".join(f"{name}:{weight:g}" for name, weight in weights.items())
  if isinstance(style, str):
    (called,) = weights
    style = called
  else:
    style = _normalised(weights)
  if called != text:
    progress.say(f"style: {called}")
  model.latent(style)  # Says what is wrong with it, if anything is.
  for picture in pictures:
    if dials.recolor is None:
      _say_untrained(picture, dials.transfer)
  _say_sum(text, weights)
  return called, style


def _normalised(weights: dict[str, float]) -> dict[str, float]:
  """Divides weights by their sum, where that can be done."""
  total = sum(weights.values())
  if not 0.0 < total < math.inf:
    return weights
  return {name: weight / total for name, weight in weights.items()}


def _say_sum(text: str | None, weights: dict[str, float]) -> None:
  total = sum(weights.values())
  if abs(total - 1.0) > 1e-6:
    progress.say(
      f"--style {text}: weights sum to {total:g} and are divided by it"
    )


def _say_untrained(picture: str, transfer: str | None) -> None:
  """Says of a picture that was never trained on what is to be expected."""
  colors = {
    style_maps.NONE: "its palette is a guess",
    style_maps.AFFINE: "its palette is put on by a linear map",
  }.get(transfer or "", "its palette is put on by a smooth map of colours")
  progress.say(
    f"style {picture} was never trained: {colors}; train with "
    "--config.styles.path to get its strokes"
  )
