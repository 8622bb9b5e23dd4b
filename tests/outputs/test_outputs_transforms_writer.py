"""What we write as nerfstudio (1.1.5) reads it: its arithmetic, written out.

Of `nerfstudio_dataparser.py`, `cameras.py` and `camera_utils.py`: every
intrinsic of the file goes before those of frames, the camera model is the
file's, terms are k1 to k4, p1, p2 of one polynomial, which ten steps of Newton
invert, and a fisheye's angle is the radius that comes out. Poses are left as
they are here: nerfstudio turns, moves and scales all by one similarity.
"""

import json

import jax
import numpy as np
import pytest
import tiny_run
from PIL import Image

from stylized_nerf_jax.outputs import transforms_writer
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes.readers.formats import load_scene

_PERSPECTIVE = (
  "SIMPLE_PINHOLE",
  "PINHOLE",
  "SIMPLE_RADIAL",
  "RADIAL",
  "OPENCV",
)
_MODELS = dict.fromkeys(_PERSPECTIVE, "perspective") | {
  "OPENCV_FISHEYE": "fisheye"
}
_TERMS = ("k1", "k2", "k3", "k4", "p1", "p2")


def _undistort(target, terms):
  k1, k2, k3, k4, p1, p2 = terms
  x, y = target.T
  for _ in range(10):
    r = x * x + y * y
    d = 1 + r * (k1 + r * (k2 + r * (k3 + r * k4)))
    fx = d * x + 2 * p1 * x * y + p2 * (r + 2 * x * x) - target[:, 0]
    fy = d * y + 2 * p2 * x * y + p1 * (r + 2 * y * y) - target[:, 1]
    slope = k1 + r * (2 * k2 + r * (3 * k3 + r * 4 * k4))
    fx_x = d + 2 * x * slope * x + 2 * p1 * y + 6 * p2 * x
    fx_y = 2 * y * slope * x + 2 * p1 * x + 2 * p2 * y
    fy_x = 2 * x * slope * y + 2 * p2 * y + 2 * p1 * x
    fy_y = d + 2 * y * slope * y + 2 * p2 * x + 6 * p1 * y
    below = fy_x * fx_y - fx_x * fy_y
    x = x + (fx * fy_y - fy * fx_y) / below
    y = y + (fy * fx_x - fx * fy_x) / below
  return np.stack([x, y], -1)


def _nerfstudio(path, split):
  """Yields file name, mask name, rays' origin and directions [H, W, 3]."""
  meta = json.loads(path.read_text())
  frames = sorted(
    meta["frames"], key=lambda f: str(path.parent / f["file_path"])
  )
  lists = [f"{name}_filenames" in meta for name in ("train", "val", "test")]
  chosen = frames
  if any(lists):
    names = set(meta[f"{split}_filenames"])
    assert names <= {frame["file_path"] for frame in frames}
    chosen = [frame for frame in frames if frame["file_path"] in names]
  model = _MODELS[meta.get("camera_model", "OPENCV")]
  shared_lens = any(key in meta for key in ("k1", "k2", "k3", "p1", "p2"))
  assert len({"mask_path" in frame for frame in frames}) == 1
  for frame in chosen:
    fx, fy, cx, cy, w, h = (
      float(meta[key] if key in meta else frame[key])
      for key in ("fl_x", "fl_y", "cx", "cy", "w", "h")
    )
    lens = meta if shared_lens else frame
    terms = [float(lens.get(key, 0.0)) for key in _TERMS]
    # It adds a half to whole pixels, so that centres are where ours are.
    x, y = np.meshgrid(np.arange(w) + 0.5, np.arange(h) + 0.5)
    xy = np.stack([(x - cx) / fx, (y - cy) / fy], -1).reshape(-1, 2)
    if any(terms):
      xy = _undistort(xy, terms)
    xy[:, 1] *= -1
    directions = np.concatenate([xy, -np.ones((len(xy), 1))], -1)
    if model == "fisheye":
      theta = np.clip(np.hypot(*xy.T), 0, np.pi)[:, None]
      directions = np.concatenate(
        [xy * np.sin(theta) / theta, -np.cos(theta)], axis=-1
      )
    pose = np.array(frame["transform_matrix"])
    directions = directions @ pose[:3, :3].T
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    yield (
      *(frame["file_path"], frame.get("mask_path"), pose[:3, 3]),
      directions.reshape(int(h), int(w), 3),
    )


