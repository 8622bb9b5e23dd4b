"""Overrides, config files and what is said about mistakes in them."""

import json
import pathlib

import ml_collections
import pytest

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import defaults, pretraining_defaults
from stylized_nerf_jax.options import checks

FOLDER = pathlib.Path(__file__).parents[1] / "configs"
ARGUMENTS = {
  "ablation": ("one_way", "no_consistency", "no_latents"),
  "paper": ("", "fern", "lego"),
}
FIELDS = {"stylizer": pretraining_defaults.FIELDS}
SHIPPED = [
  (path, argument)
  for path in sorted(FOLDER.glob("*.py"))
  for argument in ARGUMENTS.get(path.stem, ("",))
]


def leaf(config, name):
  for key in name.split("."):
    config = config[key]
  return config


def refused(*arguments) -> str:
  with pytest.raises(config_lib.ConfigError) as caught:
    config_lib.from_flags(arguments)
  assert "\n" not in str(caught.value)
  return str(caught.value)


@pytest.fixture
def write_config(tmp_path):
  """Function: name, body of `get_config`, lines before it -> path."""

  def write(body, before="", name="mine.py"):
    path = tmp_path / name
    path.write_text(
      "from stylized_nerf_jax import defaults\n"
      f"{before}\n"
      "def get_config(steps='7'):\n"
      "  config = defaults.get_config()\n"
      f"  {body}\n"
      "  return config\n"
    )
    return path

  return write


@pytest.mark.parametrize(
  ("name", "text", "value"),
  [
    ("seed", "3", 3),
    ("radiance_field.learning_rate", "1", 1.0),
    ("radiance_field.learning_rate", "2.5e-4", 2.5e-4),
    ("mutual_learning.mimic_coarse", "true", True),
    ("mutual_learning.learn_latents", "False", False),
    ("scene.path", "a=b, c", "a=b, c"),
    ("scene.path", "", ""),
    ("styles.names", "7", "7"),
    ("evaluation.gaps", "(2, 9)", (2, 9)),
    ("evaluation.gaps", "2,9,11", (2, 9, 11)),
    ("field.hash_grid.width", "8", 8),
  ],
)
def test_overrides_of_every_type(name, text, value):
  for arguments in ([f"--config.{name}={text}"], [f"--config.{name}", text]):
    config = config_lib.from_flags(arguments)
    assert leaf(config, name) == value
    assert type(leaf(config, name)) is type(value)
  expected = defaults.get_config()
  expected.update_from_flattened_dict({name: value})
  assert config.to_dict() == expected.to_dict()


def test_the_last_of_two_overrides_counts_and_the_result_is_frozen():
  config = config_lib.from_flags(["--config.seed=1", "--config.seed=2"])
  assert config.seed == 2
  assert isinstance(config, ml_collections.FrozenConfigDict)
  hash(config)
  with pytest.raises(AttributeError):
    config.seed = 3
  assert config_lib.from_flags([]).seed == defaults.get_config().seed


@pytest.mark.parametrize(
  ("name", "nearest"),
  [
    ("scene.pth", "'scene.path'"),
    ("radiance_feild.steps", "'radiance_field.steps'"),
    ("radiance_field.learning_rat", "'radiance_field.learning_rate'"),
    ("wrong_place_altogether.holdout", "'scene.holdout'"),
  ],
)
def test_an_unknown_field_names_the_nearest(name, nearest):
  message = refused(f"--config.{name}=3")
  assert f"unknown config field '{name}'" in message
  assert f"did you mean {nearest}?" in message


def test_a_field_like_no_other_and_a_section_are_named():
  assert refused("--config.zzzz=3") == "unknown config field 'zzzz'"
  message = refused("--config.field.hash_grid=3")
  assert "'field.hash_grid' is a section; set 'field.hash_grid." in message


@pytest.mark.parametrize(
  ("name", "text"),
  [
    ("seed", "1.5"),
    ("seed", "many"),
    ("seed", ""),
    ("radiance_field.learning_rate", "fast"),
    ("mutual_learning.mimic_coarse", "maybe"),
    ("evaluation.gaps", "(1.5, 2)"),
    ("evaluation.gaps", "long"),
  ],
)
def test_a_value_of_the_wrong_type_names_the_field(name, text):
  message = refused(f"--config.{name}={text}")
  assert name in message and text.strip("()") in message


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["--workdri=x"], "unknown argument '--workdri=x'"),
    (["runs/a"], "unknown argument 'runs/a'"),
    (["config.json"], "unknown argument 'config.json'"),
    (["--configs.seed=1"], "unknown argument '--configs.seed=1'"),
    (["--config.seed"], "--config.seed needs a value"),
    (["--config.seed", "--config.seed=1"], "--config.seed needs a value"),
    (["--config"], "--config needs a value"),
    (["--config=no.py"], "config file no.py does not exist"),
    (["--config=no.py:7"], "config file no.py does not exist"),
    (["--config=no.json"], "config file no.json cannot be read"),
  ],
)
def test_wrong_arguments_are_named(arguments, message):
  assert message in refused(*arguments)


def test_a_file_with_an_argument_and_overrides(write_config):
  path = write_config("config.radiance_field.steps = int(steps)")
  config = config_lib.from_flags([f"--config={path}"])
  assert config.radiance_field.steps == 7
  config = config_lib.from_flags(
    ["--config.seed=4", "--config", f"{path}:9", "--config.scene.holdout=5"]
  )
  assert (config.seed, config.radiance_field.steps) == (4, 9)
  assert config.scene.holdout == 5


