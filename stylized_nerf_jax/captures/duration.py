"""How long a capture takes, before it starts: seconds of one core, added up.

The figures are of one core of a server of 2023; what is said to the user is
rounded so that no one takes it for more than it is.
"""

from collections.abc import Sequence

from stylized_nerf_jax.captures import structure

# Seconds of one core.
_FEATURES_PER_MEGAPIXEL = 1.3
_MATCHING_PER_PAIR = 0.25
_MAPPING_PER_IMAGE = 1.0
_DECODING_PER_MEGAPIXEL = 0.01


def estimate(
  sizes: Sequence[tuple[int, int]], pairs: int, *, threads: int
) -> float:
  """Estimates structure from motion whose first way places the images.

  Args:
    sizes: (width, height) of every image.
    pairs: of images that are compared.
    threads: that work.

  Returns:
    Seconds.
  """
  megapixels = 0.0
  for width, height in sizes:
    shrunk = min(1.0, structure.FEATURE_SIZE / max(width, height))
    megapixels += width * height * shrunk**2 / 1e6
  work = (
    _FEATURES_PER_MEGAPIXEL * megapixels
    + _MATCHING_PER_PAIR * pairs
    + _MAPPING_PER_IMAGE * len(sizes)
  )
  return work / threads


def estimate_frames(
  size: tuple[int, int], frames: float, *, threads: int
) -> float:
  """Estimates seconds to decode a video twice.

  Args:
    size: (width, height) of its frames.
    frames: in the whole video.
    threads: that work.
  """
  work = _DECODING_PER_MEGAPIXEL * 2 * frames * size[0] * size[1] / 1e6
  return work / threads


def in_words(seconds: float) -> str:
  """Writes a duration as people say it."""
  if seconds < 90:
    return "a minute or less" if seconds < 60 else "about a minute"
  if seconds < 3600:
    return f"about {seconds / 60:.0f} minutes"
  return f"about {seconds / 3600:.1f} hours"
