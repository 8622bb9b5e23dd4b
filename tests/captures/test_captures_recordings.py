"""Stray Scanner's recordings: frames of the video come to their poses."""

import subprocess
import sys

import imageio_ffmpeg
import numpy as np
import pytest

from stylized_nerf_jax.captures import recordings
from stylized_nerf_jax.cli import main
from stylized_nerf_jax.outputs import video
from stylized_nerf_jax.scenes.exports import export
from stylized_nerf_jax.scenes.readers.formats import load_scene

_COUNT, _SIZE = 12, (64, 48)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
  """Twelve frames, each brighter, of a video that is to be shown turned."""
  root = tmp_path_factory.mktemp("recordings") / "walk"
  root.mkdir()
  frames = [
    np.full((_SIZE[1], _SIZE[0], 3), (i + 1) / 16, np.float32)
    for i in range(_COUNT)
  ]
  video.write_video(root / "level.mp4", frames, fps=10, quality=10)
  subprocess.run(
    [
      *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-display_rotation"),
      *("90", "-i", str(root / "level.mp4"), "-c", "copy"),
      str(root / "rgb.mp4"),
    ],
    check=True,
  )
  (root / "level.mp4").unlink()
  lines = ["timestamp, frame, x, y, z, qx, qy, qz, qw"]
  for i in range(_COUNT):
    # Looking along the world's -z: OpenCV's axes are turned about x by half.
    lines.append(f"{i / 10}, {i:06d}, {i}.0, 0.0, 0.5, 1.0, 0.0, 0.0, 0.0")
  (root / "odometry.csv").write_text("\n".join(lines))
  (root / "camera_matrix.csv").write_text("50, 0, 33\n0, 50, 23\n0, 0, 1")
  return root


def test_convert_takes_the_video_apart(
  recording, tmp_path, monkeypatch, capsys
):
  monkeypatch.setattr(export, "MOST_FRAMES", 5)
  out = tmp_path / "scene"
  arguments = ["convert", str(recording), "--format=transforms"]
  assert main.main([*arguments, f"--out={out}"]) == 0
  assert "a scene of 5 images" in capsys.readouterr().out
  scene = load_scene(out, holdout=0)
  # Evenly from the first to the last: 0, 2.75, 5.5, 8.25 and 11.
  assert scene.cameras.centers[:, 0].tolist() == [0, 3, 6, 8, 11]
  assert [image.shape for image in scene.images] == [(48, 64, 3)] * 5
  levels = [16 * image.mean() - 1 for image in scene.images]
  np.testing.assert_allclose(levels, [0, 3, 6, 8, 11], atol=0.2)
  np.testing.assert_allclose(
    scene.cameras.camera_to_world[:, :3, :3], [np.eye(3)] * 5, atol=1e-12
  )
  assert scene.cameras[0].cx == 33
  # Nothing is left where it was done, and nothing was added to the recording.
  assert [path.name for path in tmp_path.iterdir()] == ["scene"]
  assert not (recording / "rgb").exists()


def test_other_scenes_are_lent_as_they_are(recording, tmp_path):
  with recordings.unpacked("synthetic", tmp_path) as scene:
    assert scene == "synthetic"
  with recordings.unpacked(str(tmp_path), tmp_path) as scene:
    assert scene == str(tmp_path)


def test_broken_recordings_are_named(recording, tmp_path, monkeypatch, capsys):
  def convert(root):
    arguments = ["convert", str(root), "--format=npz"]
    status = main.main([*arguments, f"--out={tmp_path / 'out'}"])
    error = capsys.readouterr().err
    assert status == 2 and error.count("\n") == 1
    return error

  root = tmp_path / "walk"
  root.mkdir()
  for path in recording.iterdir():
    (root / path.name).write_bytes(path.read_bytes())
  with (root / "odometry.csv").open("a") as file:
    file.write("\n9, 000012, 0, 0, 0, 1, 0, 0, 0")
  assert "rgb.mp4: 12 of 13 frames can be decoded; expected" in convert(root)
  (root / "rgb.mp4").write_bytes(b"no video")
  assert "rgb.mp4: 0 of 13 frames can be decoded (" in convert(root)
  (root / "odometry.csv").write_text("")
  assert "odometry.csv, line 1: no column frame" in convert(root)
  monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
  assert "video" in convert(root)
