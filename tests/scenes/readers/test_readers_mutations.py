"""Damaged files of every format: a ValueError of one line, or a scene."""

import json
import pathlib
import shutil

import export_writers
import numpy as np
import pytest
import scene_writers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from stylized_nerf_jax import user_error
from stylized_nerf_jax.datasets import export
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.scenes.readers.formats import load_scene

_FORMATS = (
  *scene_writers.WRITERS,
  "blender_with_alpha",
  "fisheye_with_masks",
  "tfds",
  "tfds_of_floats",
  *export_writers.WRITERS,
)
_VALUES = st.one_of(
  st.sampled_from(
    [
      float("nan"), float("inf"), None, True, "", "x", "../1.png", "/etc/hosts",
      [], {}, [[]], [[[1.0]]], 0, -1, 1e-300, 1e300, 10**400, 1 << 63, "a\0b",
      "a" * 5000, "images/0.png", {"frames": []},
    ]
  ),
  st.floats(),
  st.integers(),
)  # fmt: skip
_WORDS = st.sampled_from(
  ["nan", "inf", "-1", "0", "1e300", "x", "", "9" * 30, "\0", "#", "1.5", "\n"]
)


def _write(name: str, root: pathlib.Path) -> None:
  """Writes three pictures of 8 x 6 pixels in a format."""
  if name.startswith("tfds"):
    _write("fisheye_with_masks", root.with_name("capture"))
    downsample = 1.5 if name == "tfds_of_floats" else 1
    scene = load_scene(root.with_name("capture"), downsample=downsample)
    export.export_scene(scene, root, name="fuzzed")
    return
  if name in export_writers.WRITERS:
    export_writers.WRITERS[name](scene_writers.make(3, size=(8, 6)), root)
    return
  if name == "blender_with_alpha":
    scene_writers.blender(scene_writers.make(3, size=(8, 6)), root)
    for path in root.rglob("*.png"):
      with Image.open(path) as picture:
        cut_out = picture.convert("RGBA")
      cut_out.putalpha(Image.linear_gradient("L").resize(cut_out.size))
      cut_out.save(path)
    path = root / "transforms_train.json"
    content = json.loads(path.read_text())
    content |= {"x_fov": 24.0, "fl_y": 20.0, "w": 8, "h": 6}
    path.write_text(json.dumps(content))
    return
  if name != "fisheye_with_masks":
    given_scene = scene_writers.make(3, size=(8, 6))
    scene_writers.WRITERS[name](given_scene, root)
    if name == "colmap":
      _add_masks_and_a_model(root)
    if name == "llff":
      _drop_a_row(root)
    return
  lens = ("fisheye", (0.1, 0.0, 0.0, 0.0))
  given_scene = scene_writers.make(3, size=(8, 6), lens=lens)
  scene_writers.transforms(given_scene, root, per_frame=True)
  shutil.copytree(root / "images", root / "masks")
  path = root / "transforms.json"
  content = json.loads(path.read_text())
  for frame in content["frames"]:
    frame["mask_path"] = frame["file_path"].replace("images", "masks")
    frame["is_bad"] = False
  content["frames"][0]["distortion_params"] = [0.1, 0, 0, 0, 0, 0]
  content["test_frames"] = [content["frames"].pop()]
  content["test_filenames"] = ["images/1.png"]
  content["fisheye_crop_radius"] = 4.5
  path.write_text(json.dumps(content))
  shutil.copy(root / "masks/0.png", root / "images/dynamic_mask_0.png")
  (root / "images").rename(root / "images_2")


def _add_masks_and_a_model(root: pathlib.Path) -> None:
  """Adds to a COLMAP scene a mask for each picture, and a smaller model."""
  shutil.copytree(root / "images", root / "masks")
  (root / "masks" / "0.png").rename(root / "masks" / "0.png.png")
  other = scene_writers.make(2, lens=("fisheye", (0.1, 0.0, 0.0, 0.0)))
  scene_writers.colmap(other, root.with_name("other"))
  shutil.move(root.with_name("other") / "sparse" / "0", root / "sparse" / "1")


def _drop_a_row(root: pathlib.Path) -> None:
  """Takes the pose of one photograph out, and lists the others."""
  rows = np.load(root / "poses_bounds.npy")
  np.save(root / "poses_bounds.npy", rows[[0, 2]])
  (root / "view_imgs.txt").write_text("0.png\n2.png\n")


