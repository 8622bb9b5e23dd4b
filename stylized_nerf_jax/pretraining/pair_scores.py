"""Scores of a decoder on photos and paintings that it was not trained on."""

import functools
import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from stylized_nerf_jax.losses import stylization
from stylized_nerf_jax.pretraining import corpus
from stylized_nerf_jax.stylizer import adain, decoder, pretrained, vgg


class PairScores:
  """Scores a decoder on the held-out pairs and saves what it makes of them.

  Args:
    encoder: E.
    held_out: photos and paintings.
  """

  def __init__(self, encoder: pretrained.Encoder, held_out: corpus.ScoredPairs):
    self._held_out = held_out
    self.encoder = encoder
    self._statistics = {}
    module = vgg.VggEncoder(encoder.layout)
    statistics = jax.jit(
      lambda params, image: stylization.layer_statistics(
        module.apply({"params": params}, image.astype(jnp.float32) / 255.0)
      )
    )
    for name, painting in zip(held_out.painting_names, held_out.paintings):
      if name not in self._statistics:
        self._statistics[name] = statistics(encoder.params, painting[None])

    @jax.jit
    def score(params, encoder_params, photo, statistics, palette):
      encode = functools.partial(module.apply, {"params": encoder_params})
      content = encode(photo.astype(jnp.float32) / 255.0)["relu4_1"]
      target = adain.adain(content, *statistics["relu4_1"])
      image = decoder.Decoder().apply({"params": params}, target)
      # What is seen and stored is clipped, so that is what is scored.
      image = jnp.clip(image, 0.0, 1.0)
      features = encode(image)
      return {
        "content_loss": stylization.content_loss(features["relu4_1"], target),
        "style_loss": stylization.style_loss(features, statistics),
        "palette_loss": stylization.palette_loss(image, palette),
      }, image

    self._score = score

  def run(
    self, params: Mapping[str, Any], workdir: pathlib.Path, step: int
  ) -> dict[str, float]:
    """Score D and write samples/STEP.png.

    Returns:
      Mean content, style and palette loss over the pairs.
    """
    scores, columns = [], []
    held_out = self._held_out
    for photo, painting, name in zip(
      held_out.photos, held_out.paintings, held_out.painting_names
    ):
      losses, image = self._score(
        params,
        self.encoder.params,
        photo[None],
        self._statistics[name],
        painting[None].astype(np.float32) / 255.0,
      )
      scores.append(jax.device_get(losses))
      pixels = np.asarray(image[0] * 255.0 + 0.5).astype(np.uint8)
      thumbnail = Image.fromarray(painting).resize(photo.shape[1::-1])
      columns.append(np.concatenate([photo, np.array(thumbnail), pixels]))
    folder = workdir / "samples"
    folder.mkdir(exist_ok=True)
    sheet = np.concatenate(columns, axis=1)
    Image.fromarray(sheet).save(folder / f"{step:06d}.png")
    return {
      name: float(np.mean([row[name] for row in scores])) for name in scores[0]
    }
