"""TFDS image datasets as styles and corpora; addresses; nothing imported."""

import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

import stylized_nerf_jax
from stylized_nerf_jax import pretraining_defaults
from stylized_nerf_jax.datasets import export
from stylized_nerf_jax.pretraining import corpus, vae_training
from stylized_nerf_jax.scenes import tfds_address
from stylized_nerf_jax.scenes.pictures import (
  picture_collections,
  styles,
  tfds_pictures,
)
from stylized_nerf_jax.scenes.synthetic import generated_styles
from stylized_nerf_jax.stylizer import pretrained


@pytest.fixture
def paintings(tmp_path):
  """A folder of pictures of many kinds."""
  folder = tmp_path / "paintings"
  folder.mkdir()
  random = np.random.default_rng(0)
  rgba = random.integers(0, 256, (4, 20, 30, 4), dtype=np.uint8)
  Image.fromarray(rgba[0, ..., :3]).save(folder / "jpeg.jpg")
  Image.fromarray(rgba[1]).save(folder / "transparent.png")
  Image.fromarray(rgba[2, ..., 0]).save(folder / "grey.png")
  exif = Image.Exif()
  exif[0x0112] = 6
  Image.fromarray(rgba[3, ..., :3]).save(folder / "turned.jpg", exif=exif)
  Image.fromarray(rgba[3, ..., :3]).save(folder / "web.webp", lossless=True)
  return folder


@pytest.mark.parametrize("source", ["paintings", "generated"])
def test_style_sets_out_and_in(source, paintings, tmp_path, monkeypatch):
  random = np.random.default_rng(0)
  painted = random.integers(0, 256, (20, 25, 3), dtype=np.uint8)
  monkeypatch.setattr(
    generated_styles, "generate", lambda name: painted - len(name)
  )
  source = str(paintings) if source == "paintings" else source
  address = str(export.export_styles(source, tmp_path / "sets"))
  for size in (16, 40):
    expected = styles.load_style_set(source, style_size=size)
    found = styles.load_style_set(address, style_size=size)
    assert found.names == expected.names
    assert found.content_hashes == expected.content_hashes
  name = expected.names[1]
  shutil.copy(paintings / "grey.png", tmp_path / "other.png")
  chosen = styles.load_style_set(
    f"{address}, {tmp_path / 'other.png'}", names=["other", name]
  )
  assert chosen.names == ("other", name)


def test_a_part_of_a_style_set_keeps_its_names(paintings, tmp_path):
  address = f"{export.export_styles(str(paintings), tmp_path)}"
  found = styles.load_style_set(f"{address}&split=train[1:3]", style_size=16)
  assert found.names == ("jpeg", "transparent")


def test_files_of_plain_pictures_are_kept(paintings, tmp_path):
  address = str(export.export_styles(str(paintings), tmp_path))
  pictures = {p.stem: p for p in picture_collections.find(address).pictures}
  original = (paintings / "jpeg.jpg").read_bytes()
  assert pictures["jpeg"].encoded() == original
  assert pictures["turned"].encoded().startswith(b"\x89PNG")
  again = export.export_styles(address, tmp_path, name="again")
  pictures = picture_collections.find(str(again)).pictures
  assert pictures[1].encoded() == original and pictures[1].stem == "jpeg"
  # TFDS decodes what was written.
  source = tfds.data_source(again.name, data_dir=str(tmp_path), split="train")
  for record, picture in zip(source, pictures, strict=True):
    np.testing.assert_array_equal(record["image"], picture.read())


@pytest.mark.parametrize(
  "name, shape", [("mnist", (28, 28)), ("oxford_flowers102", (None, None))]
)
def test_any_image_dataset_is_a_corpus(name, shape, tmp_path):
  with tfds.testing.mock_data(
    num_examples=12, policy=tfds.testing.MockPolicy.USE_CODE
  ):
    pictures = tfds_pictures.open_pictures(f"tfds:{name}?data_dir={tmp_path}")
    assert len(pictures) == 12
    picture = pictures[3]
    assert picture.stem == f"{name}-03"
    pixels = picture.read()
  assert pixels.dtype == np.uint8 and pixels.shape[2] == 3
  assert all(b in (None, a) for a, b in zip(pixels.shape, shape))