@jax.jit
def _our_directions(cameras, xy):
  points = rays_lib.unproject_depth(cameras, xy, np.ones(xy.shape[:-1]))
  return points - cameras.camera_to_model[..., :, 3]


_LENSES = {
  "pinhole": {"k1": 0, "p2": 0},
  "opencv": {"k1": -0.1, "k2": 0.05, "p1": 1e-3, "p2": -2e-3},
  "k3": {"k1": -0.1, "k2": 0.05, "p1": 1e-3, "p2": -2e-3, "k3": 0.02},
  "fisheye": {
    **{"k1": 0.05, "k2": -0.02, "k3": 0.003, "k4": -0.001, "p2": 0},
    "camera_model": "OPENCV_FISHEYE",
  },
}


@pytest.mark.parametrize("lens", _LENSES)
@pytest.mark.parametrize("own", [False, True])
def test_nerfstudio_has_the_same_rays(tmp_path, lens, own):
  tiny_run.write_transforms(tmp_path / "in", 4, **_LENSES[lens])
  if own:  # Cameras differ, so that everything stands in the frames.
    path = tmp_path / "in" / "transforms.json"
    content = json.loads(path.read_text())
    content["frames"][1] |= {"fl_x": 21.0, "fl_y": 22.0}
    path.write_text(json.dumps(content))
  scene = load_scene(tmp_path / "in", holdout=3)
  transforms_writer.write_transforms(scene, tmp_path / "out")
  path = tmp_path / "out" / "transforms.json"
  assert ("fl_x" in json.loads(path.read_text())) != own
  xy = np.stack(np.meshgrid(np.arange(16) + 0.5, np.arange(12) + 0.5), -1)
  for split in ("train", "val", "test"):
    found = list(_nerfstudio(path, split))
    views = scene.splits["train" if split == "train" else "test"]
    assert len(found) == len(views)
    for view, (name, mask, origin, directions) in zip(views, found):
      assert name == scene.cameras.names[view] and mask is None
      np.testing.assert_array_equal(origin, scene.cameras.centers[view])
      ours = _our_directions(
        rays_lib.camera_arrays(scene.cameras[view : view + 1], None),
        xy.astype(np.float32),
      )
      np.testing.assert_allclose(ours, directions, atol=2e-5)
  # And it comes back as the camera that it was.
  again = load_scene(tmp_path / "out").cameras
  assert again.models == scene.cameras.models
  np.testing.assert_allclose(again.distortion, scene.cameras.distortion)


def test_what_nerfstudio_does_not_have_is_called_by_another_name(tmp_path):
  fields = {"camera_model": "FULL_OPENCV", "k4": 0.01}
  tiny_run.write_transforms(tmp_path / "in", 3, **fields)
  scene = load_scene(tmp_path / "in", holdout=0)
  transforms_writer.write_transforms(scene, tmp_path / "out")
  content = json.loads((tmp_path / "out" / "transforms.json").read_text())
  assert content["camera_model"] == "FULL_OPENCV" not in _MODELS
  assert content["k4"] == 0.01 and "val_filenames" not in content


def test_masks_are_for_all_and_not_zero_where_used(tmp_path):
  root = tiny_run.write_transforms(tmp_path / "in", 3)
  mask = np.zeros((12, 16), np.uint8)
  mask[:, 5:] = 1
  Image.fromarray(mask).save(root / "mask.png")
  path = root / "transforms.json"
  content = json.loads(path.read_text())
  content["frames"][1]["mask_path"] = "mask.png"
  path.write_text(json.dumps(content))
  scene = load_scene(root, holdout=2)
  transforms_writer.write_transforms(scene, tmp_path / "out")
  for name, mask_name, *_ in _nerfstudio(
    tmp_path / "out" / "transforms.json", "train"
  ):
    with Image.open(tmp_path / "out" / mask_name) as image:
      usable = np.asarray(image).astype(bool)
    view = scene.cameras.names.index(name)
    assert usable.ndim == 2
    np.testing.assert_array_equal(usable, scene.masks[view])