@pytest.mark.parametrize(
  ("body", "message"),
  [
    ("config.scene.hold = 1", "'scene.hold'; did you mean 'scene.holdout'?"),
    ("raise ValueError('use\\nfern')", "line 5: ValueError: use fern"),
    ("raise KeyError('fern')", "line 5: KeyError: 'fern'"),
    ("undefined", "line 5: NameError: name 'undefined' is not defined"),
    ("config.seed = 'a'", "line 5: TypeError: Could not override field 'seed'"),
    ("return None", "returned None; expected a ConfigDict"),
    ("return", "returned None; expected a ConfigDict"),
    ("config = config.scene", "unknown config field 'background'"),
    ("(", "SyntaxError"),
  ],
)
def test_what_is_wrong_with_a_python_file(write_config, body, message):
  path = write_config(body)
  assert message in refused(f"--config={path}")


def test_a_python_file_without_the_function_or_its_argument(write_config):
  path = write_config("pass", before="import no_such_module")
  assert "No module named 'no_such_module'" in refused(f"--config={path}")
  path.write_text("x = 1")
  assert "has no attribute 'get_config'" in refused(f"--config={path}")
  path.write_text("def get_config(name):\n  pass")
  assert "missing 1 required" in refused(f"--config={path}")


def test_a_json_file_sets_some_fields(tmp_path):
  path = tmp_path / "a.json"
  fields = {"seed": 5, "evaluation": {"gaps": [2, 3]}, "scene": {"path": "p"}}
  fields["radiance_field"] = {"learning_rate": 1}
  path.write_text(json.dumps(fields))
  config = config_lib.from_flags([f"--config={path}", "--config.seed=6"])
  assert config.seed == 6
  assert config.evaluation.gaps == (2, 3)
  assert config.scene.path == "p"
  assert type(config.radiance_field.learning_rate) is float
  assert config.field == config_lib.from_flags([]).field


@pytest.mark.parametrize(
  ("text", "message"),
  [
    ("{", "is no JSON"),
    ("\xff", "is no JSON"),
    ("[1]", "holds no JSON object"),
    ('{"sed": 1}', "unknown config field 'sed'; did you mean 'seed'?"),
    ('{"seed": "a"}', "seed is 'a'; expected a value like 0"),
    ('{"scene": 3}', "'scene' is a section"),
    ('{"scene": {"path": {"x": 1}}}', "unknown config field 'scene.path.x'"),
    ('{"evaluation": {"gaps": ["a"]}}', "gaps is ('a',)"),
    ('{"evaluation": {"gaps": 3}}', "gaps is 3"),
  ],
)
def test_what_is_wrong_with_a_json_file(tmp_path, text, message):
  path = tmp_path / "a.json"
  path.write_bytes(text.encode("latin-1"))
  assert message in refused(f"--config={path}")


def test_a_folder_is_no_config_file(tmp_path):
  assert "does not exist" in refused(f"--config={tmp_path}")
  (tmp_path / "a.json").mkdir()
  assert "cannot be read" in refused(f"--config={tmp_path / 'a.json'}")


def test_save_and_load_restore_every_field(tmp_path):
  for base in (defaults.get_config, pretraining_defaults.get_config):
    config = base()
    config_lib.save(ml_collections.FrozenConfigDict(config), tmp_path / "c")
    loaded = config_lib.load(tmp_path / "c")
    assert loaded.to_dict() == config.to_dict()
    assert hash(ml_collections.FrozenConfigDict(loaded)) == hash(
      ml_collections.FrozenConfigDict(config)
    )
    assert config_lib.from_plain(config_lib.plain(config)) == config


def test_save_writes_the_same_text_whatever_the_order(tmp_path):
  fields = {"b": {"d": 1, "c": (1, 2)}, "a": 2.5}
  reverse = {"a": 2.5, "b": {"c": (1, 2), "d": 1}}
  for name, values in (("one", fields), ("two", reverse)):
    config_lib.save(ml_collections.ConfigDict(values), tmp_path / name)
  assert (tmp_path / "one").read_text() == (tmp_path / "two").read_text()


@pytest.mark.parametrize(
  ("path", "argument"), SHIPPED, ids=[f"{p.stem}:{a}" for p, a in SHIPPED]
)
def test_shipped_configs_load_and_survive_saving(path, argument, tmp_path):
  fields = FIELDS.get(path.stem, checks.RUN)
  flag = f"--config={path}" + (f":{argument}" if argument else "")
  config = config_lib.from_flags([flag], fields=fields)
  config_lib.check_values(config, fields)
  config_lib.save(config, tmp_path / "saved.json")
  again = config_lib.from_flags(
    [f"--config={tmp_path / 'saved.json'}"], fields=fields
  )
  assert again.to_dict() == config.to_dict()


def test_there_are_shipped_configs():
  assert {"fast", "paper", "stylizer"} <= {path.stem for path, _ in SHIPPED}


def test_a_config_for_another_command_is_refused():
  path = FOLDER / "stylizer.py"
  assert "unknown config field" in refused(f"--config={path}")


def test_defaults_are_new_objects_of_plain_values():
  first, second = defaults.get_config(), defaults.get_config()
  first.scene.path = "elsewhere"
  assert second.scene.path == "synthetic"
  assert json.loads(json.dumps(config_lib.plain(second))) == config_lib.plain(
    second
  )


@pytest.mark.parametrize(
  "base", [defaults.get_config, pretraining_defaults.get_config]
)
def test_every_default_is_read_somewhere(base):
  """A field that no code reads is a promise that is not kept."""
  package = pathlib.Path(defaults.__file__).parent
  source = "".join(
    path.read_text()
    for path in package.rglob("*.py")
    if path.name not in ("table.py", "pretraining_table.py")
  )
  flat = base().to_dict()

  def names(fields):
    for name, value in fields.items():
      yield name
      if isinstance(value, dict):
        yield from names(value)

  unread = [name for name in names(flat) if name not in source]
  assert unread == []