@pytest.mark.usefixtures("small_networks")
def test_corpora_of_the_stylizer_are_datasets(tmp_path):
  config = pretraining_defaults.get_config()
  config.content.path = f"tfds:oxford_flowers102?data_dir={tmp_path}"
  config.content.holdout = f"{config.content.path}&split=test"
  config.styles.path = f"tfds:cifar10?data_dir={tmp_path}"
  config.styles.holdout = ("-2",)
  config.evaluation_size = config.evaluation_style_size = 16
  config.vae.update(crops=16, crop=16)
  with tfds.testing.mock_data(
    num_examples=30, policy=tfds.testing.MockPolicy.USE_CODE
  ):
    training, held_out = corpus.open_pictures(config, tmp_path)
    assert len(training.photos) == 30
    assert len(training.paintings) == 20  # Ten are called cifar10-2?.
    assert set(held_out.painting_names) <= {
      f"cifar10-{i}" for i in range(20, 30)
    }
    assert held_out.photos.shape == (8, 16, 16, 3)
    batches = [
      training.batch(np.random.default_rng(4), count=2, size=16)
      for _ in range(2)
    ]
    statistics = vae_training.encode_crops(
      config, pretrained.load_encoder(), training
    )
  for name in ("photos", "paintings"):
    np.testing.assert_array_equal(batches[0][name], batches[1][name])
  assert np.isfinite(statistics).all()


def _write(folder, name, features, records, file_format="array_record"):
  """Writes any dataset with TFDS alone."""
  info = tfds.core.DatasetInfo(
    builder=tfds.core.dataset_info.DatasetIdentity(
      name=name,
      version=tfds.core.Version("1.0.0"),
      data_dir=str(folder / name / "1.0.0"),
      module_name="",
    ),
    features=tfds.features.FeaturesDict(features),
  )
  (folder / name / "1.0.0").mkdir(parents=True)
  writer = tfds.core.SequentialWriter(info, 100, file_format=file_format)
  writer.initialize_splits(["train"])
  writer.add_examples({"train": records})
  writer.close_all()


def _png(pixels):
  path = pathlib.Path("picture.png")
  Image.fromarray(pixels).save(path)
  return path.read_bytes()


