"""Model files: what is written comes back, what is damaged is refused."""

import json

import jax
import ml_collections
import numpy as np
import pytest

from stylized_nerf_jax import defaults, model_file, region_file
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.scenes.synthetic import embedded
from stylized_nerf_jax.stylizer import style_maps


@pytest.fixture(scope="module")
def fields():
  rng = np.random.default_rng(0)
  scene = embedded.make_scene(num_train=2, num_test=1, width=4, height=3)
  return {
    "config": ml_collections.FrozenConfigDict(defaults.get_config()),
    "scene": scene_record.make_scene_record(scene),
    "params": {
      "field": {"dense": {"kernel": rng.random((2, 3)), "bias": np.ones(3)}},
      "style_field": {"grid": {"level_0": jax.numpy.ones((4, 2))}},
      "latents": rng.random((2, 2, 5), np.float32),
    },
    "styles": ("mosaic", "ink wash / 墨"),
    "style_hashes": ("12", "ab"),
    "latent_mean": rng.random((2, 5), np.float32),
    "latent_variance": rng.random((2, 5), np.float32),
    "palette_maps": style_maps.StyleMaps(
      rng.random((2, 3, 3)),
      rng.random((2, 3)),
      rng.random((2, 4, 4, 4, 3), np.float32),
      transfer="affine",
    ),
    "regions": {
      "tree": region_file.Region("tree", {"out": np.ones(3)}, {}, "f", {})
    },
  }


def assert_equal_trees(one, two):
  assert jax.tree.structure(one) == jax.tree.structure(two)
  for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two)):
    assert isinstance(a, np.ndarray)
    assert a.dtype == b.dtype
    np.testing.assert_array_equal(a, b)


def test_everything_comes_back(fields, tmp_path):
  path = tmp_path / "model.npz"
  model_file.write(path, fields)
  read = model_file.read(path)
  assert set(read) == set(fields)
  assert read["config"] == fields["config"]
  assert isinstance(read["config"], ml_collections.FrozenConfigDict)
  assert read["scene"].to_dict() == fields["scene"].to_dict()
  for name in ("styles", "style_hashes"):
    assert read[name] == fields[name]
  for name in (
    "params",
    "latent_mean",
    "latent_variance",
    "palette_maps",
    "regions",
  ):
    assert_equal_trees(read[name], fields[name])


def test_a_model_before_phase_3_comes_back(fields, tmp_path):
  before = {
    **fields,
    "params": {"field": fields["params"]["field"]},
    "styles": (),
    "style_hashes": (),
    "latent_mean": None,
    "latent_variance": None,
    "palette_maps": None,
  }
  model_file.write(str(tmp_path / "model"), before)
  read = model_file.read(tmp_path / "model")
  assert read["latent_mean"] is None and read["latent_variance"] is None
  assert read["palette_maps"] is None and set(read["params"]) == {"field"}


def test_the_name_is_kept_and_nothing_else_is_left(fields, tmp_path):
  for name in ("model.npz", "model", "a.model"):
    model_file.write(tmp_path / name, fields)
  names = {path.name for path in tmp_path.iterdir()}
  assert names == {"model.npz", "model", "a.model"}


def test_what_is_no_model_is_refused(fields, tmp_path):
  path = tmp_path / "model.npz"
  model_file.write(path, fields)
  whole = path.read_bytes()
  bare = tmp_path / "bare.npz"
  np.savez(bare, a=np.ones(3))
  damaged = {"cut": whole[: len(whole) // 2], "text": b"hello", "empty": b""}
  for name, content in damaged.items():
    (tmp_path / name).write_bytes(content)
  np.save(tmp_path / "array.npy", np.ones(3))
  with (tmp_path / "pickle").open("wb") as file:
    np.savez(file, __meta__=np.array([{"a": 1}], dtype=object))
  for name in ("cut", "text", "empty", "bare.npz", "pickle", "array.npy"):
    with pytest.raises(ValueError, match=f"{name} is no model file"):
      model_file.read(tmp_path / name)


def test_a_flipped_byte_of_a_weight_is_noticed(fields, tmp_path):
  path = tmp_path / "model.npz"
  model_file.write(path, fields)
  content = bytearray(path.read_bytes())
  position = content.find(fields["latent_mean"].tobytes())
  assert position > 0
  content[position] ^= 1
  path.write_bytes(content)
  with pytest.raises(ValueError, match="is no model file"):
    model_file.read(path)


@pytest.mark.parametrize("change", [{"version": 2}, {"format": "other"}])
def test_another_version_is_named(fields, tmp_path, change):
  path = tmp_path / "model.npz"
  model_file.write(path, fields)
  with np.load(path) as file:
    arrays = dict(file)
  meta = {**json.loads(arrays["__meta__"].tobytes()), **change}
  arrays["__meta__"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
  np.savez(path, **arrays)
  with pytest.raises(ValueError, match="expected stylized-nerf-jax/model"):
    model_file.read(path)


def test_a_missing_file_is_named(tmp_path):
  with pytest.raises(ValueError, match="no such|No such"):
    model_file.read(tmp_path / "none.npz")
