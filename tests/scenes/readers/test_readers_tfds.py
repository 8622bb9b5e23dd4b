"""Scenes in TensorFlow Datasets: out and in again, nothing lost or early."""

import dataclasses
import json
import zlib

import numpy as np
import pytest
import scene_writers
import tiny_run
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stylized_nerf_jax.datasets import export
from stylized_nerf_jax.phases import pipeline
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes import scene_record, tfds_reader
from stylized_nerf_jax.scenes.cameras import Cameras
from stylized_nerf_jax.scenes.pictures import image_reader
from stylized_nerf_jax.scenes.readers.formats import load_scene
from stylized_nerf_jax.scenes.synthetic import embedded

_LENSES = {
  "pinhole": (0.0,) * 4,
  "opencv": (0.06, -0.08, -1e-3, 2e-3),
  "full_opencv": (0.3, 0.1, 1e-3, -2e-3, 0.01, 0.28, 0.1, 0.02),
  "fisheye": (-0.013, 0.021, -0.014, 0.002),
}


def _assert_same(found, expected):
  """Compares everything that a scene is, bit by bit."""
  for field in dataclasses.fields(Cameras):
    one, other = (getattr(s.cameras, field.name) for s in (found, expected))
    np.testing.assert_array_equal(one, other)
  for name in ("name", "layout", "near", "far", "bounding_box", "splits"):
    assert getattr(found, name) == getattr(expected, name), name
  assert list(found.splits) == list(expected.splits)
  assert found.transparent == expected.transparent
  for name in ("images", "masks", "alphas", "depths"):
    one, other = getattr(found, name), getattr(expected, name)
    assert (one is None) == (other is None), name
    for a, b in zip(one or (), other or (), strict=True):
      assert a.dtype == b.dtype and a.shape == b.shape, name
      np.testing.assert_array_equal(a, b)


def _round_trip(scene, folder, **options):
  return load_scene(str(export.export_scene(scene, folder)), **options)


def _plaza():
  """Makes the embedded scene, small."""
  return embedded.make_scene(num_train=3, num_test=2, width=16, height=12)


def test_the_embedded_scene_with_its_exact_depths(tmp_path):
  expected = _plaza()
  found = _round_trip(expected, tmp_path)
  assert found.format == "tfds" and len(found.depths) == len(found) == 5
  assert max(depth.max() for depth in found.depths) > 0
  _assert_same(found, expected)


@pytest.mark.parametrize("name", list(scene_writers.WRITERS))
def test_scenes_of_every_format(name, tmp_path):
  root = scene_writers.WRITERS[name](scene_writers.make(), tmp_path / "scene")
  for part, downsample in (("whole", 1), ("resized", 1.5)):
    expected = load_scene(root, downsample=downsample)
    _assert_same(_round_trip(expected, tmp_path / part), expected)


def _picture(kind, rgba, index):
  """Makes a picture of a kind from uint8 [H, W, 4]."""
  if kind == "RGB+RGBA":
    return Image.fromarray(rgba[..., : 3 + index % 2])
  if kind == "L":
    return Image.fromarray(rgba[..., 0])
  if kind == "I;16":
    return Image.fromarray(rgba[..., 0].astype(np.uint16) * 200 + 1)
  picture = Image.fromarray(rgba)
  if kind == "P":
    return picture.convert("RGB").quantize(7)
  return picture if kind == "RGBA" else picture.convert("RGB")


