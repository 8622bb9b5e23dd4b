"""`stylized-nerf convert`: out and in again, and what cannot be held."""

import json

import numpy as np
import pytest
import tiny_run
from PIL import Image

from stylized_nerf_jax.cli import main
from stylized_nerf_jax.scenes.readers.formats import load_scene


def _convert(scene, out, kind, *arguments):
  return main.main(
    ["convert", str(scene), f"--format={kind}", f"--out={out}", *arguments]
  )


def _assert_same(found, expected, atol=1e-9):
  """Compares cameras, splits and pixels."""
  for name in ("camera_to_world", "fl_x", "fl_y", "cx", "cy", "distortion"):
    np.testing.assert_allclose(
      getattr(found.cameras, name), getattr(expected.cameras, name), atol=atol
    )
  assert found.cameras.models == expected.cameras.models
  for one, other in zip(found.images, expected.images, strict=True):
    np.testing.assert_allclose(one, other, atol=0.51 / 255)


@pytest.mark.parametrize("kind", ["transforms", "llff", "npz"])
def test_the_embedded_scene_out_and_in(kind, tmp_path, capsys):
  out = tmp_path / "out"
  assert _convert("synthetic", out, kind, "--downsample=5") == 0
  assert f"wrote {out}, a scene of 28 images" in capsys.readouterr().out
  expected = load_scene("synthetic", downsample=5)
  scene = load_scene(out)
  assert scene.format == kind
  _assert_same(scene, expected)
  if kind != "llff":
    # nerfstudio asks for the split "val".
    also = {"val": expected.splits["test"]} if kind == "transforms" else {}
    assert scene.splits == {**expected.splits, **also}
  assert (scene.near, scene.far) == (expected.near, expected.far)
  assert scene.layout == "bounded"


def test_lenses_masks_and_splits_are_kept(tmp_path, capsys):
  root = tiny_run.write_transforms(tmp_path / "capture")
  path = root / "transforms.json"
  content = json.loads(path.read_text())
  content["frames"][1] |= {"camera_model": "OPENCV_FISHEYE", "p2": 0, "k4": 0.1}
  content["frames"][2]["mask_path"] = "mask.png"
  content["val_filenames"] = ["images/3.png"]
  path.write_text(json.dumps(content))
  pixels = np.zeros((12, 16), np.uint8)
  pixels[3:] = 255
  Image.fromarray(pixels).save(root / "mask.png")
  out = tmp_path / "out"
  assert _convert(root, out, "transforms") == 0
  expected, scene = load_scene(root), load_scene(out)
  _assert_same(scene, expected)
  assert scene.cameras.names == expected.cameras.names
  assert scene.splits == expected.splits
  assert "other readers of transforms.json choose them" in (
    capsys.readouterr().out
  )
  for one, other in zip(scene.masks, expected.masks, strict=True):
    np.testing.assert_array_equal(one, other)
  # Pictures of the scene's size are copied, not encoded again.
  copied = (out / "images" / "1.png").read_bytes()
  assert copied == (root / "images" / "1.png").read_bytes()
  again = tmp_path / "half"
  assert _convert(root, again, "transforms", "--downsample=2") == 0
  assert load_scene(again).images[0].shape == (6, 8, 3)


@pytest.mark.parametrize("kind", ["transforms", "npz", "llff"])
@pytest.mark.parametrize("downsample", [1, 2])
def test_alpha_is_kept(kind, downsample, tmp_path):
  root = tiny_run.write_transforms(tmp_path / "capture", 3, k1=0, p2=0)
  random = np.random.default_rng(0)
  for picture in (root / "images").iterdir():
    pixels = random.integers(1, 256, (12, 16, 4), dtype=np.uint8)
    Image.fromarray(pixels).save(picture)
  out = tmp_path / "out"
  arguments = [f"--downsample={downsample}", "--config.scene.background=black"]
  assert _convert(root, out, kind, *arguments) == 0
  for background in ("black", "white"):
    options = {"background": background, "holdout": 0}
    expected = load_scene(root, downsample=downsample, **options)
    scene = load_scene(out, **options)
    for i in range(3):
      np.testing.assert_allclose(
        scene.alphas[i], expected.alphas[i], atol=0.51 / 255
      )
      np.testing.assert_allclose(
        scene.images[i], expected.images[i], atol=1.5 / 255
      )


