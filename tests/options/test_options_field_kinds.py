"""Fields of others: by registration or metadata, never by what data name."""

import sys

import flax.linen as nn
import ml_collections
import pytest

from stylized_nerf_jax import defaults
from stylized_nerf_jax.networks import modules
from stylized_nerf_jax.options import checks, field_kinds, field_options


class Wall(nn.Module):
  width: int = 3
  sizes: tuple = ()


class Room(nn.Module):
  kind: str = ""

  @classmethod
  def for_space(cls, space):
    return cls(kind=space.kind)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
  monkeypatch.setattr(field_kinds, "_registered", {})


def _config(kind, options=""):
  config = defaults.get_config()
  config.field.kind, config.field.options = kind, options
  return config


def _install(monkeypatch, tmp_path, value):
  """Puts a package with an entry point on the path."""
  folder = tmp_path / "walls-1.0.dist-info"
  folder.mkdir()
  (folder / "METADATA").write_text("Name: walls\nVersion: 1.0\n")
  (folder / "entry_points.txt").write_text(
    f"[stylized_nerf_jax.fields]\nbrick = {value}\n"
  )
  (tmp_path / "walls_of_others.py").write_text(
    "from collections import Counter"
  )
  monkeypatch.syspath_prepend(tmp_path)


def test_a_registered_field_is_built_with_its_options():
  field_kinds.register_field("wall", Wall)
  config = _config("wall", '{"width": 5, "sizes": [1, [2, 3]]}')
  assert list(checks.RUN.problems(config)) == []
  built = modules.radiance_field(config.field, modules.ANY_SPACE)
  assert built == Wall(width=5, sizes=(1, (2, 3)))
  assert hash(built) == hash(Wall(width=5, sizes=(1, (2, 3))))
  assert modules.field_inputs(config.field) == {
    "kind": "wall",
    "options": {"width": 5, "sizes": (1, (2, 3))},
  }


def test_a_field_may_ask_for_the_space():
  field_kinds.register_field("room", Room)
  found = modules.radiance_field(_config("room").field, modules.ANY_SPACE)
  assert found.kind == "box"


def test_names_are_taken_once():
  field_kinds.register_field("wall", Wall)
  field_kinds.register_field("wall", Wall)
  with pytest.raises(ValueError, match="'wall' is taken by .*Wall"):
    field_kinds.register_field("wall", Room)
  for name in ("hash_grid", "positional", "", "a b", 3):
    with pytest.raises(ValueError, match="expected a name such as my_field"):
      field_kinds.register_field(name, Wall)


def test_metadata_names_fields_that_are_loaded_when_asked_for(
  monkeypatch, tmp_path
):
  _install(monkeypatch, tmp_path, "walls_of_others:Counter")
  assert "brick" in field_kinds.KINDS
  assert list(checks.RUN.problems(_config("brick"))) == []
  assert "walls_of_others" not in sys.modules
  assert field_kinds.find("brick").__name__ == "Counter"
  assert sys.modules.pop("walls_of_others")


def test_metadata_that_names_nothing_is_one_line(monkeypatch, tmp_path):
  _install(monkeypatch, tmp_path, "walls_of_others:Absent")
  with pytest.raises(ValueError, match="installed entry point .*Absent"):
    field_kinds.find("brick")
  sys.modules.pop("walls_of_others")


@pytest.mark.parametrize("name", ["os", "os:system", "json.decoder", "wall"])
def test_what_data_name_is_not_imported(name):
  before = set(sys.modules)
  (said,) = checks.RUN.problems(_config(name))
  assert repr(name) in said and "hash_grid, positional" in said
  with pytest.raises(ValueError, match="register_field") as refused:
    modules.radiance_field(_config(name).field, modules.ANY_SPACE)
  assert "\n" not in str(refused.value)
  assert set(sys.modules) == before


@pytest.mark.parametrize(
  ("kind", "options", "message"),
  [
    ("wall", "{", "expected a JSON object"),
    ("wall", "[1]", "expected a JSON object"),
    ("hash_grid", '{"width": 3}', "expected nothing with field.kind=hash_grid"),
  ],
)
def test_options_that_cannot_be_used(kind, options, message):
  field_kinds.register_field("wall", Wall)
  (said,) = checks.RUN.problems(_config(kind, options))
  assert message in said and "field.options" in said


def test_options_that_the_field_does_not_take():
  field_kinds.register_field("wall", Wall)
  config = ml_collections.FrozenConfigDict(_config("wall", '{"height": 3}'))
  assert field_options.parsed(config.field) == {"height": 3}
  with pytest.raises(ValueError, match="wall does not take: .*height"):
    modules.radiance_field(config.field, modules.ANY_SPACE)
