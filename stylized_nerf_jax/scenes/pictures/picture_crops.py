"""Random square crops of many pictures, for training the stylizer.

Pictures stay uint8 and are decoded when a crop needs them; what was decoded
is kept up to a limit of bytes, however many there are. Every crop is a function
of a numpy generator alone.
"""

import collections
import math
import threading
from collections.abc import Sequence

import numpy as np
from PIL import Image

from stylized_nerf_jax.scenes.pictures import picture_sources

CACHE_BYTES = 512_000_000
# Luma, and two chroma axes that a hue rotation turns about it.
_RGB_TO_YIQ = np.array(
  [[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]]
)
_YIQ_TO_RGB = np.linalg.inv(_RGB_TO_YIQ)


class PictureCrops:
  """Pictures of any source or arrays, decoded on demand.

  Args:
    files: pictures to decode.
    pictures: further pictures, uint8 [H, W, 3], for example generated ones.
    cache_bytes: decoded pictures are kept up to so much, the last one always.
  """

  def __init__(
    self,
    files: Sequence[picture_sources.Picture],
    pictures: Sequence[np.ndarray] = (),
    *,
    cache_bytes: int = CACHE_BYTES,
  ):
    self.files = files
    self._cache_bytes = cache_bytes
    self._pictures = tuple(pictures)
    self._cache = collections.OrderedDict()
    self._cached_bytes = 0
    self._lock = threading.Lock()

  def __len__(self) -> int:
    return len(self.files) + len(self._pictures)

  def __getitem__(self, index: int) -> np.ndarray:
    """Return picture `index`, uint8 [H, W, 3]."""
    if index >= len(self.files):
      return self._pictures[index - len(self.files)]
    with self._lock:
      if index in self._cache:
        self._cache.move_to_end(index)
        return self._cache[index]
    picture = self.files[index].read()
    with self._lock:
      if index not in self._cache:
        self._cache[index] = picture
        self._cached_bytes += picture.nbytes
      while self._cached_bytes > self._cache_bytes and len(self._cache) > 1:
        _, dropped = self._cache.popitem(last=False)
        self._cached_bytes -= dropped.nbytes
    return picture

  def draw(
    self,
    generator: np.random.Generator,
    size: int,
    *,
    closest: float = 1.0,
    recolour: float = 0.0,
  ) -> np.ndarray:
    """Draw a crop of a random picture, scale and place; half are mirrored.

    Args:
      generator: source of randomness.
      size: side in pixels.
      closest: side of the smallest region, as a multiple of `size`; 0.5
        magnifies up to two times. The largest region spans the short side.
      recolour: probability of a change of hue, saturation and contrast.

    Returns:
      uint8 [size, size, 3].
    """
    picture = self[int(generator.integers(len(self)))]
    height, width = picture.shape[:2]
    short = min(height, width)
    smallest = min(size * closest, short)
    log_side = generator.uniform(math.log(smallest), math.log(short))
    side = min(math.exp(log_side), short)
    top = generator.uniform(0, height - side)
    left = generator.uniform(0, width - side)
    box = (left, top, left + side, top + side)
    crop = np.asarray(
      Image.fromarray(picture).resize(
        (size, size), Image.Resampling.BICUBIC, box=box
      )
    )
    if generator.random() < 0.5:
      crop = crop[:, ::-1]
    if generator.random() < recolour:
      crop = shift_colours(generator, crop)
    return np.ascontiguousarray(crop)


def shift_colours(
  generator: np.random.Generator, picture: np.ndarray
) -> np.ndarray:
  """Turn the hue and scale saturation and contrast by random amounts.

  Args:
    generator: source of randomness.
    picture: uint8 [H, W, 3].

  Returns:
    uint8 [H, W, 3].
  """
  # Squared, so that most turns are small and any is possible.
  angle = math.pi * generator.uniform(-1, 1) ** 2 * generator.choice([-1, 1])
  saturation = generator.uniform(0.7, 1.4)
  contrast = generator.uniform(0.8, 1.2)
  offset = generator.uniform(-0.08, 0.08)
  turn = np.eye(3)
  cosine, sine = math.cos(angle), math.sin(angle)
  turn[1:, 1:] = saturation * np.array([[cosine, -sine], [sine, cosine]])
  matrix = contrast * (_YIQ_TO_RGB @ turn @ _RGB_TO_YIQ)
  grey = 127.5 * (1.0 - contrast) + 255.0 * offset
  turned = picture.astype(np.float32) @ matrix.T.astype(np.float32)
  return np.clip(turned + np.float32(grey) + 0.5, 0, 255).astype(np.uint8)
