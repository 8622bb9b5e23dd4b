"""Every field of a config at the edges of its range."""

import pathlib

import ml_collections
import pytest
from PIL import Image

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import defaults, pretraining_defaults
from stylized_nerf_jax.cli import main as cli
from stylized_nerf_jax.options import (
  checks,
  option,
  pretraining_table,
  table,
)
from stylized_nerf_jax.phases import pipeline
from stylized_nerf_jax.tasks import information

_SCHEMAS = {"run": checks.RUN, "stylizer": pretraining_table.PRETRAINING}
_FIELDS = [
  (kind, name) for kind, schema in _SCHEMAS.items() for name in schema.options
]


def _found(kind: str, name: str) -> option.Option:
  return _SCHEMAS[kind].options[name]


def _is_number(found: option.Option) -> bool:
  default = found.default
  if isinstance(default, tuple):
    default = (*default, "")[0]
  return isinstance(default, int | float) and not isinstance(default, bool)


_NUMBERS = [field for field in _FIELDS if _is_number(_found(*field))]
_BOUNDED = [
  (kind, name, bound)
  for kind, name in _NUMBERS
  for bound in ("least", "above", "most")
  if getattr(_found(kind, name), bound) is not None
]
_CHOICES = [field for field in _FIELDS if _found(*field).choices]
_SIZES = [
  name
  for kind, name in _NUMBERS
  if kind == "run" and name.startswith(("field.", "style_field."))
]


def _config(name: str, value, kind: str = "run") -> ml_collections.ConfigDict:
  config = defaults.make(_SCHEMAS[kind])
  if isinstance(_found(kind, name).default, tuple):
    value = (value,)
  config.update_from_flattened_dict({name: value})
  return config


def _refusals(kind: str, name: str, value) -> list[str]:
  """What is said of a field that has a value, whatever others have."""
  meaning = f"({_found(kind, name).meaning})"
  problems = _SCHEMAS[kind].problems(_config(name, value, kind))
  return [p for p in problems if f" {name} is " in p and p.endswith(meaning)]


def _type(kind: str, name: str) -> type:
  default = _found(kind, name).default
  return type((*default, "")[0] if isinstance(default, tuple) else default)


@pytest.mark.parametrize(("kind", "name", "bound"), _BOUNDED)
def test_values_beyond_a_bound_are_refused(kind, name, bound):
  found, number = _found(kind, name), _type(kind, name)
  edge = getattr(found, bound)
  step = found.multiple if number is int else 1e-3 * max(abs(edge), 1.0)
  outside = number(edge + step if bound == "most" else edge - step)
  (said,) = _refusals(kind, name, outside)
  assert str(outside) in said and str(edge) in said
  assert "\n" not in said
  at_edge = _refusals(kind, name, number(edge))
  assert bool(at_edge) == (bound == "above")
  if bound == "above":
    assert not _refusals(kind, name, number(edge + step))


@pytest.mark.parametrize(
  ("kind", "name"), [f for f in _NUMBERS if _found(*f).multiple > 1]
)
def test_what_is_no_multiple_is_refused(kind, name):
  multiple = _found(kind, name).multiple
  for value in (multiple * 10 + 1, multiple * 10 - 1):
    (said,) = _refusals(kind, name, value)
    assert f"is {value}; expected a multiple of {multiple}" in said
  assert not _refusals(kind, name, multiple * 10)


@pytest.mark.parametrize(
  ("kind", "name"), [f for f in _NUMBERS if _type(*f) is float]
)
def test_numbers_are_finite(kind, name):
  for value in (float("nan"), float("inf")):
    (said,) = _refusals(kind, name, value)
    assert str(value) in said


