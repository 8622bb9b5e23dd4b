"""Features of whole views: what AdaIN would make of them, encoded once."""

import dataclasses

import jax
import numpy as np
import pytest
import tiny_run

from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.scenes.synthetic import embedded
from stylized_nerf_jax.stylizer import adain, pretrained, stylize
from stylized_nerf_jax.views import rendered_views, view_features


@pytest.fixture
def nets(small_networks):
  del small_networks
  encoder = pretrained.load_encoder()
  decoder = tiny_run.draw(pretrained.decoder_shapes())
  return stylizer_nets.Nets(encoder=encoder, decoder=decoder, vae=None)


@pytest.fixture
def rendered(tmp_path):
  scene = embedded.make_scene(num_train=2, num_test=0, width=36, height=28)
  for i in range(2):
    pixels = np.round(scene.images[i] * 255).astype(np.uint8)
    np.save(tmp_path / f"rgb_{i:05d}.npy", pixels)
  return rendered_views.Views(tmp_path, scene.cameras)


def test_restyled_they_are_what_adain_gives(nets, rendered, tmp_path):
  features = view_features.load_or_encode(tmp_path, rendered, nets)
  assert len(features) == 2
  whole = stylize.Stylizer("vgg16", nets.encoder.params, nets.decoder)
  random = np.random.default_rng(0)
  mean, std = random.uniform(0.5, 1, (2, 512)).astype(np.float32)
  for i in range(2):
    assert features[i].shape == (4, 5, 512)
    encoded = jax.jit(
      lambda rgb: whole.encode(stylize.pad_to_stride(rgb))["relu4_1"]
    )(rendered.rgb(i)[None])
    expected = adain.adain(encoded, mean, std)[0]
    found = adain.restyle(np.asarray(features[i], np.float32), mean, std)
    np.testing.assert_allclose(found, expected, atol=5e-3)


def test_views_are_encoded_once_for_each_encoder(nets, rendered, tmp_path):
  first = view_features.load_or_encode(tmp_path, rendered, nets)
  np.save(tmp_path / f"features_{nets.encoder.sha256[:16]}/00001.npy", [7.0])
  again = view_features.load_or_encode(tmp_path, rendered, nets)
  assert again[1].tolist() == [7.0] and first[0].shape == again[0].shape
  encoder = dataclasses.replace(nets.encoder, sha256="0" * 64)
  other = dataclasses.replace(nets, encoder=encoder)
  fresh = view_features.load_or_encode(tmp_path, rendered, other)
  assert fresh[1].shape == (4, 5, 512)
