"""The 2D networks of a run, and what its styles are to them."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.losses import stylization
from stylized_nerf_jax.scenes.pictures import style_set, styles
from stylized_nerf_jax.stylizer import (
  adain,
  pretrained,
  statistics_vae,
  stylize,
  vgg,
)


@dataclasses.dataclass(frozen=True)
class Nets:
  """Frozen weights, and the unadapted decoder.

  Attributes:
    encoder: E with its layout and hash.
    decoder: parameters of D as shipped or as the user's file has them.
    vae: parameters of the VAE.
  """

  encoder: pretrained.Encoder
  decoder: Any
  vae: Any

  @functools.cached_property
  def hashes(self) -> dict[str, str]:
    """What phases made with these weights depend on."""
    return {
      "encoder": self.encoder.sha256,
      "decoder": pretrained.tree_sha256(self.decoder),
      "vae": pretrained.tree_sha256(self.vae),
    }


@dataclasses.dataclass(frozen=True)
class StyleFacts:
  """What the networks see of S styles.

  Attributes:
    names, hashes: S of each.
    statistics: layer name to (mean, standard deviation), [S, C] each.
    latent_mean: [S, 32], mu_s of the VAE.
    latent_variance: [S, 32], var_s.
  """

  names: tuple[str, ...]
  hashes: tuple[str, ...]
  statistics: dict[str, tuple[np.ndarray, np.ndarray]]
  latent_mean: np.ndarray
  latent_variance: np.ndarray


def load_nets(config) -> Nets:
  """Loads the weights that `config.weights` names."""
  encoder = pretrained.load_encoder(config.encoder)
  return Nets(
    encoder=encoder,
    decoder=pretrained.load_decoder(config.decoder or None, encoder=encoder),
    vae=pretrained.load_vae(config.vae or None, encoder=encoder),
  )


def load_styles(config) -> style_set.StyleSet:
  """Reads the style set that `config.styles` names."""
  if not config.path:
    raise user_error.UserError(
      "--config.styles.path is empty; expected a folder of paintings, or the "
      "word generated"
    )
  return styles.load_style_set(
    config.path, style_size=config.style_size, names=config.names
  )


def style_facts(nets: Nets, images: style_set.StyleSet) -> StyleFacts:
  """Encodes every style once, at its full size."""

  @jax.jit
  def encode(params, picture):
    features = vgg.VggEncoder(nets.encoder.layout).apply(
      {"params": params}, stylize.pad_to_stride(picture[None])
    )
    return stylization.layer_statistics(features)

  rows = []
  for style in images.values():
    found = encode(nets.encoder.params, style.image)
    rows.append(jax.tree.map(lambda value: np.asarray(value[0]), found))
  statistics = jax.tree.map(lambda *values: np.stack(values), *rows)
  vectors = adain.as_vector(*map(jnp.asarray, statistics["relu4_1"]))
  mean, log_variance = statistics_vae.StatisticsVae().apply(
    {"params": nets.vae}, vectors, method="encode"
  )
  return StyleFacts(
    names=images.names,
    hashes=images.content_hashes,
    statistics=statistics,
    latent_mean=np.asarray(mean),
    latent_variance=np.exp(np.asarray(log_variance)),
  )
