"""The decoder's training step in PyTorch, eager: a peer of `stylizer_cases.py`.

The step of AdaIN's training (Huang and Belongie 2017, section 6): encode a
photograph and a painting, restyle, decode, encode the result, content and style
losses, backpropagation into the decoder, a step of Adam. The networks are ours,
layer by layer. PyTorch comes with the package's extra "oracle".
"""

from collections.abc import Callable

import torch
from torch import nn

from stylized_nerf_jax.stylizer import decoder, vgg

_WIDTHS = (64, 128, 256, 512)  # channels of VGG's blocks


def training_step(size: int, layout: str) -> Callable[[], None]:
  """Makes a step on a photograph and a painting, of networks drawn at random.

  Args:
    size: pixels of both, a side.
    layout: of the encoder, "vgg16" or "vgg19".

  Returns:
    A function that takes the step.
  """
  torch.manual_seed(0)
  encoder, layers = make_encoder(layout), make_decoder()
  optimizer = torch.optim.Adam(layers.parameters(), 1e-4)
  photo, painting = torch.rand(2, 1, 3, size, size)

  def step() -> None:
    optimizer.zero_grad()
    loss(encoder, layers, photo, painting).backward()
    optimizer.step()

  return step


def loss(encoder, layers, photo, painting) -> torch.Tensor:
  """Content plus style loss of a photograph in the style of a painting.

  Args:
    encoder: of `make_encoder`.
    layers: of `make_decoder`.
    photo, painting: [1, 3, H, W].

  Returns:
    A scalar.
  """
  with torch.no_grad():
    content = _encode(encoder, photo)[-1]
    styles = [_statistics(x) for x in _encode(encoder, painting)]
    mean, std = _statistics(content)
    target = (content - mean) / std * styles[-1][1] + styles[-1][0]
  output = _encode(encoder, layers(target))
  mse = nn.functional.mse_loss
  total = mse(output[-1], target)
  for found, wanted in zip(map(_statistics, output), styles):
    total = total + sum(map(mse, found, wanted))
  return total


def make_encoder(layout: str) -> nn.ModuleList:
  """Makes E in blocks that end in relu1_1, relu2_1, relu3_1 and relu4_1.

  Args:
    layout: as in `training_step`; the 1x1 convolution in front of "vgg19" is
      left out.
  """
  blocks, layers, inputs = [], [], 3
  for name in vgg.convolution_names(layout):
    width = _WIDTHS[int(name[4]) - 1]
    first = name.endswith("_1")
    if first and blocks:
      layers.append(nn.MaxPool2d(2, ceil_mode=True))
    layers += [*_convolution(inputs, width), nn.ReLU()]
    inputs = width
    if first:
      blocks.append(nn.Sequential(*layers))
      layers = []
  return nn.ModuleList(blocks).requires_grad_(False)


def make_decoder() -> nn.Sequential:
  """Makes D."""
  layers, inputs = [], _WIDTHS[-1]
  for _, width, grows in decoder.LAYERS:
    if layers:
      layers.append(nn.ReLU())
    if grows:
      layers.append(nn.Upsample(scale_factor=2))
    layers += _convolution(inputs, width)
    inputs = width
  return nn.Sequential(*layers)


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
  return [nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3)]


def _encode(encoder, x) -> list[torch.Tensor]:
  features = []
  for block in encoder:
    x = block(x)
    features.append(x)
  return features


def _statistics(x) -> tuple[torch.Tensor, torch.Tensor]:
  """Mean and standard deviation of channels of [N, C, H, W]: [N, C, 1, 1]."""
  variance = x.var((2, 3), keepdim=True)
  return x.mean((2, 3), keepdim=True), (variance + 1e-5).sqrt()
