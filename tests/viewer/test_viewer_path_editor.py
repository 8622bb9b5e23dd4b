"""Keys while they are edited."""

import numpy as np
import pytest

from stylized_nerf_jax.scenes import camera_path
from stylized_nerf_jax.viewer import path_editor


def moment(x: float) -> camera_path.Moment:
  pose = np.eye(4)
  pose[0, 3] = x
  return camera_path.Moment(pose, 40.0, {"a": 1.0}, 0.5)


def places(editor) -> list[float]:
  return [key.camera_to_world[0, 3] for key in editor.path().keys]


def test_keys_are_added_behind_another_and_taken_out():
  editor = path_editor.PathEditor()
  with pytest.raises(ValueError, match="no keys yet"):
    editor.path()
  assert [editor.add(moment(x)) for x in (0.0, 1.0, 3.0)] == [0, 1, 2]
  assert editor.add(moment(2.0), after=1) == 2
  assert places(editor) == [0, 1, 2, 3]
  assert [key.time for key in editor.path().keys] == [0, 2, 4, 6]
  editor.steps[2] = 0.5
  assert [key.time for key in editor.path().keys] == [0, 2, 2.5, 4.5]
  editor.remove(0)
  assert places(editor) == [1, 2, 3]
  assert [key.time for key in editor.path().keys] == [0, 0.5, 2.5]
  editor.change(1, fov=70.0, styles={})
  key = editor.path().keys[1]
  assert (key.fov, key.styles, key.intensity) == (70.0, {}, 0.5)
  editor.clear()
  assert len(editor) == 0


def test_a_path_is_taken_over_whole():
  editor = path_editor.PathEditor(loop=True, width=64, height=48, fps=12.0)
  for x in range(3):
    editor.add(moment(float(x)))
  editor.steps[0], editor.tension = 3.5, 0.25
  path = editor.path()
  other = path_editor.PathEditor()
  other.take(path)
  again = other.path()
  assert again.seconds == path.seconds == 7.5
  for name in ("width", "height", "fps", "loop", "tension", "closing_seconds"):
    assert getattr(again, name) == getattr(path, name)
  assert places(other) == places(editor)
