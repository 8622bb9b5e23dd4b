"""A run so small that all three phases train in seconds, as fixtures use it."""

import functools
import json
import pathlib
import sys

import jax
import ml_collections
import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax import defaults
from stylized_nerf_jax.options import schema
from stylized_nerf_jax.scenes.synthetic import embedded, generated_styles
from stylized_nerf_jax.stylizer import decoder, pretrained, vgg, weights_file

STYLES = ("mosaic", "ink-wash")
_GRID = {
  "num_levels": 2,
  "num_features": 2,
  "log2_table_size": 8,
  "coarsest_resolution": 4,
  "finest_resolution": 16,
}


def make_config(weights, **changes) -> ml_collections.FrozenConfigDict:
  """Returns the config of a tiny run on the embedded scene.

  Args:
    weights: folder that `write_weights` wrote.
    **changes: of fields, whose dots are written as two underscores.
  """
  config = defaults.get_config()
  shrink(config, weights)
  config.styles.names = ",".join(STYLES)
  for name, value in changes.items():
    config.update_from_flattened_dict({name.replace("__", "."): value})
  return ml_collections.FrozenConfigDict(config)


def shrink(config: ml_collections.ConfigDict, weights) -> None:
  """Makes any config cheap: few pixels, narrow networks, two steps a phase."""
  config.scene.path, config.scene.downsample = "synthetic", 5.0
  config.styles.path, config.styles.style_size = "generated", 64
  config.weights.decoder = str(weights / "decoder.npz")
  config.weights.vae = str(weights / "vae.npz")
  config.field.hash_grid.update(
    **_GRID,
    width=8,
    geometry_features=3,
    proposal_levels=2,
    proposal_log2_table_size=8,
    proposal_finest_resolution=16,
    proposal_width=8,
    num_proposal=4,
    num_fine=4,
  )
  config.field.positional.update(depth=6, width=8, num_coarse=4, num_fine=4)
  config.style_field.update(**_GRID, depth=3, width=8)
  config.radiance_field.update(
    steps=2,
    rays_per_step=64,
    steps_per_dispatch=1,
    evaluate_every=2,
    checkpoint_every=1,
  )
  config.stylizer.update(steps=2, views_per_step=2, crop=16, checkpoint_every=1)
  config.mutual_learning.update(
    steps=1,
    rays_per_step=64,
    patch_steps=1,
    patches_per_step=2,
    patch=16,
    steps_per_dispatch=1,
    # So fast that a resumed run must tell the two decoders apart.
    decoder_learning_rate=1e-2,
    decoder_every=1,
    decoder_crop=16,
    decoder_rays=16,
    refresh_every=2,
    checkpoint_every=1,
  )
  config.mutual_learning.finish.update(
    steps=1,
    refit_steps=1,
    refit_rays=64,
    window=16,
    places=32,
    checkpoint_every=1,
  )
  config.geometry_cache.update(samples=3, tolerance=1.0)
  config.evaluation.num_frames = 2
  config.evaluation.gaps = (1,)
  config.rendering.rays_per_chunk = 192


def changed_fields(weights, *, but=()) -> dict:
  """Returns the fields that `shrink` sets, and all numbers of steps.

  Args:
    weights: folder that `write_weights` wrote.
    but: names of fields that are left out.
  """
  config = defaults.get_config()
  shrink(config, weights)
  before = dict(schema.leaves(defaults.get_config()))
  return {
    name: value
    for name, value in schema.leaves(config)
    if name not in but and (value != before[name] or "steps" in name)
  }


def drop_finish(run: pathlib.Path) -> pathlib.Path:
  """Makes a finished run one that never had a finish; returns `run`."""
  path = run / "manifest.json"
  manifest = json.loads(path.read_text())
  del manifest["phases"]["finish"]
  path.write_text(json.dumps(manifest))
  return run


