"""Files of regions: what is written comes back, what is damaged is refused."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from stylized_nerf_jax import region_file, user_error


def _region(name="tree", field="abc"):
  random = np.random.default_rng(0)
  params = {
    "grid": {"level_0": random.normal(size=(8, 2)).astype(np.float32)},
    "lower": np.array([-1.23456, 0, 1e-3], np.float32),
  }
  facts = {"nodes": 10, "inside": 3, "views": ["a.png"], "of": "masks"}
  return region_file.Region(
    name, params, {"finest_resolution": 16}, field, facts
  )


def test_everything_comes_back(tmp_path):
  before = _region()
  path = region_file.write(tmp_path, before)
  assert path == tmp_path / "regions" / "tree.npz"
  after = region_file.read(path)
  for name in ("name", "options", "field", "facts"):
    assert getattr(after, name) == getattr(before, name)
  close = functools.partial(np.testing.assert_allclose, rtol=1e-3)
  jax.tree.map(close, after.params, before.params)


def test_regions_of_an_earlier_field_are_stale(tmp_path):
  region_file.write(tmp_path, _region("old", "abc"))
  region_file.write(tmp_path, _region("new", "def"))
  found = region_file.read_all(tmp_path, "def")
  assert {name: one.stale for name, one in found.items()} == {
    "new": False,
    "old": True,
  }
  assert region_file.read_all(tmp_path / "elsewhere", "def") == {}


def test_a_region_is_a_tree_of_its_parameters():
  region = _region()
  doubled = jax.jit(lambda one: jax.tree.map(lambda v: 2 * v, one))(region)
  np.testing.assert_allclose(
    doubled.params["lower"], 2 * region.params["lower"]
  )
  assert doubled.facts == region.facts and doubled.name == "tree"


@pytest.mark.parametrize(
  "name", ("", "../up", "a/b", ".hidden", "a b", "é", "x" * 65, "a\n")
)
def test_names_that_are_no_names_of_files(name, tmp_path):
  with pytest.raises(user_error.UserError, match="expected up to 64 letters"):
    region_file.path_of(tmp_path, name)


def test_what_is_damaged_is_named(tmp_path):
  path = region_file.write(tmp_path, _region())
  whole = path.read_bytes()
  renamed = path.with_name("other.npz")
  renamed.write_bytes(whole)
  with pytest.raises(user_error.UserError, match="other.npz.*'tree'"):
    region_file.read(renamed)
  for content in (b"", b"text", whole[: len(whole) // 2]):
    path.write_bytes(content)
    with pytest.raises(user_error.UserError, match="tree.npz is no region"):
      region_file.read(path)


def test_another_version_is_refused(tmp_path, monkeypatch):
  monkeypatch.setattr(region_file, "_VERSION", 2)
  path = region_file.write(tmp_path, dataclasses.replace(_region()))
  monkeypatch.undo()
  with pytest.raises(user_error.UserError, match="version 2"):
    region_file.read(path)
