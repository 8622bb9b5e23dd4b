"""Rules of held-out images against loops that walk along the images."""

import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).parents[2] / "experiments"))
from support import holdout_rules  # noqa: E402


@pytest.mark.parametrize("count", [1, 8, 9, 17, 20, 100])
def test_every_eighth_is_counted(count):
  names = [f"{i}.png" for i in range(count)]
  for key, rule in (
    (str, holdout_rules.every_eighth_as_text),
    (
      lambda name: int(name.split(".")[0]),
      holdout_rules.every_eighth_by_number,
    ),
  ):
    expected, since = [], 7
    for name in sorted(names, key=key):
      since += 1
      if since == 8:
        expected.append(name)
        since = 0
    assert rule(names[::-1]) == expected


@pytest.mark.parametrize("count", [2, 10, 11, 20, 36, 100])
def test_a_tenth_is_what_even_steps_leave(count):
  names = [f"{i:03d}" for i in range(count)]
  training = -(-9 * count // 10)
  walked = {
    i * (count - 1) // (training - 1) if training > 1 else 0
    for i in range(training)
  }
  left = [name for i, name in enumerate(names) if i not in walked]
  assert holdout_rules.what_a_tenth_leaves(names[::-1]) == left


def test_of_twenty_frames_nerfstudio_holds_out_two():
  names = [f"frame_{i:05d}.png" for i in range(1, 21)]
  found = holdout_rules.what_a_tenth_leaves(names)
  assert [names.index(name) for name in found] == [9, 18]
