"""Datasets as TFDS itself reads them, and what is refused or cleaned up."""

import io

import numpy as np
import pytest
import tensorflow_datasets as tfds
import tiny_run
from PIL import Image

from stylized_nerf_jax.datasets import export, posed_scene, preparing
from stylized_nerf_jax.scenes import tfds_address
from stylized_nerf_jax.scenes.readers.formats import load_scene


@pytest.fixture
def capture(tmp_path):
  """A loaded scene of four views whose pictures are files."""
  root = tiny_run.write_transforms(tmp_path / "capture", 4)
  return load_scene(root, holdout=2)


def test_tfds_reads_a_scene_without_this_project(capture, tmp_path):
  address = export.export_scene(capture, tmp_path / "sets", name="mine")
  assert address.name == "posed_scene/mine"
  sources = tfds.data_source(address.name, data_dir=str(tmp_path / "sets"))
  assert {name: len(part) for name, part in sources.items()} == {
    "train": 2,
    "test": 2,
  }
  for name, part in sources.items():
    views = [int(record["index"]) for record in part]
    assert views == list(capture.splits[name])
    for view, record in zip(views, part, strict=True):
      camera = capture.cameras[view]
      np.testing.assert_array_equal(
        record["image"].astype(np.float32) / 255, capture.images[view]
      )
      np.testing.assert_array_equal(
        record["camera_to_world"], camera.camera_to_world
      )
      assert record["name"].decode() == camera.name
      assert record["intrinsics"].tolist() == [20.0, 20.0, 8.0, 6.0]
      assert record["size"].tolist() == [16, 12]


def test_views_lie_in_one_split_and_once(capture):
  object.__setattr__(capture, "splits", {"train": (0, 2), "test": (2,)})
  groups = posed_scene.split_views(capture)
  assert groups == [("train", [0, 2]), ("unused", [1, 3])]


def test_picture_files_are_kept_as_they_are(capture, tmp_path):
  builder = posed_scene.PosedScene(capture)
  records = [r for part in builder.splits().values() for r in part]
  stored = {record["name"]: record["image"] for record in records}
  for name, data in stored.items():
    assert data == (tmp_path / "capture" / name).read_bytes()


def test_whole_values_are_kept_as_png_and_others_as_floats(tmp_path):
  root = tiny_run.write_transforms(tmp_path / "capture", 3)
  for downsample, kind in ((1, bytes), (2, np.ndarray)):
    scene = load_scene(root, downsample=downsample)
    record = next(posed_scene.PosedScene(scene).splits()["train"])
    assert isinstance(record["image"], kind)
  grey = np.random.default_rng(0).integers(0, 256, (12, 16), dtype=np.uint8)
  for path in (root / "images").iterdir():
    Image.fromarray(grey).save(path)
  record = next(posed_scene.PosedScene(load_scene(root)).splits()["train"])
  with Image.open(io.BytesIO(record["image"])) as picture:
    assert picture.mode == "RGB"


def test_what_is_there_already_is_left_alone(capture, tmp_path):
  address = export.export_scene(capture, tmp_path, name="a")
  before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
  with pytest.raises(ValueError, match="posed_scene/a/1.0.0 is there already"):
    export.export_scene(capture, tmp_path, name="a")
  assert before == {
    p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()
  }
  assert tfds_address.parse(str(address)) == address


def test_a_damaged_picture_leaves_no_dataset(capture, tmp_path):
  object.__setattr__(capture, "images", list(capture.images))
  capture.images[2] = np.full((3, 3), np.nan, np.float32)
  with pytest.raises(ValueError):
    export.export_scene(capture, tmp_path / "sets")
  paintings = tmp_path / "paintings"
  paintings.mkdir()
  Image.effect_noise((64, 48), 90).convert("RGB").save(paintings / "a.jpg")
  data = (paintings / "a.jpg").read_bytes()
  (paintings / "b.jpg").write_bytes(data[: len(data) // 2])
  with pytest.raises(ValueError, match=r"b\.jpg: cannot be read"):
    export.export_styles(str(paintings), tmp_path / "sets")
  assert not [p for p in (tmp_path / "sets").rglob("*") if p.is_file()]


def test_a_folder_that_cannot_be_written(capture, tmp_path):
  (tmp_path / "file").write_text("precious")
  with pytest.raises(ValueError, match="file/posed_scene/.*cannot be written"):
    export.export_scene(capture, tmp_path / "file")
  assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize(
  "name, expected",
  [
    ("fern", "fern"),
    ("my scene/2", "my_scene_2"),
    ("..", "unnamed"),
    ("../../x", "x"),
    ("", "unnamed"),
    ("v1.2-b", "v1.2-b"),
    ("é", "unnamed"),
  ],
)
def test_names_of_configurations(name, expected):
  assert preparing.config_name(name) == expected
