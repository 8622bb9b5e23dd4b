"""Every field of a run's config at the edges of its range."""

import pathlib

import ml_collections
import pytest

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import defaults
from stylized_nerf_jax.cli import main as cli
from stylized_nerf_jax.options import checks, table
from stylized_nerf_jax.phases import pipeline
from stylized_nerf_jax.tasks import information

_NUMBERS = {
  name: found
  for name, found in table.OPTIONS.items()
  if isinstance(found.default, int | float | tuple)
  and not isinstance(found.default, bool)
}
_BOUNDED = [
  (name, bound)
  for name, found in _NUMBERS.items()
  for bound in ("least", "above", "most")
  if getattr(found, bound) is not None
]
_CHOICES = [name for name, found in table.OPTIONS.items() if found.choices]


def _config(name: str, value) -> ml_collections.ConfigDict:
  config = defaults.get_config()
  if isinstance(table.OPTIONS[name].default, tuple):
    value = (value,)
  config.update_from_flattened_dict({name: value})
  return config


def _refusals(name: str, value) -> list[str]:
  """What is said of a field that has a value, whatever others have."""
  meaning = f"({table.OPTIONS[name].meaning})"
  problems = checks.problems(_config(name, value))
  return [p for p in problems if f" {name} is " in p and p.endswith(meaning)]


def _kind(name: str) -> type:
  default = table.OPTIONS[name].default
  return type(default[0] if isinstance(default, tuple) else default)


@pytest.mark.parametrize(("name", "bound"), _BOUNDED)
def test_values_beyond_a_bound_are_refused(name, bound):
  edge, kind = getattr(table.OPTIONS[name], bound), _kind(name)
  step = kind(1) if kind is int else 1e-3 * max(abs(edge), 1.0)
  outside = kind(edge + step if bound == "most" else edge - step)
  (said,) = _refusals(name, outside)
  assert str(outside) in said and str(edge) in said
  assert "\n" not in said
  at_edge = _refusals(name, kind(edge))
  assert bool(at_edge) == (bound == "above")
  if bound == "above":
    assert not _refusals(name, kind(edge + step))


@pytest.mark.parametrize(
  "name", [name for name in _NUMBERS if _kind(name) is float]
)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_are_finite(name, value):
  (said,) = _refusals(name, value)
  assert str(value) in said


@pytest.mark.parametrize(
  "name",
  [n for n in _NUMBERS if n.startswith(("field.", "style_field."))],
)
def test_modules_can_be_built_at_the_least_of_each_size(name):
  config = _config(name, _kind(name)(table.OPTIONS[name].least))
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


@pytest.mark.parametrize("name", table.OPTIONS)
@pytest.mark.parametrize("value", [None, [], {}, object()])
def test_values_of_another_type_are_refused(name, value):
  assert not table.OPTIONS[name].accepts(value)
  if not isinstance(table.OPTIONS[name].default, bool):
    assert not table.OPTIONS[name].accepts(False)


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


@pytest.mark.parametrize("name", _CHOICES)
def test_choices_are_named(name):
  found = table.OPTIONS[name]
  (said,) = _refusals(name, "nonsense")
  assert all(choice in said for choice in found.choices)
  for choice in found.choices:
    assert not _refusals(name, choice)


@pytest.mark.parametrize("name", table.OPTIONS)
def test_every_field_is_described(name):
  found = table.OPTIONS[name]
  assert found.text and found.accepts(found.default)
  if name in _NUMBERS:
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


def test_the_table_is_printed_and_documented(capsys):
  with pytest.raises(SystemExit) as ended:
    cli.main(["train", "--help-config"])
  assert ended.value.code == 0
  printed = capsys.readouterr().out
  for name in table.OPTIONS:
    assert f"--config.{name}=" in printed
  assert max(map(len, printed.splitlines())) <= 80
  page = pathlib.Path(__file__).parents[2] / "docs" / "config.md"
  assert page.read_text() == checks.as_markdown(), (
    "run `stylized-nerf train --help-config markdown > docs/config.md`"
  )
