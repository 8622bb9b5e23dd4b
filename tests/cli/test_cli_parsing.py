"""A run by position or by name, and what belongs to the config."""

import pytest

from stylized_nerf_jax.cli import main as main_lib
from stylized_nerf_jax.cli.parsing import config_arguments

_READERS = ("render", "region", "evaluate", "info", "plot")
_NEEDED = {"render": ["--out=x.mp4"], "region": [], "plot": []}


@pytest.mark.parametrize(
  ("line", "others", "config"),
  [
    ("RUN --config fast", "RUN", "--config fast"),
    ("--config fast RUN", "RUN", "--config fast"),
    ("--config=fast RUN -v", "RUN -v", "--config=fast"),
    ("--config.a.b 3 --out x", "--out x", "--config.a.b 3"),
    ("--config.a.b --out x", "--out x", "--config.a.b"),
    ("--configure 3 config", "--configure 3 config", ""),
    ("-config.a=1 --config.b=-2", "", "-config.a=1 --config.b=-2"),
    ("--config", "", "--config"),
  ],
)
def test_values_of_the_config_are_no_positions(line, others, config):
  found = config_arguments.apart(line.split())
  assert found == (others.split(), config.split())


@pytest.mark.parametrize("form", ["{}", "--workdir={}", "--workdir {}"])
@pytest.mark.parametrize("command", _READERS)
def test_a_run_that_is_not_there_is_named(command, form, tmp_path, capsys):
  missing = str(tmp_path / "absent")
  arguments = [*_NEEDED.get(command, []), *form.format(missing).split()]
  assert main_lib.main([command, *arguments]) == 2
  line = capsys.readouterr().err
  assert f"{missing}: no such run" in line and line.count("\n") == 1


@pytest.mark.parametrize("command", ["train", "demo", "train-stylizer"])
def test_commands_that_make_a_run_ask_for_its_name(command, capsys):
  assert main_lib.main([command]) == 2
  line = capsys.readouterr().err
  assert f"`stylized-nerf {command} RUN ...`, or --workdir RUN" in line


@pytest.mark.parametrize("command", [*_NEEDED, "import-jaxnerf"])
def test_a_run_is_asked_for(command, capsys):
  first = ["CHECKPOINT"] if command == "import-jaxnerf" else []
  arguments = [command, *first, *_NEEDED.get(command, [])]
  assert main_lib.main(arguments) == 2
  assert "which run?" in capsys.readouterr().err


def test_two_runs_are_refused(tmp_path, capsys):
  assert main_lib.main(["info", "one", "--workdir=two"]) == 2
  assert "two runs, one and --workdir two" in capsys.readouterr().err
  assert main_lib.main(["info", str(tmp_path), f"--workdir={tmp_path}"]) == 2
  assert "is no run" in capsys.readouterr().err


def test_a_config_may_stand_before_the_run(finished_run, capsys):
  arguments = ["info", "--config", "fast", str(finished_run)]
  assert main_lib.main(arguments) == 2
  assert "either a RUN or --config" in capsys.readouterr().err
  assert main_lib.main(["info", str(finished_run)]) == 0
  by_position = capsys.readouterr().out
  assert main_lib.main(["info", "--workdir", str(finished_run)]) == 0
  assert capsys.readouterr().out == by_position