@pytest.mark.parametrize("downsample", [1, 2])
@pytest.mark.parametrize(
  "kinds", ["RGBA", "RGB+RGBA", "L", "I;16", "P", "JPEG"]
)
def test_every_kind_of_picture(kinds, downsample, tmp_path):
  root = tiny_run.write_transforms(tmp_path / "capture", 4)
  random = np.random.default_rng(0)
  content = json.loads((root / "transforms.json").read_text())
  for i, path in enumerate(sorted((root / "images").iterdir())):
    rgba = random.integers(0, 256, (12, 16, 4), dtype=np.uint8)
    picture = _picture(kinds, rgba, i)
    if kinds == "JPEG":
      path.unlink()
      path = path.with_suffix(".jpg")
      content["frames"][i]["file_path"] = f"images/{path.name}"
    picture.save(path)
  (root / "transforms.json").write_text(json.dumps(content))
  for written in ("black", "white"):
    scene = load_scene(root, downsample=downsample, background=written)
    address = str(export.export_scene(scene, tmp_path / written))
    for background in ("black", "white"):
      options = {"background": background}
      expected = load_scene(root, downsample=downsample, **options)
      _assert_same(
        dataclasses.replace(load_scene(address, **options), path=""), expected
      )
  # Whole pictures are resized on the way in as they would have been before.
  if downsample == 2:
    address = str(export.export_scene(load_scene(root), tmp_path / "full"))
    found, expected = (load_scene(p, downsample=2) for p in (address, root))
    if kinds not in ("RGB+RGBA",):
      _assert_same(found, expected)


def test_masks_lenses_of_each_view_and_splits(tmp_path):
  given_scene = scene_writers.make(4)
  cameras = [
    dataclasses.replace(
      camera, model=model, distortion=terms, fl_y=camera.fl_y + i, cx=7.25
    )
    for i, (camera, (model, terms)) in enumerate(
      zip(given_scene.cameras, _LENSES.items(), strict=True)
    )
  ]
  root = scene_writers.transforms(
    dataclasses.replace(given_scene, cameras=Cameras.from_list(cameras)),
    tmp_path / "scene",
    per_frame=True,
    val_filenames=["images/2.png"],
  )
  content = json.loads((root / "transforms.json").read_text())
  content["frames"][1]["mask_path"] = "mask.png"
  (root / "transforms.json").write_text(json.dumps(content))
  Image.fromarray(np.uint8([[0, 255]] * 12).repeat(8, axis=1)).save(
    root / "mask.png"
  )
  expected = load_scene(root)
  assert expected.splits["val"] == expected.splits["test"] == (2,)
  found = _round_trip(expected, tmp_path / "out")
  assert found.cameras.models == tuple(_LENSES)
  assert not found.masks[1][:, :8].any() and found.masks[1][:, 8:].all()
  _assert_same(found, expected)


@st.composite
def _scenes(draw):
  """Any scene of up to five tiny views, its arrays in memory."""
  count = draw(st.integers(1, 5))
  random = np.random.default_rng(draw(st.integers(0, 99)))
  cameras = []
  for _ in range(count):
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    pose = np.eye(4)
    pose[:3, :3] = turn * np.linalg.det(turn)
    pose[:3, 3] = random.normal(size=3) * 10.0 ** draw(st.integers(-3, 6))
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    model = draw(st.sampled_from(list(_LENSES)))
    focal = random.uniform(0.5, 30, 2)
    cameras.append(
      scene_lib.Camera(
        pose, *focal, *random.normal(size=2), width, height,
        _LENSES[model], model, draw(st.text(max_size=4)),
      )
    )  # fmt: skip

  def pictures(make):
    return [make((c.height, c.width)) for c in cameras]

  def floats(size):
    return random.random(size, dtype=np.float32)

  views = st.lists(st.integers(0, count - 1), max_size=4).map(tuple)
  near = draw(st.floats(1e-3, 1e3))
  box = ((-1 / 3, 0.0, 1.0), (1.0, 2e9, 3.0))
  return scene_lib.Scene(
    name=draw(st.sampled_from(["a", "my scene/2", "..", "", "é"])),
    format="any",
    path="",
    cameras=Cameras.from_list(cameras),
    images=pictures(lambda size: floats((*size, 3))),
    masks=draw(st.sampled_from([None, pictures(lambda s: floats(s) < 0.5)])),
    alphas=draw(st.sampled_from([None, pictures(floats)])),
    depths=draw(st.sampled_from([None, pictures(lambda s: 9 * floats(s))])),
    layout=draw(st.sampled_from(scene_lib.LAYOUTS)),
    near=near,
    far=near * draw(st.floats(1.1, 1e6)),
    bounding_box=draw(st.sampled_from([None, box])),
    splits={"train": (0, *draw(views)), "test": draw(views), "x": draw(views)},
  )


