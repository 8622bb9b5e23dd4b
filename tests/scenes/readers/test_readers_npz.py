"""Scenes of one NumPy file: what may stand in it, and what may not."""

import io
import shutil
import zipfile

import numpy as np
import pytest
import scene_writers

from stylized_nerf_jax.scenes.readers.formats import load_scene


def _write(root, **arrays):
  return scene_writers.npz(scene_writers.make(), root, **arrays)


def test_what_is_not_used_is_named(tmp_path):
  root = _write(tmp_path / "scene", far=9.0, depths=np.zeros(3))
  (root / "LICENCE").touch()
  array = "tiny.npz: not read: depths"
  assert load_scene(root).messages == (array, "scene: not read: LICENCE")
  assert load_scene(root / "tiny.npz").messages == (array,)


def test_a_file_or_the_only_one_of_a_folder(tmp_path):
  root = _write(tmp_path / "scene")
  scene = load_scene(root)
  assert (scene.name, scene.format, len(scene)) == ("scene", "npz", 5)
  named = load_scene(root / "tiny.npz")
  assert named.name == "tiny"
  assert named.content_hash == scene.content_hash
  shutil.copy(root / "tiny.npz", root / "other.npz")
  with pytest.raises(ValueError, match="no camera poses"):
    load_scene(root)
  with pytest.raises(ValueError, match="2 .npz files; expected exactly one"):
    load_scene(root, format="npz")
  assert len(load_scene(root / "other.npz")) == 5
  with pytest.raises(ValueError, match="absent.npz: no such folder"):
    load_scene(root / "absent.npz")


def test_floats_are_colours_as_they_are(tmp_path):
  pixels = scene_writers.make().pictures
  root = _write(tmp_path / "scene", images=pixels.astype(np.float64) / 255)
  np.testing.assert_allclose(
    load_scene(root).images[2], pixels[2] / 255, atol=1e-6
  )


def test_alpha_is_laid_over_the_background(tmp_path):
  pixels = scene_writers.make().pictures
  alpha = np.full_like(pixels[..., :1], 51)
  root = _write(tmp_path / "scene", images=np.concatenate([pixels, alpha], -1))
  white, black = load_scene(root), load_scene(root, background="black")
  np.testing.assert_allclose(white.alphas[1], 0.2, atol=1e-6)
  np.testing.assert_allclose(black.images[1], 0.2 * pixels[1] / 255, atol=1e-6)
  np.testing.assert_allclose(white.images[1], black.images[1] + 0.8, atol=1e-6)


def test_bounds_masks_and_splits_may_stand_in_the_file(tmp_path):
  plain = load_scene(_write(tmp_path / "plain"))
  assert plain.layout == "unbounded" and plain.masks is None
  assert plain.splits["test"] == (0,)
  masks = np.random.default_rng(0).random((5, 12, 16)) < 0.5
  root = _write(
    tmp_path / "full", near=2.0, far=6.0, masks=masks, train=[4, 1], val=[2, 3]
  )
  scene = load_scene(root)
  assert (scene.near, scene.far, scene.layout) == (2, 6, "bounded")
  np.testing.assert_array_equal(scene.masks[3], masks[3])
  assert scene.masks[0].dtype == bool
  assert scene.splits == {"train": (1, 4), "val": (2, 3), "test": (2, 3)}
  assert load_scene(root, downsample=2).masks[0].shape == (6, 8)


@pytest.mark.parametrize(
  ("arrays", "words"),
  [
    ({"images": np.zeros((5, 12, 16), np.uint8)}, "shape .5, 12, 16."),
    ({"images": np.zeros((5, 12, 16, 2), np.uint8)}, "3 or 4"),
    ({"images": np.zeros((0, 12, 16, 3), np.uint8)}, "shape .0, 12, 16, 3."),
    ({"images": np.zeros((5, 12, 16, 3), np.int64)}, '"images" are int64'),
    ({"images": np.full((5, 12, 16, 3), np.nan)}, "not finite"),
    ({"poses": np.zeros((4, 4, 4))}, '"poses" has shape .4, 4, 4.; expected'),
    ({"poses": np.zeros((5, 4, 4))}, r"poses\[0\]: the last row"),
    ({"poses": np.array(["x"] * 5)}, '"poses" cannot be read'),
    ({"focal": 0.0}, "focal: focal length fl_x is 0"),
    ({"focal": [1.0, 2.0]}, '"focal" has shape .2.; expected'),
    ({"near": 3.0, "far": 2.0}, "near is 3 and far 2"),
    ({"near": 1.0, "far": 2.0, "layout": 9}, '"layout" is 9'),
    ({"train": [5]}, '"train" holds no indices'),
    ({"train": [0.5]}, '"train" holds no indices'),
    ({"masks": np.ones((5, 2, 2))}, '"masks" has shape'),
  ],
)
def test_wrong_arrays_are_named(tmp_path, arrays, words):
  with pytest.raises(ValueError, match=words) as error:
    load_scene(_write(tmp_path / "scene", **arrays))
  assert "tiny.npz" in str(error.value)


def test_objects_are_never_unpickled(tmp_path):
  root = _write(tmp_path / "scene", focal=np.array({"a": 1}, dtype=object))
  with pytest.raises(ValueError, match='"focal" cannot be read .object'):
    load_scene(root)


def test_claims_beyond_the_file_are_refused(tmp_path):
  root = _write(tmp_path / "scene")
  path = root / "tiny.npz"
  whole = path.read_bytes()
  images = io.BytesIO()
  np.save(images, scene_writers.make().pictures)
  honest, lie = b"(5, 12, 16, 3), }        ", b"(5, 12, 1600000000, 3), }"
  assert len(honest) == len(lie)
  assert honest in images.getvalue()
  with zipfile.ZipFile(path, "w") as archive:
    archive.writestr("images.npy", images.getvalue().replace(honest, lie))
  with pytest.raises(ValueError, match='"images" cannot be read .shape.*takes'):
    load_scene(root)
  path.write_bytes(whole[: len(whole) // 2])
  with pytest.raises(ValueError, match="not a readable .npz file"):
    load_scene(root)
  path.write_bytes(b"")
  with pytest.raises(ValueError, match="not a readable .npz file"):
    load_scene(root)
  (root / "poses_bounds.npy").write_bytes(
    b"\x93NUMPY\x01\x00v\x00"
    + b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 17), }"
    .ljust(117) + b"\n"
  )  # fmt: skip
  with pytest.raises(ValueError, match="takes 13599999999864 bytes"):
    load_scene(root)
