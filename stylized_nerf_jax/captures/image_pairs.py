"""Which images are compared with which, before structure from motion.

Comparing all with all grows with the square of their number. Of many images
taken in order, most of that is in vain: neighbours show the same things, and
some pairs far apart in time close the loops of the path.
"""

# Neighbours on each side; beyond these, 16, 32, 64, ... images apart.
_WINDOW = 10
_FIRST_JUMP = 16


def choose_pairs(count: int, *, most: int) -> list[tuple[int, int]]:
  """Chooses pairs of images that are in the order they were taken in.

  Args:
    count: of the images.
    most: where all pairs are no more than this, all are taken. Otherwise it
      holds neighbours, images powers of two apart, and then as many images as
      fit, evenly spread, each with each other. Neighbours are never left out.

  Returns:
    (first, second), first < second, every pair once, in ascending order.
  """
  if count * (count - 1) // 2 <= most:
    return _all_pairs(range(count))
  jumps = [*range(1, _WINDOW + 1)]
  jump = _FIRST_JUMP
  while jump < count:
    jumps.append(jump)
    jump *= 2
  near = {(i, i + jump) for jump in jumps for i in range(count - jump)}
  # The spread images that still fit: a finer step only adds pairs.
  step = count
  while step > 1:
    finer = near.union(_all_pairs(range(0, count, step - 1)))
    if len(finer) > most:
      break
    step -= 1
  return sorted(near.union(_all_pairs(range(0, count, step))))


def _all_pairs(items) -> list[tuple[int, int]]:
  items = list(items)
  return [(a, b) for i, a in enumerate(items) for b in items[i + 1 :]]