@settings(max_examples=15, deadline=None, database=None)
@given(scene=_scenes())
def test_any_scene(scene, tmp_path_factory):
  folder = tmp_path_factory.mktemp("out")
  found = _round_trip(scene, folder)
  _assert_same(found, scene)
  assert [p.name for p in folder.iterdir()] == ["posed_scene"]


def test_nothing_is_decoded_before_it_is_asked_for(tmp_path, monkeypatch):
  root = scene_writers.transforms(scene_writers.make(), tmp_path / "scene")
  address = str(export.export_scene(load_scene(root), tmp_path / "out"))
  decoded = []
  decode = image_reader.decode_rgba
  monkeypatch.setattr(
    image_reader,
    "decode_rgba",
    lambda source, *size: decoded.append(str(source)) or decode(source, *size),
  )
  scene = load_scene(address)
  assert len(scene.content_hash) == 64 and not decoded
  scene.split("test").images[0]
  assert decoded == [f"{address}: view 0"]
  scene.images[3]
  assert decoded[1:] == [f"{address}: view 3"]


def test_content_hashes_tell_pixels_and_backgrounds(tmp_path):
  hashes = []
  for seed, mode in ((0, "RGB"), (1, "RGB"), (0, "RGBA")):
    root = tiny_run.write_transforms(tmp_path / f"{seed}{mode}", 3, seed)
    for path in (root / "images").iterdir():
      with Image.open(path) as picture:
        picture.convert(mode).save(path)
    address = str(export.export_scene(load_scene(root), tmp_path / "out"))
    hashes += [
      load_scene(address, background=b).content_hash for b in ("white", "black")
    ]
  assert hashes[0] == hashes[1]
  assert hashes[2] == hashes[3] and len(set(hashes)) == 4
  again = export.export_scene(load_scene(root), tmp_path / "other")
  assert load_scene(str(again)).content_hash == hashes[4]


def test_exact_depths_are_of_the_records_size(tmp_path):
  address = str(export.export_scene(_plaza(), tmp_path))
  scene = load_scene(address, downsample=2)
  assert scene.depths is None and scene.images[0].shape == (6, 8, 3)
  assert scene.messages == (
    "exact depths are left out: they are of downsample=1",
  )


def test_a_run_finds_its_scene_from_anywhere(
  small_weights, tmp_path, monkeypatch
):
  export.export_scene(_plaza(), tmp_path / "sets")
  address = f"tfds:posed_scene/synthetic?data_dir={tmp_path}/sets"
  monkeypatch.chdir(tmp_path)
  given_path = address.replace(f"{tmp_path}/", "")
  config = tiny_run.make_config(small_weights, scene__path=given_path)
  saved = pipeline._anchored(config)
  assert saved.scene.path == address
  monkeypatch.chdir("/")
  scene = pipeline.load_scene(saved)
  assert scene.path == address and len(scene) == 5
  run = run_folder.RunFolder(tmp_path / "run")
  with run.lock():
    run.claim_scene(scene_record.make_scene_record(scene))
  run.check_scene(scene_record.make_scene_record(pipeline.load_scene(saved)))
  other = export.export_scene(_plaza().split("train"), tmp_path, name="other")
  record = scene_record.make_scene_record(load_scene(str(other)))
  with pytest.raises(ValueError, match="made from the scene tfds:posed_scene/"):
    run.check_scene(record)


@pytest.mark.slow
@pytest.mark.usefixtures("small_networks")
def test_a_run_trains_from_a_dataset(small_weights, tmp_path):
  address = export.export_scene(load_scene("synthetic", downsample=5), tmp_path)
  changes = {"scene__path": str(address), "scene__downsample": 1.0}
  config = tiny_run.make_config(small_weights, **changes)
  pipeline.train(config, tmp_path / "run")
  assert (tmp_path / "run" / "config.json").is_file()


def _damaged_array(record, name):
  """Returns the record with an array that claims to be a gigabyte."""
  bomb = {"shape": record[name]["shape"], "value": zlib.compress(bytes(10**7))}
  return {**record, name: bomb}