@pytest.mark.parametrize("name", _SIZES)
def test_modules_can_be_built_at_the_least_of_each_size(name):
  config = _config(name, _type("run", name)(table.OPTIONS[name].least))
  config.field.kind = (
    name.split(".")[1] if "field." in name[:6] else "hash_grid"
  )
  grids = (
    config.style_field if name.startswith("style") else config.field.hash_grid
  )
  grids.coarsest_resolution = min(
    grids.coarsest_resolution,
    *(grids[n] for n in grids if n.endswith("finest_resolution")),
  )
  config_lib.check_values(config)
  assert information.of_config(config)["parameters"]["radiance_field"] > 0


@pytest.mark.parametrize(("kind", "name"), _FIELDS)
def test_values_of_another_type_are_refused(kind, name):
  found = _found(kind, name)
  for value in (None, [], {}, object(), (None,)):
    assert not found.accepts(value)
  if not isinstance(found.default, bool):
    assert not found.accepts(False)


def test_a_list_may_be_empty_where_that_means_something():
  assert _found("stylizer", "stages").accepts(())
  assert _found("stylizer", "styles.holdout").accepts(())
  assert not _found("run", "evaluation.gaps").accepts(())


def test_a_config_made_by_hand_is_told_what_it_lacks():
  config = defaults.get_config()
  config.scene.downsample = None
  with pytest.raises(config_lib.ConfigError, match="downsample is None"):
    config_lib.check_values(config)
  del config.scene.downsample
  with pytest.raises(config_lib.ConfigError, match="downsample' is missing"):
    config_lib.check_values(config)
  with config.unlocked():
    config.scene.downsampel = 2.0
  with pytest.raises(config_lib.ConfigError, match="'scene.downsampel'"):
    config_lib.check_values(config)


@pytest.mark.parametrize(("kind", "name"), _CHOICES)
def test_choices_are_named(kind, name):
  found = _found(kind, name)
  (said,) = _refusals(kind, name, "nonsense")
  assert all(choice in said for choice in found.choices)
  for choice in found.choices:
    assert not _refusals(kind, name, choice)


@pytest.mark.parametrize(("kind", "name"), _FIELDS)
def test_every_field_is_described(kind, name):
  found = _found(kind, name)
  assert found.text and found.accepts(found.default)
  if (kind, name) in _NUMBERS:
    assert found.expected, "a number has a range"
  if found.zero:
    assert found.accepts(type(found.default)())


@pytest.mark.parametrize(
  ("changes", "said"),
  [
    (
      {"radiance_field.schedule": "exponential"},
      "radiance_field.learning_rate_final is 0.0; expected more than 0 with",
    ),
    (
      {"field.hash_grid.coarsest_resolution": 600},
      "field.hash_grid.finest_resolution is 512; expected at least .* 600",
    ),
    (
      {"field.hash_grid.proposal_finest_resolution": 8},
      "proposal_finest_resolution is 8; expected at least .* 16",
    ),
    (
      {"style_field.finest_resolution": 8},
      "style_field.finest_resolution is 8; expected at least .* 16",
    ),
    ({"styles.style_size": 15}, "style_size is 15; expected 0 or at least 16"),
    ({"scene.holdout": 1}, "scene.holdout is 1, .*expected 0 for none"),
    (
      {"stylizer.views_per_step": 1},
      "views_per_step is 1; expected at least 2 with .*consistency_weight",
    ),
  ],
)
def test_fields_that_contradict_each_other_are_named(changes, said):
  config = defaults.get_config()
  config.update_from_flattened_dict(changes)
  with pytest.raises(config_lib.ConfigError, match=said):
    config_lib.check_values(config)


def test_a_bad_value_stops_a_command_before_anything_is_written(
  tmp_path, capsys
):
  run = tmp_path / "run"
  bad = "--config.mutual_learning.refresh_every=0"
  assert cli.main(["train", bad, f"--workdir={run}"]) == 2
  said = capsys.readouterr().err
  assert "mutual_learning.refresh_every is 0; expected at least 1" in said
  config = _config("stylizer.steps", -5)
  with pytest.raises(config_lib.ConfigError, match="stylizer.steps is -5"):
    pipeline.train(ml_collections.FrozenConfigDict(config), run)
  assert not run.exists()


