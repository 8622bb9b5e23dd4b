"""Reads checkpoints of JaxNeRF (google-research/jaxnerf, versions 2021, 2022).

Its training writes `checkpoint_STEP` by flax's `save_checkpoint`: msgpack of
its TrainState. The networks lie under optimizer/target/params, coarse as
`MLP_0` and fine as `MLP_1`, their layers as `Dense_0`, `Dense_1`, ... in the
order in which they are applied: those of the points, the density, the
bottleneck, those that read the direction, the colour. Sizes follow from the
shapes; what does not (near, far, numbers of samples, the order of encodings,
the background) stands in the flags of the training alone.
"""

import dataclasses
import hashlib
import pathlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from flax import serialization

from stylized_nerf_jax import user_error
from stylized_nerf_jax.fields import jaxnerf

# Of the paper's networks and their moments 14 MiB.
_LARGEST_FILE = 1 << 28
_MOST_LAYERS = 64
_WIDEST = 1 << 14
_NAME = re.compile(r"checkpoint_(\d+)")
_NETWORKS = {"coarse": "MLP_0", "fine": "MLP_1"}


@dataclasses.dataclass(frozen=True, eq=False)
class Checkpoint:
  """What a file holds of a field.

  Attributes:
    path: of the file.
    step: of the training, where the file says so; otherwise 0.
    sha256: of the file, hexadecimal.
    sizes: attributes of `fields.jaxnerf.JaxNerfField` that shapes tell.
    params: of that field, numpy float32.
  """

  path: pathlib.Path
  step: int
  sha256: str
  sizes: dict[str, Any]
  params: dict[str, Any]


def load_jaxnerf(
  path: str | pathlib.Path,
  *,
  near: float = 2.0,
  far: float = 6.0,
  white_background: bool = True,
  num_coarse: int = 64,
  num_fine: int = 128,
  lindisp: bool = False,
  first_octave: int = 0,
  legacy_order: bool = False,
) -> tuple[jaxnerf.JaxNerfField, dict[str, Any]]:
  """Loads a field that JaxNeRF has trained.

  The arguments are flags of its training, with their defaults there; of its
  LLFF scenes near is 0, far 1, and the background black.

  Args:
    path: a file, or a folder of which the `checkpoint_STEP` of the largest
      step is taken.
    near: first sample of a ray that says nothing else, in lengths of its
      direction (`near`).
    far: the last one (`far`).
    white_background: white is behind what is not opaque (`white_bkgd`),
      otherwise black.
    num_coarse: samples of the coarse pass (`num_coarse_samples`), at least 3.
    num_fine: samples that are added to them (`num_fine_samples`).
    lindisp: coarse samples are even in 1 / t (`lindisp`).
    first_octave: exponent of a point's lowest frequency (`min_deg_point`).
    legacy_order: of the encodings (`legacy_posenc_order`).

  Returns:
    (field, params), for `render_rays`: what JaxNeRF renders without
    randomness. Its disparities are 1 / t, in lengths of the directions.

  Raises:
    ValueError: there is no such file, it is none of JaxNeRF's, or arguments do
      not fit.
  """
  if not (0.0 < near < far or (near == 0.0 < far and not lindisp)):
    raise user_error.UserError(
      f"near is {near:g} and far {far:g}; expected 0 <= near < far, and more "
      "than 0 with lindisp"
    )
  if num_coarse < 3 or num_fine < 1:
    raise user_error.UserError(
      f"num_coarse is {num_coarse} and num_fine {num_fine}; expected at least "
      "3 and 1"
    )
  found = read(path)
  field = jaxnerf.JaxNerfField(
    num_coarse=num_coarse,
    num_fine=num_fine,
    lindisp=lindisp,
    first_octave=first_octave,
    legacy_order=legacy_order,
    near=float(near),
    far=float(far),
    background=(1.0,) * 3 if white_background else (0.0,) * 3,
    **found.sizes,
  )
  return field, found.params