@pytest.mark.parametrize(
  "change, message",
  [
    ({"index": 1}, "record 1: has index 1; expected each from 0 to 3 once"),
    ({"index": -1}, "record 0: has index -1"),
    ({"size": np.array([10**6, 10**6])}, "record 0: size is 1000000x1000000"),
    ({"size": np.array([16, 0])}, "record 0: size is 16x0"),
    ({"lens": b"eye"}, "record 0: lens is 'eye'; expected one of pinhole"),
    ({"camera_to_world": bytes(128)}, "record 0: the last row of the pose"),
    ({"camera_to_world": bytes(7)}, "camera_to_world cannot be decoded"),
    ({"distortion": b"\xff" * 64}, "record 0: distortion is (nan"),
  ],
)
def test_records_that_lie(change, message, tmp_path, monkeypatch):
  root = scene_writers.transforms(scene_writers.make(4), tmp_path / "scene")
  address = str(export.export_scene(load_scene(root, holdout=0), tmp_path))
  read = tfds_reader.Records.__getitem__
  monkeypatch.setattr(
    tfds_reader.Records,
    "__getitem__",
    lambda self, i: {**read(self, i), **(change if i == 0 else {})},
  )
  with pytest.raises(ValueError) as caught:
    load_scene(address)
  assert message in str(caught.value), str(caught.value)
  assert address in str(caught.value) and "\n" not in str(caught.value)


def test_arrays_that_grow_when_decompressed(tmp_path, monkeypatch):
  address = str(export.export_scene(_plaza(), tmp_path))
  read = tfds_reader.Records.__getitem__
  monkeypatch.setattr(
    tfds_reader.Records,
    "__getitem__",
    lambda self, i: _damaged_array(read(self, i), "depth"),
  )
  scene = load_scene(address)
  with pytest.raises(ValueError, match="view 0: depth is damaged"):
    scene.depths[0]


@pytest.mark.parametrize(
  "change, message",
  [
    ({"near": 0}, "near is 0"),
    ({"near": float("nan")}, "near is nan"),
    ({"near": None}, "metadata.json does not describe a scene"),
    ({"far": 10**400}, "metadata.json does not describe a scene"),
    ({"views": float("inf")}, "metadata.json does not describe a scene"),
    ({"layout": "round"}, "layout 'round' is unknown"),
    ({"views": 5}, "4 views; expected 5"),
    ({"views": 3}, "split 'train' with views beyond 3"),
    ({"splits": {"train": [4]}}, "metadata.json does not describe a scene"),
    ({"splits": {"train": []}}, "no view to train on"),
    ({"splits": 3}, "metadata.json does not describe a scene"),
    ({"bounding_box": [[0, 0, 0], [1, 1]]}, "metadata.json does not describe"),
  ],
)
def test_metadata_that_lies(change, message, tmp_path):
  root = scene_writers.transforms(scene_writers.make(4), tmp_path / "scene")
  address = str(export.export_scene(load_scene(root, holdout=0), tmp_path))
  path = next(tmp_path.rglob("metadata.json"))
  content = json.loads(path.read_text()) | change
  path.write_text(json.dumps(content))
  with pytest.raises(ValueError) as caught:
    load_scene(address)
  assert message in str(caught.value), str(caught.value)
  assert "\n" not in str(caught.value)


def test_a_format_beside_an_address_is_refused(tmp_path):
  path = f"tfds:posed_scene/x?data_dir={tmp_path}"
  with pytest.raises(ValueError, match="format is 'llff'; expected auto"):
    load_scene(path, format="llff")


def test_a_file_that_ends_at_a_block_is_cut_off(tmp_path):
  """Its records read as ones without fields."""
  export.export_scene(_plaza(), tmp_path, name="plaza")
  (path,) = tmp_path.rglob("*-test.array_record-*")
  path.write_bytes(path.read_bytes()[: 1 << 16])
  with pytest.raises(ValueError, match="split test, record 0: is empty"):
    load_scene(f"tfds:posed_scene/plaza?data_dir={tmp_path}")