def test_views_too_small_are_refused_before_anything_is_written(tmp_path):
  for downsample, phase, least in (
    (16.0, "radiance_field", 11),
    (9.0, "all", 16),
  ):
    config = _config("scene.downsample", downsample)
    with pytest.raises(ValueError, match=f"pixels; expected at least {least}"):
      pipeline.train(
        ml_collections.FrozenConfigDict(config), tmp_path / "run", phase=phase
      )
  assert not (tmp_path / "run" / "config.json").exists()


@pytest.mark.parametrize(
  ("changes", "said"),
  [
    (
      {"stages": ("strokes", "blocks", "strokes")},
      "stages names strokes twice; expected each stage once",
    ),
    ({"stages": (), "vae.steps": 0}, "there is nothing to train"),
    (
      {"stage.palette.steps": 5},
      "stage.palette.warmup is 20; expected at most the stage's steps, 5",
    ),
  ],
)
def test_fields_of_the_stylizer_that_contradict_are_named(changes, said):
  config = pretraining_defaults.get_config()
  config.update_from_flattened_dict(changes)
  with pytest.raises(config_lib.ConfigError, match=said):
    config_lib.check_values(config, pretraining_defaults.FIELDS)


def test_a_stage_that_is_left_out_may_contradict_itself():
  config = pretraining_defaults.get_config()
  config.stages, config.stage.palette.steps = ("strokes",), 5
  config_lib.check_values(config, pretraining_defaults.FIELDS)


def test_lists_of_texts_are_written_with_commas():
  def stages(text):
    flag = f"--config.stages={text}"
    return config_lib.from_flags(
      [flag], fields=pretraining_defaults.FIELDS
    ).stages

  assert stages("strokes, palette") == ("strokes", "palette")
  assert stages("('strokes', 'palette')") == ("strokes", "palette")
  assert stages("") == ()


@pytest.mark.parametrize(
  ("flag", "said"),
  [
    ("stages=strokes,gold", "stages is ('strokes', 'gold'); expected some of"),
    (
      "stage.blocks.loss=l2",
      "stage.blocks.loss is 'l2'; expected one of adain",
    ),
    ("stage.blocks.crop=90", "crop is 90; expected a multiple of 8"),
    ("evaluation_size=20", "evaluation_size is 20; expected a multiple of 8"),
    ("vae.crops=8", "vae.crops is 8; expected at least 16"),
    ("content.path=", "--config.content.path is empty; expected photos"),
    ("content.path=no/such", "config field content.path: no/such: no such"),
    ("encoder=absent.pth", "absent.pth"),
  ],
)
def test_train_stylizer_refuses_before_anything_is_written(
  flag, said, tmp_path, capsys
):
  Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
  workdir = tmp_path / "run"
  paths = [f"--config.{x}.path={tmp_path}" for x in ("content", "styles")]
  command = ["train-stylizer", f"--workdir={workdir}", *paths]
  assert cli.main([*command, f"--config.{flag}"]) == 2
  error = capsys.readouterr().err
  assert said in error and error.count("\n") == 1
  assert not workdir.exists()


@pytest.mark.parametrize(
  ("command", "kind"), [("train", "run"), ("train-stylizer", "stylizer")]
)
def test_the_table_is_printed(command, kind, capsys):
  with pytest.raises(SystemExit) as ended:
    cli.main([command, "--help-config"])
  assert ended.value.code == 0
  printed = capsys.readouterr().out
  for name in _SCHEMAS[kind].options:
    assert f"--config.{name}=" in printed
  assert max(map(len, printed.splitlines())) <= 80


def test_the_tables_are_documented():
  page = pathlib.Path(__file__).parents[2] / "docs" / "config.md"
  pages = [schema.as_markdown() for schema in _SCHEMAS.values()]
  assert page.read_text() == "\n".join(pages), (
    "run `(stylized-nerf train --help-config markdown; echo; stylized-nerf "
    "train-stylizer --help-config markdown) > docs/config.md`"
  )
