"""Every command ends by saying what can be done next, in one way."""

import ast
import importlib
import importlib.util
import json
import pathlib
import shlex

import pytest
import tiny_run

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax.cli import main as main_lib
from stylized_nerf_jax.cli.parsing import endings

_PLACES = {
  "run": "runs/my run",
  "scene": "SCENE",
  "styles": "PAINTINGS",
  "name": "tree",
}


@pytest.mark.parametrize("module", sorted(set(main_lib._COMMANDS.values())))
def test_every_command_says_what_is_next(module):
  found = importlib.util.find_spec(f"stylized_nerf_jax.cli.{module}")
  tree = ast.parse(pathlib.Path(found.origin).read_text())
  calls = [
    node
    for node in ast.walk(tree)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "endings.say"
  ]
  assert calls
  named = {
    leaf.value
    for call in calls
    for argument in call.args
    for leaf in ast.walk(argument)
    if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
  }
  # What a task names instead stands in the table, too (`next_steps`).
  assert named <= set(endings.STEPS) | {"all", "report"}


def _said(capsys) -> list[str]:
  return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("name", sorted(endings.STEPS))
def test_commands_that_are_named_can_be_read(name, capsys, monkeypatch):
  monkeypatch.setattr(endings, "_exists", lambda command: True)
  endings.say(name, **_PLACES)
  (line,) = _said(capsys)
  purpose, _, command = line.partition(": `")
  assert purpose.startswith("next, ") and command.endswith("`")
  program, command, *words = shlex.split(command.rstrip("`"))
  assert program == "stylized-nerf"
  if command not in main_lib._COMMANDS:
    assert command in ("view", "export")  # Not in this version yet.
    return
  module = main_lib._COMMANDS[command]
  parser = main_lib.make_parser(
    command, importlib.import_module(f"stylized_nerf_jax.cli.{module}")
  )
  own, config_args = main_lib.config_arguments.apart(words)
  parser.parse_args(own)
  if config_args and "{run}/config.json" not in endings.STEPS[name][1]:
    config_lib.from_flags(config_args)


def test_commands_that_are_not_there_are_not_named(capsys, monkeypatch):
  assert endings._exists("train") and endings._exists("inspect")
  assert not endings._exists("fly")
  monkeypatch.setitem(endings.STEPS, "flight", ("to fly", "fly {run}"))
  endings.say("flight", "report", run="RUN")
  assert _said(capsys) == [
    "next, for all of it on one page, with films: `stylized-nerf report RUN`"
  ]


def test_more_words_are_quoted_as_a_shell_takes_them(capsys):
  endings.say("train", scene="my scene", more=("--config.scene.path=a b",))
  (line,) = _said(capsys)
  assert "--config.scene.path='my scene'" in line
  assert line.endswith("'--config.scene.path=a b'`")


def test_training_ends_with_a_report_and_the_next_steps(
  run_copy, small_weights, capsys
):
  """What is finished is left as it is; a report is made of it."""
  changes = tiny_run.changed_fields(small_weights)
  changes["styles.names"] = ",".join(tiny_run.STYLES)
  flags = [f"--config.{name}={value}" for name, value in changes.items()]
  assert main_lib.main(["train", str(run_copy), *flags]) == 0
  said = _said(capsys)
  assert (run_copy / "report.html").is_file()
  (wrote,) = [line for line in said if line.startswith("wrote ")]
  assert str(run_copy / "report.html") in wrote
  steps = [line for line in said if line.startswith("next, ")]
  assert steps and said[-len(steps) :] == steps
  assert any("evaluate" in line for line in steps)


def test_a_run_that_is_not_done_goes_on(run_copy, capsys):
  path = run_copy / "manifest.json"
  manifest = json.loads(path.read_text())
  manifest["phases"]["finish"]["finished"] = False
  path.write_text(json.dumps(manifest))
  assert main_lib.main(["info", str(run_copy)]) == 0
  (step,) = _said(capsys)
  assert step == (
    f"next, to go on: `stylized-nerf train {run_copy} "
    f"--config={run_copy}/config.json`"
  )