def write_transforms(
  folder: pathlib.Path, count: int = 8, seed: int = 0, **fields
) -> pathlib.Path:
  """Writes a distorted 16 x 12 transforms.json scene; returns `folder`.

  Args:
    folder: made where it is missing.
    count: of frames.
    seed: of the pixels.
    **fields: put into the file in place of its own.
  """
  (folder / "images").mkdir(parents=True)
  content = {"fl_x": 20.0, "w": 16, "h": 12, "k1": 0.05, "p2": 0.01, **fields}
  content["frames"] = []
  random = np.random.default_rng(seed)
  for i in range(count):
    pixels = random.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "images" / f"{i}.png")
    angle = 0.3 * i
    center = 3 * np.array([np.cos(angle), np.sin(angle), 0.4])
    content["frames"].append(
      {
        "file_path": f"images/{i}.png",
        "transform_matrix": embedded.look_at(center, np.zeros(3)).tolist(),
      }
    )
  (folder / "transforms.json").write_text(json.dumps(content))
  return folder


def small_networks(patch: pytest.MonkeyPatch) -> None:
  """Puts an encoder and a decoder of four layers each in place of VGG's.

  Their interfaces are the same; most of the time of a tiny run is spent on
  compiling the real ones. The slow tests train with those.

  The embedded scene, the paintings and the shapes of networks, which every call
  of training makes anew and alike, are made once.
  """
  blocks = ((1, 8), (1, 8), (1, 8), (1, 512))
  layers = (
    ("conv4_1", 8, False),
    ("conv3_1", 8, True),
    ("conv2_1", 8, True),
    ("conv1_1", 3, True),
  )
  patch.setattr(vgg, "_BLOCKS", {"vgg16": blocks})
  patch.setattr(decoder, "LAYERS", layers)
  patch.setattr(pretrained, "load_encoder", _small_encoder)
  patch.setattr(pretrained, "load_stroke_encoder", _small_encoder)
  patch.setattr(pretrained, "decoder_shapes", _decoder_shapes)
  patch.setattr(pretrained, "vae_shapes", _vae_shapes)
  patch.setattr(embedded, "make_scene", _make_scene)
  patch.setattr(
    generated_styles, "generate", lambda *a, **b: _generate(*a, **b).copy()
  )


_decoder_shapes = functools.cache(pretrained.decoder_shapes)
_vae_shapes = functools.cache(pretrained.vae_shapes)
_make_scene = functools.cache(embedded.make_scene)
_generate = functools.cache(generated_styles.generate)


@functools.cache
def _small_encoder(kind: str = "vgg16") -> pretrained.Encoder:
  picture = jax.ShapeDtypeStruct((1, 16, 16, 3), np.float32)
  shapes = jax.eval_shape(vgg.VggEncoder(kind).init, jax.random.key(0), picture)
  return pretrained.Encoder(kind, draw(shapes["params"]), "5" * 64)


def write_weights(folder: pathlib.Path) -> pathlib.Path:
  """Writes a random decoder and VAE for the encoder; returns `folder`."""
  folder.mkdir(exist_ok=True)
  metadata = {"encoder_sha256": pretrained.load_encoder().sha256}
  trees = {
    "decoder": pretrained.decoder_shapes(),
    "vae": pretrained.vae_shapes(),
  }
  for name, shapes in trees.items():
    path = folder / f"{name}.npz"
    weights_file.save_weights(path, {name: draw(shapes)}, metadata)
  return folder


def draw(shapes):
  """Draws kernels that keep the size of activations, and small biases."""
  random = np.random.default_rng(0)

  def one(leaf):
    fan_in = np.prod(leaf.shape[:-1]) if len(leaf.shape) > 1 else 100
    values = random.normal(size=leaf.shape) / np.sqrt(fan_in)
    return values.astype(np.float32)

  return jax.tree.map(one, shapes)


if __name__ == "__main__":
  # The command line with the small networks, for tests of whole processes.
  from stylized_nerf_jax.cli import main as cli

  small_networks(pytest.MonkeyPatch())
  sys.exit(cli.main(sys.argv[1:]))