@pytest.mark.parametrize(
  ("kind", "fields", "words"),
  [
    ("llff", {}, "LLFF cannot hold 'images/0.png': its lens is opencv"),
    ("npz", {}, "npz cannot hold 'images/0.png': its lens is opencv"),
    ("llff", {"k1": 0, "p2": 0, "cx": 7.5}, "principal point is (7.5, 6)"),
    ("npz", {"k1": 0, "p2": 0, "fl_y": 21}, "focal lengths 21 and 20 differ"),
    ("llff", {"is_fisheye": True, "k1": 0, "p2": 0}, "its lens is fisheye"),
  ],
)
def test_what_a_format_cannot_hold(kind, fields, words, tmp_path, capsys):
  root = tiny_run.write_transforms(tmp_path / "capture", **fields)
  out = tmp_path / "out"
  assert _convert(root, out, kind) == 2
  error = capsys.readouterr().err
  assert words in error and "--format transforms" in error
  assert error.count("\n") == 1 and not out.exists()


@pytest.mark.parametrize("kind", ["llff", "npz"])
def test_sizes_that_differ_and_masks(kind, tmp_path, capsys):
  own = {"w": 10, "h": 20, "fl_x": 20.0}
  root = tiny_run.write_transforms(tmp_path / "capture", k1=0, p2=0)
  path = root / "transforms.json"
  content = json.loads(path.read_text())
  frames = [dict(frame) for frame in content["frames"]]
  content["frames"][3] |= own
  path.write_text(json.dumps(content))
  Image.new("RGB", (10, 20)).save(root / "images" / "3.png")
  assert _convert(root, tmp_path / "out", kind) == 2
  assert (
    "size is 10x20, that of 'images/0.png' 16x12" in capsys.readouterr().err
  )
  Image.new("RGB", (16, 12)).save(root / "images" / "3.png")
  frames[0]["mask_path"] = "images/1.png"
  path.write_text(json.dumps({**content, "frames": frames}))
  status = _convert(root, tmp_path / "masked", kind)
  if kind == "npz":
    assert status == 0
    assert load_scene(tmp_path / "masked").masks[1].all()
  else:
    assert status == 2
    assert "LLFF cannot hold masks" in capsys.readouterr().err


def test_a_folder_that_holds_something_is_left_alone(tmp_path, capsys):
  (tmp_path / "out").mkdir()
  (tmp_path / "out" / "letter").write_text("precious")
  for out in ("out", "out/letter"):
    assert _convert("synthetic", tmp_path / out, "npz") == 2
    assert "expected a new or empty folder" in capsys.readouterr().err
  assert [p.name for p in (tmp_path / "out").iterdir()] == ["letter"]
  assert _convert("synthetic", tmp_path / "new", "ply") == 2
  assert "invalid choice: 'ply'" in capsys.readouterr().err


@pytest.mark.real_data
@pytest.mark.parametrize(
  ("name", "kind", "downsample"),
  [
    ("fox", "transforms", 16),
    ("fern", "llff", 8),
    ("fern", "npz", 8),
    ("lego", "transforms", 8),
    ("lego", "npz", 8),
  ],
)
def test_real_scenes_out_and_in(real_data, name, kind, downsample, tmp_path):
  root = real_data / "scenes" / name
  arguments = [f"--downsample={downsample}"]
  assert _convert(root, tmp_path / "out", kind, *arguments) == 0
  expected = load_scene(root, downsample=downsample)
  scene = load_scene(tmp_path / "out")
  order = list(range(len(expected)))
  if kind == "transforms":
    # The reader sorts by name, whatever the split.
    bare = [n.removeprefix("images/") for n in scene.cameras.names]
    given = [n.removeprefix("images/") for n in expected.cameras.names]
    given = [n.rpartition(".")[0] for n in given]
    order = [given.index(n.rpartition(".")[0]) for n in bare]
  np.testing.assert_allclose(
    scene.cameras.camera_to_world,
    expected.cameras.camera_to_world[order],
    atol=1e-12,
  )
  np.testing.assert_allclose(scene.cameras.fl_x, expected.cameras.fl_x[order])
  np.testing.assert_array_equal(
    scene.cameras.distortion, expected.cameras.distortion[order]
  )
  for split, indices in scene.splits.items():
    named = split if split in expected.splits else "test"
    assert {order[i] for i in indices} == set(expected.splits[named])
  for i in (0, len(order) - 1):
    np.testing.assert_allclose(
      scene.images[i], expected.images[order[i]], atol=1.5 / 255
    )