def read(path: str | pathlib.Path) -> Checkpoint:
  """Reads a checkpoint; nothing in it is run.

  Args:
    path: as in `load_jaxnerf`.

  Raises:
    ValueError: there is no such file, it is larger than 256 MiB, or holds
      other things than two networks of JaxNeRF's.
  """
  file = _find(pathlib.Path(path))
  size = file.stat().st_size
  if size > _LARGEST_FILE:
    raise user_error.UserError(
      f"{file}: {size >> 20} MiB; expected at most {_LARGEST_FILE >> 20} MiB, "
      "a checkpoint of JaxNeRF"
    )
  content = file.read_bytes()
  try:
    tree = serialization.msgpack_restore(content)
  except Exception as error:  # Whatever foreign bytes may raise.
    raise user_error.UserError(
      f"{file} is no checkpoint of JaxNeRF ({type(error).__name__}): expected "
      "msgpack, as flax's save_checkpoint writes it"
    ) from None
  networks = _child(tree, ("optimizer", "target", "params"), file)
  params, sizes = {}, {}
  for name, theirs in _NETWORKS.items():
    layers = _layers(_child(networks, (theirs,), file), f"{file}: {theirs}")
    sizes[name] = _sizes(layers, f"{file}: {theirs}")
    params[name] = _named(layers, sizes[name])
  if sizes["coarse"] != sizes["fine"]:
    differing = [k for k, v in sizes["coarse"].items() if v != sizes["fine"][k]]
    raise user_error.UserError(
      f"{file}: MLP_0 and MLP_1 differ in {', '.join(differing)}; expected two "
      "networks of one shape, as JaxNeRF trains them"
    )
  return Checkpoint(
    path=file,
    step=_step(tree, file),
    sha256=hashlib.sha256(content).hexdigest(),
    sizes=sizes["fine"],
    params=params,
  )


def _find(path: pathlib.Path) -> pathlib.Path:
  """Returns a checkpoint file, of a folder the one of the largest step."""
  if path.is_file():
    return path
  if not path.is_dir():
    raise user_error.UserError(
      f"{path}: no such file or folder; expected a checkpoint of JaxNeRF, or "
      "the folder that it trained in (train_dir)"
    )
  steps = {}
  for child in path.iterdir():
    if (named := _NAME.fullmatch(child.name)) and child.is_file():
      steps[int(named[1])] = child
  if not steps:
    raise user_error.UserError(
      f"{path} holds no checkpoint of JaxNeRF: expected files named "
      "checkpoint_STEP"
    )
  return steps[max(steps)]


def _child(tree, keys: tuple[str, ...], file: pathlib.Path) -> Mapping:
  """Returns the dict below keys, or says which one is missing."""
  for depth, key in enumerate(keys):
    if not isinstance(tree, dict) or not isinstance(tree.get(key), dict):
      there = sorted(map(str, tree))[:5] if isinstance(tree, dict) else []
      raise user_error.UserError(
        f"{file}: no {'/'.join(keys[: depth + 1])} (found "
        f"{', '.join(there) or 'nothing'}); expected a checkpoint of JaxNeRF, "
        "with optimizer/target/params/MLP_0 and MLP_1"
      )
    tree = tree[key]
  return tree


def _layers(network: Mapping, where: str) -> list[dict[str, np.ndarray]]:
  """Returns kernels and biases of a network, in their order."""
  count = len(network)
  names = [f"Dense_{i}" for i in range(count)]
  if set(names) != set(network) or not 3 <= count <= _MOST_LAYERS:
    some = ", ".join(sorted(map(str, network))[:3])
    raise user_error.UserError(
      f"{where} holds {count} entries ({some}, ...); expected 3 to "
      f"{_MOST_LAYERS} layers from Dense_0 on"
    )
  layers = []
  for name in names:
    found = network[name] if isinstance(network[name], dict) else {}
    kernel, bias = (_array(found.get(key)) for key in ("kernel", "bias"))
    fits = (
      kernel is not None
      and bias is not None
      and kernel.ndim == 2
      and bias.shape == kernel.shape[1:]
      and min(kernel.shape) > 0
      and max(kernel.shape) <= _WIDEST
    )
    if not fits:
      shapes = [
        "nothing" if leaf is None else list(leaf.shape)
        for leaf in (kernel, bias)
      ]
      raise user_error.UserError(
        f"{where}/{name}: kernel is {shapes[0]} and bias {shapes[1]}; expected "
        "[inputs, outputs] and [outputs] of numbers"
      )
    if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
      raise user_error.UserError(
        f"{where}/{name} holds NaN or infinity; expected finite numbers: take "
        "an earlier checkpoint"
      )
    layers.append({"kernel": kernel, "bias": bias})
  return layers


