"""The decoder's training step in PyTorch, eager: a peer of `bench_stylizer.py`.

What AdaIN's training does in any framework (Huang and Belongie 2017, section
6): encode a photograph and a painting, restyle, decode, encode the result,
content and style losses, backpropagation into the decoder, a step of Adam. The
networks are ours, layer by layer, with random weights. PyTorch comes with the
package's extra "test".
"""

from collections.abc import Callable

from stylized_nerf_jax.stylizer import decoder, vgg

_WIDTHS = (64, 128, 256, 512)  # channels of VGG's blocks


def training_step(size: int, layout: str) -> Callable[[], None]:
  """Makes a step on one photograph and one painting.

  Args:
    size: their pixels a side.
    layout: of the encoder, "vgg16" or "vgg19"; the latter's 1x1 convolution in
      front is left out.

  Returns:
    A function that takes the step.
  """
  import torch  # noqa: PLC0415 - of an extra, and wanted by this case alone

  torch.manual_seed(0)
  encoder = _Encoder(torch, layout)
  layers = _decoder(torch)
  optimizer = torch.optim.Adam(layers.parameters(), 1e-4)
  photo, painting = torch.rand(2, 1, 3, size, size)

  def step() -> None:
    with torch.no_grad():
      content = encoder(photo)[-1]
      styles = [_statistics(x) for x in encoder(painting)]
      mean, std = _statistics(content)
      target = (content - mean) / std * styles[-1][1] + styles[-1][0]
    output = encoder(layers(target))
    mse = torch.nn.functional.mse_loss
    loss = mse(output[-1], target)
    for found, wanted in zip(map(_statistics, output), styles):
      loss = loss + sum(map(mse, found, wanted))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

  return step


def _statistics(x):
  """Mean and standard deviation of channels of [N, C, H, W]: [N, C, 1, 1]."""
  variance, mean = x.var((2, 3), keepdim=True), x.mean((2, 3), keepdim=True)
  return mean, (variance + 1e-5).sqrt()


class _Encoder:
  """Blocks of VGG, each up to the first layer of the next."""

  def __init__(self, torch, layout: str):
    nn = torch.nn
    self._blocks, found, inputs = [], [], 3
    for name in vgg.convolution_names(layout):
      width = _WIDTHS[int(name[4]) - 1]
      first = name.endswith("_1")
      if first and not name.startswith("conv1"):
        found.append(nn.MaxPool2d(2, ceil_mode=True))
      found += _convolution(nn, inputs, width)
      inputs = width
      if first:
        self._blocks.append(nn.Sequential(*found).requires_grad_(False))
        found = []

  def __call__(self, x):
    features = []
    for block in self._blocks:
      x = block(x)
      features.append(x)
    return features


def _decoder(torch):
  nn = torch.nn
  layers, inputs = [], 512
  for _, width, grows in decoder.LAYERS:
    if grows:
      layers.append(nn.Upsample(scale_factor=2))
    layers += _convolution(nn, inputs, width)
    inputs = width
  return nn.Sequential(*layers[:-1])  # the last convolution has no ReLU


def _convolution(nn, inputs: int, outputs: int) -> list:
  return [
    nn.ReflectionPad2d(1),
    nn.Conv2d(inputs, outputs, 3),
    nn.ReLU(),
  ]
