"""Presets by name: in programs, on the command line, and as files."""

import pathlib

import pytest

import stylized_nerf_jax as snj
from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import presets
from stylized_nerf_jax.cli import main as cli
from stylized_nerf_jax.options import pretraining_table

_CONFIGS = pathlib.Path(__file__).parents[1] / "configs"
_RUNS = (
  "fast",
  "paper:lego",
  "paper",
  "ablation:one_way",
  "demo",
  "demo:quick",
)


def test_files_and_names_are_the_same_presets():
  assert {path.stem for path in _CONFIGS.glob("*.py")} == set(presets.NAMES)


@pytest.mark.parametrize("name", _RUNS)
def test_a_name_works_as_a_file_does(name, monkeypatch, tmp_path):
  monkeypatch.chdir(tmp_path)
  stem, _, argument = name.partition(":")
  file = f"{_CONFIGS / stem}.py" + (f":{argument}" if argument else "")
  by_name = config_lib.from_flags([f"--config={name}", "--config.seed=3"])
  by_file = config_lib.from_flags([f"--config={file}", "--config.seed=3"])
  assert by_name == by_file and by_name.seed == 3
  config = snj.get_config(name)
  config.seed = 3
  assert config.to_dict() == by_name.to_dict()


def test_the_stylizers_preset_has_its_own_fields():
  fields = pretraining_table.PRETRAINING
  found = config_lib.from_flags(["--config", "stylizer"], fields=fields)
  assert found.to_dict() == snj.get_config("stylizer").to_dict()
  assert config_lib.from_flags([]).to_dict() == snj.get_config().to_dict()


def test_a_file_goes_before_a_preset(monkeypatch, tmp_path):
  monkeypatch.chdir(tmp_path)
  (tmp_path / "fast").write_text(
    "import ml_collections\n"
    "def get_config():\n"
    "  return ml_collections.ConfigDict({'seed': 9})\n"
  )
  assert config_lib.from_flags(["--config=fast"]).seed == 9


@pytest.mark.parametrize(
  ("name", "message"),
  [
    ("fats", "'fats' is unknown; expected one of ablation, demo, fast"),
    ("paper:room", "paper:room is unknown; use fern or lego"),
    ("ablation:all", "ablation:all is unknown; use one_way"),
    ("fast:er", "'fast:er'"),
    ("__init__", "is unknown"),
    ("ablation", "'ablation'"),
  ],
)
def test_unknown_presets_are_one_line(name, message):
  with pytest.raises(ValueError, match=message) as refused:
    snj.get_config(name)
  assert "\n" not in str(refused.value)
  with pytest.raises(ValueError):
    config_lib.from_flags([f"--config={name}"])


def test_the_command_says_its_version(capsys):
  assert cli.main(["--version"]) == 0
  assert capsys.readouterr().out == f"stylized-nerf {snj.__version__}\n"
