"""A step of phase 2, of the decoder at 256 pixels, to be timed.

One crop, content and style losses, the scene's own optimizer. Beside the step
as it is, whose content and style features were computed once, the same step
that encodes the photograph and the painting again, as AdaIN's training does,
and, on a CPU, that step in PyTorch (`torch_decoder.py`).
"""

import functools

import jax
import numpy as np

from stylized_nerf_jax.losses import stylization
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.phases import (
  adaptation,
  decoder_objective,
  radiance_field,
  run_styles,
)
from stylized_nerf_jax.pixels import view_pixels
from stylized_nerf_jax.rows import prng
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.stylizer import adain, decoder, vgg
from stylized_nerf_jax.views import rendered_views, view_crops, view_features
from support import cases, flops

_SIZE = 256
_PEER = "features anew, PyTorch"
_WEIGHTS = decoder_objective.Weights(content=1.0, style=1.0, consistency=0.0)


def decoder_steps(folder) -> list[cases.Case]:
  """Steps on features that are kept, that are computed anew, and the peer's.

  Args:
    folder: of a run whose phases are all finished.
  """
  kept, anew, layout = _problems(folder)
  found = [
    kept.case("decoder step, features kept", _PEER),
    anew.case("decoder step, features anew", _PEER),
  ]
  if jax.default_backend() == "cpu":
    from support import torch_decoder  # PyTorch is wanted by nothing else

    step = torch_decoder.training_step(_SIZE, layout)
    found.append(cases.Case(_PEER, _SIZE**2, step, anew.flops * _SIZE**2))
  return found


def kept_features(folder) -> cases.Problem:
  """The step on features that are kept, as phase 2 takes it."""
  return _problems(folder)[0]


def _problems(folder) -> tuple[cases.Problem, cases.Problem, str]:
  """The two steps, and the encoder's layout."""
  run = run_folder.RunFolder(folder)
  config = run.config()
  nets = stylizer_nets.load_nets(config.weights)
  facts = stylizer_nets.style_facts(nets, run_styles.stored(run))
  rendered = rendered_views.load_or_render(config, run, None)
  features = view_features.load_or_encode(
    run.phase_path(radiance_field.PHASE), rendered, nets
  )
  crops = view_crops.CropSampler(
    rendered, features, crop=_SIZE, neighbours=1
  ).draw(np.random.default_rng(0), 1)
  kept = adaptation.make_batch([adaptation.make_group(crops, 0)])
  x, y = crops.corner[0]
  photo = view_pixels.window(rendered.rgb(int(crops.view[0])), x, y, _SIZE)
  painting = np.random.default_rng(0).random((1, 1, _SIZE, _SIZE, 3))
  anew = (photo[None, None], painting.astype(np.float32))
  constants = adaptation.make_constants(nets, facts, rendered, tolerance=0.05)
  layout = nets.encoder.layout
  encoding = flops.of_encoder(layout, _SIZE)
  # The decoder learns; the encoder only passes gradients on.
  step = 2 * encoding + 3 * flops.of_decoder(_SIZE)
  return (
    _problem(
      functools.partial(
        decoder_objective.decoder_loss, layout=layout, weights=_WEIGHTS
      ),
      (config, nets, constants, kept),
      step,
    ),
    _problem(
      functools.partial(loss_anew, layout=layout),
      (config, nets, constants, anew),
      step + 2 * encoding,
    ),
    layout,
  )


def _problem(loss, setting, work: float) -> cases.Problem:
  config, nets, constants, batch = setting
  return cases.Problem(
    loss,
    adaptation.make_optimizer(config.stylizer, nets),
    dict(nets.decoder),
    constants=constants,
    batch=batch,
    rays=_SIZE**2,
    steps=1,
    flops=work / _SIZE**2,
    rows_at_once=1,
    key=prng.stream_key(0, "bench"),
  )


def loss_anew(params, constants, batch, key, *, layout):
  """Content plus style loss of a photograph in the style of a painting.

  Args:
    params: of D.
    constants: what has the parameters of E as `encoder`.
    batch: (photograph, painting), [1, H, W, 3] each.
    key: unused.
    layout: of E.

  Returns:
    (loss [], metrics).
  """
  del key
  photo, painting = batch
  encode = functools.partial(
    vgg.VggEncoder(layout).apply, {"params": constants.encoder}
  )
  statistics = stylization.layer_statistics(encode(painting))
  content = encode(photo)["relu4_1"]
  target = adain.adain(content, *statistics["relu4_1"])
  output = encode(decoder.Decoder().apply({"params": params}, target))
  parts = {
    "content": stylization.content_loss(output["relu4_1"], target),
    "style": stylization.style_loss(output, statistics),
  }
  loss = parts["content"] + parts["style"]
  return loss, {"loss": loss, **parts}
