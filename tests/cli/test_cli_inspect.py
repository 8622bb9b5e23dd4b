"""`stylized-nerf inspect`: facts, verdicts on real scenes, the picture."""

import json

import numpy as np
import pytest
import tiny_run
from PIL import Image

from stylized_nerf_jax.cli import main

pytestmark = pytest.mark.usefixtures("optimised_sweep")


def _inspect(capsys, scene, *arguments):
  status = main.main(["inspect", str(scene), *map(str, arguments)])
  return status, capsys.readouterr()


_SETTINGS = {"fern": 8, "fox": 8, "lego": 8}


@pytest.mark.real_data
@pytest.mark.parametrize(
  ("name", "facts"),
  [
    (
      "fern",
      [
        "format      llff",
        "images      20",
        "sizes       504x378",
        "splits      train 17, test 3",
        "cameras     pinhole, focal length 40",
        "layout      forward_facing",
        "space       ndc",
      ],
    ),
    (
      "fox",
      [
        "format      transforms",
        "cameras     opencv, focal length 171.9",
        "space       contracted",
        "17 of 67 frames have no image",
      ],
    ),
    (
      "lego",
      [
        "format      blender",
        "images      170, with alphas",
        "splits      train 100, val 20, test 50",
        "bounds      near 2, far 6",
      ],
    ),
  ],
)
def test_real_scenes_are_sound(real_data, capsys, tmp_path, name, facts):
  status, printed = _inspect(
    capsys,
    real_data / "scenes" / name,
    f"--downsample={_SETTINGS[name]}",
    f"--out={tmp_path / 'plan.png'}",
  )
  assert status == 0, printed.out
  assert printed.out.endswith("\nsound\n")
  assert "rotations   good" in printed.out and "agreement   good" in printed.out
  for fact in facts:
    assert fact in printed.out
  with Image.open(tmp_path / "plan.png") as picture:
    assert picture.width == 840


def _spoil(poses: np.ndarray, how: str) -> np.ndarray:
  """Shuffles, transposes or mirrors poses [V, 4, 4]; all stay rotations."""
  if how == "shuffled":
    return poses[np.random.default_rng(4).permutation(len(poses))]
  spoilt = poses.copy()
  if how == "transposed":
    spoilt[:, :3, :3] = np.swapaxes(poses[:, :3, :3], 1, 2)
    return spoilt
  mirror = np.diag([-1.0, 1, 1, 1])
  return mirror @ poses @ mirror


def _spoil_transforms(source, target, file, how):
  content = json.loads((source / file).read_text())
  poses = [frame["transform_matrix"] for frame in content["frames"]]
  for frame, pose in zip(content["frames"], _spoil(np.array(poses), how)):
    frame["transform_matrix"] = pose.tolist()
  (target / file).write_text(json.dumps(content))


def _spoil_llff(source, target, how):
  table = np.load(source / "poses_bounds.npy")
  matrices = table[:, :15].reshape(-1, 3, 5).copy()
  down, right, back, center = np.moveaxis(matrices[:, :, :4], -1, 0)
  poses = np.tile(np.eye(4), (len(table), 1, 1))
  poses[:, :3] = np.stack([right, -down, back, center], axis=-1)
  right, up, back, center = np.moveaxis(_spoil(poses, how)[:, :3], -1, 0)
  matrices[:, :, :4] = np.stack([-up, right, back, center], axis=-1)
  table[:, :15] = matrices.reshape(-1, 15)
  np.save(target / "poses_bounds.npy", table)


@pytest.mark.real_data
@pytest.mark.parametrize("how", ["shuffled", "transposed", "mirrored"])
@pytest.mark.parametrize("name", ["fern", "fox", "lego"])
def test_spoilt_poses_are_unsound(real_data, capsys, tmp_path, name, how):
  source, target = real_data / "scenes" / name, tmp_path / name
  target.mkdir()
  for item in source.iterdir():
    if item.is_dir():
      (target / item.name).symlink_to(item.resolve())
  if name == "fern":
    _spoil_llff(source, target, how)
  elif name == "fox":
    _spoil_transforms(source, target, "transforms.json", how)
  else:
    for split in ("train", "val", "test"):
      _spoil_transforms(source, target, f"transforms_{split}.json", how)
  status, printed = _inspect(capsys, target, f"--downsample={_SETTINGS[name]}")
  assert status == 1, printed.out
  assert "agreement   BAD" in printed.out
  assert "\nunsound: " in printed.out
  if how != "shuffled":
    assert f"taken as {how}" in printed.out


def test_the_embedded_scene_is_sound_however_it_is_read(capsys):
  status, printed = _inspect(
    capsys, "synthetic", "--config.scene.space=contracted", "--downsample=2"
  )
  assert status == 0, printed.out
  assert "80x60" in printed.out and "space       contracted" in printed.out
  assert "28, with alphas" in printed.out
  assert printed.out.endswith("\nsound\n")


def test_noise_is_unsound_whatever_its_poses(capsys, tmp_path):
  root = tiny_run.write_transforms(tmp_path / "capture")
  status, printed = _inspect(capsys, root)
  assert status == 1
  assert "agreement   BAD: neighbouring views correlate" in printed.out


def test_one_image_cannot_be_judged(capsys, tmp_path):
  root = tiny_run.write_transforms(tmp_path / "capture", 1)
  status, printed = _inspect(capsys, root, "--config.scene.holdout=0")
  assert status == 0
  assert "agreement   cannot tell: one image has no neighbour" in printed.out
  assert printed.out.endswith(
    "\ncannot tell whether the poses fit the photographs\n"
  )


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["absent"], "absent: no such folder"),
    (["synthetic", "--out=plan.gif"], "plan.gif: expected a name that ends"),
    (["synthetic", "--downsample=0"], "downsample is 0"),
    (["synthetic", "--config.scene.spce=ndc"], "did you mean 'scene.space'"),
    (["synthetic", "--config.scene.space=ndc"], 'scene.space is "ndc"'),
    ([], "required: SCENE"),
  ],
)
def test_bad_input_is_one_line(capsys, arguments, message):
  assert main.main(["inspect", *arguments]) == 2
  printed = capsys.readouterr()
  assert printed.err.startswith("stylized-nerf inspect: ")
  assert printed.err.count("\n") == 1 and message in printed.err


def test_left_handed_poses_are_refused(capsys, tmp_path):
  root = tiny_run.write_transforms(tmp_path / "capture")
  path = root / "transforms.json"
  content = json.loads(path.read_text())
  for frame in content["frames"]:
    pose = np.array(frame["transform_matrix"]) * [-1, 1, 1, 1]
    frame["transform_matrix"] = pose.tolist()
  path.write_text(json.dumps(content))
  status, printed = _inspect(capsys, root)
  assert status == 2
  assert "transforms.json, frame 0" in printed.err
  assert "mirrors space" in printed.err


def test_guessed_bounds_make_no_pose_unsound(tmp_path, capsys):
  """Exact poses without near, far and layout."""
  out = tmp_path / "out"
  arguments = ["--format=transforms", f"--out={out}", "--downsample=4"]
  assert main.main(["convert", "synthetic", *arguments]) == 0
  path = out / "transforms.json"
  content = json.loads(path.read_text())
  for key in ("near", "far", "layout"):
    del content[key]
  path.write_text(json.dumps(content))
  status, printed = _inspect(capsys, out)
  assert status == 0, printed.out
  assert "layout      unbounded" in printed.out