def _array(leaf) -> np.ndarray | None:
  """Returns an array of floating-point numbers as float32."""
  if not isinstance(leaf, np.ndarray):
    return None
  try:
    if np.issubdtype(leaf.dtype, np.number) or leaf.dtype.name == "bfloat16":
      return leaf.astype(np.float32)
  except (TypeError, ValueError):
    pass
  return None


def _sizes(layers: list[dict[str, np.ndarray]], where: str) -> dict[str, Any]:
  """Returns the attributes of the field that shapes tell."""
  shapes = [layer["kernel"].shape for layer in layers]
  width = shapes[0][1]
  depth = next((i for i, s in enumerate(shapes) if i and s[1] == 1), 0)
  color_depth = len(shapes) - depth - 3
  use_viewdirs = color_depth >= 0
  octaves = _octaves(shapes[0][0])
  encoded = shapes[0][0]
  entered = [i for i in range(depth) if i and shapes[i][0] == width + encoded]
  if shapes[depth][0] == width + encoded:
    entered.append(depth)
  skip = entered[0] - 1 if entered else max(depth, 1)
  sizes = {
    "depth": depth,
    "width": width,
    "skip": max(skip, 1),
    "octaves": octaves,
    "use_viewdirs": use_viewdirs,
  }
  if use_viewdirs:
    reads = shapes[depth + 2][0] - width
    sizes["direction_octaves"] = _octaves(reads)
    sizes["color_depth"] = color_depth
    if color_depth:
      sizes["color_width"] = shapes[depth + 2][1]
  if (
    depth == 0
    or len(shapes) < depth + 2
    or min(octaves, sizes.get("direction_octaves", 0)) < 0
    or shapes != _expected(sizes, encoded)
  ):
    found = ", ".join(f"{i}x{o}" for i, o in shapes)
    raise user_error.UserError(
      f"{where}: the layers' kernels are {found}; expected those of JaxNeRF's "
      "MLP, such as 63x256, 4 times 256x256, 319x256, twice 256x256, 256x1, "
      "256x256, 283x128, 128x3"
    )
  return sizes


def _octaves(values: int) -> int:
  """Returns how many frequencies make so many values of a vector, or -1."""
  count, rest = divmod(values - 3, 6)
  return count if rest == 0 and count >= 0 else -1


def _expected(sizes: Mapping[str, Any], encoded: int) -> list[tuple[int, int]]:
  """Returns the shapes of all kernels of a network with these sizes."""
  width, shapes, inputs = sizes["width"], [], encoded
  for index in range(sizes["depth"]):
    shapes.append((inputs, width))
    enters = index > 0 and index % sizes["skip"] == 0
    inputs = width + encoded if enters else width
  shapes.append((inputs, 1))
  if sizes["use_viewdirs"]:
    shapes.append((inputs, width))
    inputs = width + 3 + 6 * sizes["direction_octaves"]
    for _ in range(sizes["color_depth"]):
      shapes.append((inputs, sizes["color_width"]))
      inputs = sizes["color_width"]
  shapes.append((inputs, 3))
  return shapes


def _named(
  layers: list[dict[str, np.ndarray]], sizes: Mapping[str, Any]
) -> dict[str, dict[str, np.ndarray]]:
  """Returns the layers by their names in `fields.jaxnerf.JaxNerfMlp`."""
  names = [f"layer_{i}" for i in range(sizes["depth"])]
  names.append("density_head")
  if sizes["use_viewdirs"]:
    names.append("bottleneck")
    names += [f"color_layer_{i}" for i in range(sizes["color_depth"])]
  return dict(zip([*names, "color_head"], layers, strict=True))


def _step(tree: Mapping, file: pathlib.Path) -> int:
  """Returns the step of the optimizer, of the file's name, or 0."""
  state = tree["optimizer"].get("state")
  step = state.get("step") if isinstance(state, dict) else None
  if isinstance(step, np.ndarray) and step.size == 1:
    step = step.item()
  if isinstance(step, int | np.integer):
    return int(step)
  named = _NAME.fullmatch(file.name)
  return int(named[1]) if named else 0
