"""What a camera matrix without a size says about the pictures it is for."""

from stylized_nerf_jax import user_error

# A principal point may be so far from the middle, of half a side, that pictures
# of full size cannot be taken for reduced ones; and of those that are reduced.
_LARGEST_RATIO, _REDUCED_SLACK = 1.35, 0.1
_LARGEST_FACTOR = 1e6


def reduction(
  cx: float, cy: float, size: tuple[int, int], *, where: str
) -> int:
  """Finds by which whole number pictures were divided since a calibration.

  Args:
    cx: principal point in pixels of the calibrated size; cy likewise.
    size: (width, height) of the pictures.
    where: file, for the message.

  Returns:
    1 where the point is about the middle of the pictures.

  Raises:
    ValueError: it is the middle of no such size.
  """
  ratios = 2 * cx / size[0], 2 * cy / size[1]
  if all(1 / 2 < ratio < _LARGEST_RATIO for ratio in ratios):
    return 1
  factor = max(1, round(min(max(ratios), _LARGEST_FACTOR)))
  if all(abs(ratio / factor - 1) < _REDUCED_SLACK for ratio in ratios):
    return factor
  raise user_error.UserError(
    f"{where}: the principal point is ({cx:g}, {cy:g}) but the pictures are "
    f"{size[0]}x{size[1]}; expected about their middle, or that of pictures a "
    "whole number of times larger: correct the matrix"
  )