def _mutate_json(draw, text: bytes) -> bytes:
  """Replaces or removes one value, anywhere in the file."""
  content = json.loads(text)
  parent, value = None, content
  while isinstance(value, (dict, list)) and value:
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    parent, key = value, draw(st.sampled_from(keys))
    value = value[key]
    if draw(st.integers(0, 3)) == 0:
      break
  if draw(st.booleans()):
    parent[key] = draw(_VALUES)
  elif isinstance(parent, list):
    parent.insert(key, draw(st.sampled_from([value, 0, None])))
  else:
    del parent[key]
  return json.dumps(content).encode()


def _mutate(draw, name: str, data: bytes) -> bytes:
  """Damages a file in one way of several."""
  kinds = ["flip", "truncate", "insert", "zero"]
  if name.endswith((".json", "metadata")):
    kinds += ["json"] * 6
  if name.endswith((".txt", ".csv", ".xml")):
    kinds += ["word"] * 4
  kind = draw(st.sampled_from(kinds))
  # Records lie at the front of their file, which is mostly filled with zeros.
  last = max(len(data) - 1, 0)
  at = draw(st.one_of(st.integers(0, last), st.integers(0, min(last, 3000))))
  if kind == "json":
    return _mutate_json(draw, data)
  if kind == "word":
    words = data.decode().split(" ")
    words[draw(st.integers(0, len(words) - 1))] = draw(_WORDS)
    return " ".join(words).encode()
  if kind == "truncate":
    return data[:at]
  if kind == "insert":
    return data[:at] + draw(st.binary(min_size=1, max_size=9)) + data[at:]
  damaged = bytearray(data)
  if kind == "zero":
    damaged[at : at + 8] = bytes(len(damaged[at : at + 8]))
  elif damaged:
    damaged[at] ^= 1 << draw(st.integers(0, 7))
  return bytes(damaged)


def _check(scene) -> None:
  """Asserts that a scene can be used, but for pictures that say why not."""
  for items in (scene.images, scene.masks, scene.alphas):
    for i, camera in enumerate(scene.cameras if items is not None else ()):
      try:
        picture = items[i]
      except user_error.UserError as error:
        assert "\n" not in str(error)
        continue
      assert picture.shape[:2] == (camera.height, camera.width)
      assert np.isfinite(picture).all()
      assert 0 <= picture.min() <= picture.max() <= 1
  record = scene_record.make_scene_record(scene)
  arrays = rays_lib.camera_arrays(scene.cameras, record.normalization)
  for values in (arrays.camera_to_model, arrays.intrinsics, arrays.lens_terms):
    assert np.isfinite(values).all()


def _fuzz(name: str, folder: pathlib.Path, examples: int) -> None:
  source = folder / "source"
  _write(name, source)
  files = {
    str(path.relative_to(source)): path.read_bytes()
    for path in sorted(source.rglob("*"))
    if path.is_file()
  }
  # What holds poses is damaged as often as all pictures together.
  poses = [file for file in files if not file.endswith(".png")]
  pictures = [file for file in files if file.endswith(".png")]
  chosen = st.sampled_from(poses)
  if pictures:
    chosen = st.one_of(chosen, chosen, st.sampled_from(pictures))
  root = path = shutil.copytree(source, folder / "damaged")
  if name.startswith("tfds"):
    path = f"tfds:posed_scene/fuzzed?data_dir={root}"

  @settings(
    max_examples=examples,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
  )
  @given(st.data())
  def run(data):
    touched = {}
    for _ in range(data.draw(st.integers(1, 2))):
      file = data.draw(chosen)
      if touched.get(file, files[file]):
        damaged = touched.get(file, files[file])
        try:
          touched[file] = _mutate(data.draw, file, damaged)
        except ValueError:  # A file damaged before is no text or JSON now.
          touched[file] = damaged[:-1]
    try:
      for file, content in touched.items():
        (root / file).write_bytes(content)
      try:
        scene = load_scene(path, holdout=0)
        _check(scene)
      except user_error.UserError as error:
        assert "\n" not in str(error), str(error)
    finally:
      for file in touched:
        (root / file).write_bytes(files[file])

  run()


@pytest.mark.parametrize("name", _FORMATS)
def test_damaged_files_are_refused_or_read(name, tmp_path):
  _fuzz(name, tmp_path, 50)


@pytest.mark.slow
@pytest.mark.mutations
@pytest.mark.parametrize("name", _FORMATS)
def test_many_damaged_files_are_refused_or_read(name, tmp_path):
  _fuzz(name, tmp_path, 500)
