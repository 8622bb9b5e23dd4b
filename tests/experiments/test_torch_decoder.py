"""The peer's step is ours: the same loss and gradient with the same weights."""

import functools
import pathlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.stylizer import decoder, vgg

_EXPERIMENTS = pathlib.Path(__file__).parents[2] / "experiments"


class _Constants(NamedTuple):
  encoder: Any


@pytest.mark.oracle
def test_loss_and_gradient_equal_ours(monkeypatch):
  torch = pytest.importorskip("torch")
  monkeypatch.syspath_prepend(_EXPERIMENTS)
  from support import stylizer_cases, torch_decoder

  draw = np.random.default_rng(0)
  photo, painting = draw.random((2, 1, 40, 40, 3)).astype(np.float32)
  images = jnp.zeros((1, 16, 16, 3))
  encoder = vgg.VggEncoder("vgg16").init(jax.random.key(0), images)["params"]
  features = jnp.zeros((1, 2, 2, 512))
  params = decoder.Decoder().init(jax.random.key(1), features)["params"]
  ours = functools.partial(stylizer_cases.loss_anew, key=None, layout="vgg16")
  (wanted, _), gradient = jax.jit(jax.value_and_grad(ours, has_aux=True))(
    params, _Constants(encoder), (photo, painting)
  )

  blocks = torch_decoder.make_encoder("vgg16")
  layers = torch_decoder.make_decoder()
  for modules, names, tree in (
    (blocks, vgg.convolution_names("vgg16"), encoder),
    (layers, [name for name, _, _ in decoder.LAYERS], params),
  ):
    convolutions = [
      m for m in modules.modules() if isinstance(m, torch.nn.Conv2d)
    ]
    assert len(convolutions) == len(names)
    for module, name in zip(convolutions, names):
      kernel = np.array(tree[name]["kernel"]).transpose(3, 2, 0, 1).copy()
      with torch.no_grad():
        module.weight.copy_(torch.from_numpy(kernel))
        module.bias.copy_(torch.from_numpy(np.array(tree[name]["bias"])))
  photo, painting = (
    torch.from_numpy(x.transpose(0, 3, 1, 2).copy()) for x in (photo, painting)
  )
  found = torch_decoder.loss(blocks, layers, photo, painting)
  found.backward()
  np.testing.assert_allclose(found.item(), wanted, rtol=1e-4)
  last = [m for m in layers.modules() if isinstance(m, torch.nn.Conv2d)][-1]
  name = decoder.LAYERS[-1][0]
  bar = np.array(gradient[name]["kernel"]).transpose(3, 2, 0, 1)
  np.testing.assert_allclose(
    last.weight.grad.numpy(), bar, atol=1e-3 * np.abs(bar).max()
  )
