"""Which style `--style` means: a name, a mix, or a picture of its own."""

import math
import pathlib

import numpy as np

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import user_error
from stylized_nerf_jax.fields import latents as latents_lib
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.models import style_codes
from stylized_nerf_jax.scenes.pictures import style_set


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


def choose(
  model: model_lib.StylizedNerf, text: str | None
) -> tuple[str | None, model_lib.Style, np.ndarray | None]:
  """Reads `--style`.

  Returns:
    What to call it, with whole names, None for the scene as photographed; the
    style; and, where pictures that were never trained on are among it, None in
    its place and the code [32] of the mix.

  Raises:
    ValueError: a name is unknown, a part of several or twice there, or a weight
      is wrong.
  """
  style = parse_style(text)
  if style is None:
    return None, None, None
  weights = {style: 1.0} if isinstance(style, str) else dict(style)
  pictures = {
    name: pathlib.Path(name)
    for name in weights
    if name not in model.styles and pathlib.Path(name).is_file()
  }
  trained = [name for name in weights if name not in pictures]
  if trained and model.styles:
    whole = dict(zip(trained, style_set.find_all(trained, model.styles)))
    weights = {whole.get(name, name): w for name, w in weights.items()}
  called = ",".join(f"{name}:{weight:g}" for name, weight in weights.items())
  if isinstance(style, str):
    (called,) = weights
    style = called
  else:
    style = weights
  if called != text:
    progress.say(f"style: {called}")
  if not pictures:
    if not isinstance(style, str):
      style = _normalised(weights)
    model.latent(style)  # Says what is wrong with it, if anything is.
    _say_sum(text, weights)
    return called, style, None
  guessed = dict(zip(pictures, untrained_latents(model, *pictures.values())))
  codes = [
    guessed[name] if name in guessed else model.latent(name) for name in weights
  ]
  mixed = latents_lib.mix(np.stack(codes), list(weights.values()))
  _say_sum(text, weights)
  return called, None, np.asarray(mixed)


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


def untrained_latents(
  model: model_lib.StylizedNerf, *pictures: pathlib.Path
) -> list[np.ndarray]:
  """Returns the VAE's mean code [32] for paintings never trained on."""
  codes = style_codes.guessed_codes(model.config, *pictures)
  for picture in pictures:
    progress.say(
      f"style {picture}: not among the styles this model was trained on; the "
      "code is the VAE's guess, and the result only resembles the painting"
    )
  return codes
