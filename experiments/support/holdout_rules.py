"""Which images of a capture each program holds out, where files say nothing.

Every rule takes the names of all images in any order, and returns those that
are held out, in the order in which the program counts its renders.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from stylized_nerf_jax.scenes.pictures import image_reader

Rule = Callable[[Sequence[str]], list[str]]


def every_eighth_as_text(names: Sequence[str]) -> list[str]:
  """Every 8th from the first, names sorted as text.

  JaxNeRF (`llffhold`), multinerf (`llffhold`, `load_alphabetical`), gsplat
  (`test_every`), 3D Gaussian splatting (`llffhold`).
  """
  return sorted(names)[::8]


def every_eighth_by_number(names: Sequence[str]) -> list[str]:
  """Every 8th from the first, in the natural order of names: this program."""
  return sorted(names, key=image_reader.natural_key)[::8]


def what_a_tenth_leaves(names: Sequence[str]) -> list[str]:
  """What evenly spread training images leave, names sorted as text.

  nerfstudio 1.1 (`train_split_fraction` 0.9): nine of ten images, the first
  and the last among them, places cut to whole numbers.
  """
  ordered = sorted(names)
  count = math.ceil(len(ordered) * 0.9)
  train = set(np.linspace(0, len(ordered) - 1, count, dtype=int).tolist())
  return [name for i, name in enumerate(ordered) if i not in train]


RULES: dict[str, Rule] = {
  "JaxNeRF, multinerf, gsplat, 3DGS": every_eighth_as_text,
  "nerfstudio 1.1": what_a_tenth_leaves,
  "this program": every_eighth_by_number,
}


def table(count: int = 20) -> dict:
  """Returns the numbers that are held out of images with and without zeros.

  Args:
    count: of images, named 0 to count - 1.
  """
  rows = []
  for program, rule in RULES.items():
    padded = rule([f"{i:03d}" for i in range(count)])
    plain = rule([str(i) for i in range(count)])
    rows.append(
      [
        program,
        ", ".join(str(int(name)) for name in padded),
        ", ".join(plain),
      ]
    )
  columns = ["program", f"of 000 to {count - 1:03d}", f"of 0 to {count - 1}"]
  return {"columns": columns, "rows": rows}