def test_features_that_hold_the_picture(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  grey = np.full((4, 5), 7, np.uint8)
  rgba = np.full((4, 5, 4), [200, 100, 0, 0], np.uint8)
  image = tfds.features.Image
  _write(
    tmp_path,
    "pair",
    {
      "left": image(shape=(None, None, 1)),
      "right": image(shape=(None, None, 4)),
      "labels": image(shape=(None, None, 1), use_colormap=True),
      "number": np.int64,
    },
    [
      {
        "left": _png(grey),
        "right": _png(rgba),
        "labels": _png(grey),
        "number": 3,
      }
    ],
  )
  address = f"tfds:pair?data_dir={tmp_path}"
  with pytest.raises(ValueError, match=r"several pictures \(left, right\)"):
    tfds_pictures.open_pictures(address)
  with pytest.raises(ValueError, match="image=labels is no picture of it"):
    tfds_pictures.open_pictures(f"{address}&image=labels")
  left = tfds_pictures.open_pictures(f"{address}&image=left")
  np.testing.assert_array_equal(left[0].read(), np.full((4, 5, 3), 7))
  right = tfds_pictures.open_pictures(f"{address}&image=right")
  np.testing.assert_array_equal(right[0].read(), np.full((4, 5, 3), 255))


@pytest.mark.parametrize(
  "address, message",
  [
    ("tfds:", "names no dataset; expected tfds:NAME?data_dir=DIR"),
    ("tfds:none", "data_dir is missing; expected tfds:NAME?data_dir=DIR"),
    ("tfds:none?data_dir=", "data_dir is missing"),
    ("tfds:none?data_dir=absent", "absent: no such folder"),
    ("tfds:none?datadir=.", "did you mean 'data_dir'?"),
    ("tfds:none?data_dir=.", "no such dataset was prepared there (found: num"),
    ("tfds:mnist?data_dir=.", "no such dataset was prepared there"),
    ("tfds:coco/2017?data_dir=.", "no such dataset was prepared there"),
    ("tfds:numbers/x?data_dir=.", "no such dataset was prepared there"),
    ("tfds:huggingface:x?data_dir=.", "the name of the dataset is"),
    ("tfds:../x?data_dir=.", "the name of the dataset is '../x'"),
    ("tfds:numbers?data_dir=.", "has no picture (its features: number)"),
    ("tfds:pictures?data_dir=.&split=x", "has no split 'x'; expected one of"),
    ("tfds:pictures?data_dir=.&split=train[", "split 'train[' cannot be"),
  ],
)  # fmt: skip
def test_addresses_and_datasets_that_are_wrong(
  address, message, tmp_path, monkeypatch, capfd
):
  monkeypatch.chdir(tmp_path)
  _write(tmp_path, "numbers", {"number": np.int64}, [{"number": 1}])
  picture = {"image": _png(np.zeros((4, 5, 3), np.uint8))}
  _write(tmp_path, "pictures", {"image": tfds.features.Image()}, [picture])
  with pytest.raises(ValueError) as caught:
    tfds_pictures.open_pictures(address)
  found = str(caught.value)
  assert message in found and "\n" not in found, found
  assert capfd.readouterr() == ("", "")


def test_datasets_that_cannot_be_read_by_index(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  picture = {"image": _png(np.zeros((4, 5, 3), np.uint8))}
  _write(tmp_path, "flat", {"image": tfds.features.Image()}, [picture])
  path = tmp_path / "flat" / "1.0.0" / "dataset_info.json"
  path.write_text(path.read_text().replace("array_record", "tfrecord"))
  with pytest.raises(ValueError, match="stored as tfrecord.*array_record"):
    tfds_pictures.open_pictures(f"tfds:flat?data_dir={tmp_path}")


def test_damaged_records_are_named(paintings, tmp_path):
  address = str(export.export_styles(str(paintings), tmp_path))
  pictures = tfds_pictures.open_pictures(address)
  file = next(tmp_path.rglob("*array_record*"))
  data = bytearray(file.read_bytes())
  place = data.index(b"\xff\xd8\xff")  # the first JPEG
  data[place + 200] ^= 1
  file.write_bytes(data)
  pictures = tfds_pictures.open_pictures(address)
  assert pictures[0].read().shape == (20, 30, 3)
  with pytest.raises(ValueError, match="record 1 of 5 cannot be read") as found:
    pictures[1].read()
  assert "\n" not in str(found.value)
  file.write_bytes(data[:1000])
  with pytest.raises(ValueError, match="cannot be (opened|read)"):
    tfds_pictures.open_pictures(address)[0].read()


@pytest.mark.parametrize("folder", ["a b", "é", "x,y", "50%", "a&b=c?d"])
def test_addresses_are_read_as_they_are_written(folder, tmp_path):
  place = tmp_path / folder
  place.mkdir()
  address = tfds_address.Address("a/b", place, split="train[:3]", image="x")
  assert tfds_address.parse(str(address)) == address
  assert "," not in str(address)
  assert tfds_address.absolute(str(address)) == str(address)


def test_nothing_imports_tfds_before_a_dataset_is_read(tmp_path):
  root = pathlib.Path(stylized_nerf_jax.__file__).parent
  modules = [
    ".".join(path.relative_to(root.parent).with_suffix("").parts)
    for path in root.rglob("*.py")
    if "datasets" not in path.relative_to(root).parts[:1]
    and path.name != "__init__.py"
  ]
  assert len(modules) > 100
  code = f"""
import importlib, sys
for name in {modules!r}:
  importlib.import_module(name)
from stylized_nerf_jax.cli import main
assert main.main(["--help"]) == 0
from stylized_nerf_jax import load_scene
load_scene("synthetic")
found = [m for m in sys.modules if m.split(".")[0] in (
  "tensorflow_datasets", "tensorflow", "array_record", "imagehash")]
assert not found, found
"""
  subprocess.run(
    [sys.executable, "-c", code],
    check=True,
    capture_output=True,
    cwd=tmp_path,
    env={**os.environ, "PYTHONPATH": str(root.parent)},
  )
