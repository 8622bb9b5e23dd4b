"""Text files of a COLMAP model: one entry a line, images two lines each."""

import pathlib
from collections.abc import Iterator

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes.readers import colmap_model as model_lib


def read_lenses(path: pathlib.Path) -> dict[int, model_lib.Lens]:
  """Reads cameras.txt: CAMERA_ID MODEL WIDTH HEIGHT PARAMS."""
  lenses = {}
  for where, line in _lines(path):
    words = line.split()
    if not words:
      continue
    _check_count(words, 4, where)
    model = words[1]
    if model not in model_lib.NUM_PARAMETERS:
      raise model_lib.unknown_lens(model[:40], where)
    expected = 4 + model_lib.NUM_PARAMETERS[model]
    if len(words) != expected:
      raise user_error.UserError(
        f"{where}: {len(words)} words; expected {expected} for {model}: export "
        "the model again"
      )
    number, width, height = _numbers((words[0], *words[2:4]), int, where)
    parameters = _numbers(words[4:], float, where)
    lens = model_lib.Lens(model, width, height, parameters)
    model_lib.add(lenses, number, model_lib.check_lens(lens, where), where)
  return lenses


def count_pictures(path: pathlib.Path) -> int:
  """Returns how many images images.txt holds, by its lines: two of each."""
  return (sum(1 for _ in _lines(path)) + 1) // 2


def read_pictures(path: pathlib.Path) -> dict[int, model_lib.Picture]:
  """Reads images.txt: IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, POINTS.

  The second line of an image, where it shows which points, may be empty.
  """
  pictures, lines = {}, _lines(path)
  for where, line in lines:
    words = line.split(maxsplit=9)
    if not words:
      continue
    _check_count(words, 10, where)
    number, lens = _numbers((words[0], words[8]), int, where)
    motion = _numbers(words[1:8], float, where)
    picture = model_lib.Picture(words[9].strip(), lens, motion[:4], motion[4:])
    model_lib.add(pictures, number, picture, where)
    next(lines, None)
  return pictures


def read_points(path: pathlib.Path) -> model_lib.Points:
  """Reads points3D.txt: POINT3D_ID X Y Z R G B ERROR, (IMAGE_ID, INDEX)."""
  positions, pictures = [], []
  for where, line in _lines(path):
    words = line.split()
    if not words:
      continue
    _check_count(words, 8, where)
    positions.append(_numbers(words[1:4], float, where))
    pictures.append(np.array(_numbers(words[8::2], int, where), np.int64))
  return model_lib.make_points(positions, pictures, str(path))


def _lines(path: pathlib.Path) -> Iterator[tuple[str, str]]:
  """Yields (where, line) of the lines that are no comments."""
  with path.open(encoding="utf-8", errors="replace") as file:
    for i, line in enumerate(file, start=1):
      if not line.startswith("#"):
        yield f"{path}, line {i}", line


def _check_count(words: list[str], least: int, where: str) -> None:
  if len(words) < least:
    raise user_error.UserError(
      f"{where}: {len(words)} words; expected at least {least}: the file is "
      "cut off or no COLMAP model, export it again"
    )


def _numbers(words, kind: type, where: str) -> tuple:
  """Returns words as numbers; whole ones must fit into 63 bits."""
  numbers = []
  for word in words:
    try:
      number = kind(word)
    except ValueError:
      number = None
    if number is None or (kind is int and abs(number) >= 1 << 63):
      raise user_error.UserError(
        f"{where}: {word[:40]!r}; expected a "
        f"{'whole ' if kind is int else ''}number: export the model again"
      )
    numbers.append(number)
  return tuple(numbers)
