"""Exit statuses, and which errors keep their traceback."""

import argparse
import importlib
import shlex
import subprocess
import sys
import types

import jax
import jax.numpy as jnp
import messages
import numpy as np
import pytest

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax.cli import main as main_lib
from stylized_nerf_jax.fields import latents, style_field


@pytest.fixture
def run_body(monkeypatch):
  """Function: body of a command, arguments -> exit status of `main`."""

  def run(body, *arguments):
    command = types.SimpleNamespace(
      HELP="does it",
      EXAMPLE="stylized-nerf train",
      add_arguments=lambda parser: parser.add_argument("--count", type=int),
      run=body,
    )
    name = "stylized_nerf_jax.cli.train"
    monkeypatch.setitem(sys.modules, name, command)
    return main_lib.main(["train", *arguments])

  return run


def one_line(capsys) -> str:
  captured = capsys.readouterr()
  assert captured.out == ""
  assert captured.err.endswith("\n") and captured.err.count("\n") == 1
  return captured.err


def test_arguments_are_split_between_parser_and_config(run_body):
  seen = []
  assert run_body(lambda *a: seen.extend(a), "--config.a=1", "--count=2") == 0
  args, config_args = seen
  assert args.count == 2
  assert config_args == ["--config.a=1"]


def test_our_errors_are_one_line(run_body, capsys):
  def body(args, config_args):
    config_lib.from_flags(config_args)

  assert run_body(body, "--config.scene.pth=x") == 2
  assert one_line(capsys) == (
    "stylized-nerf train: unknown config field 'scene.pth'; did you mean "
    "'scene.path'?\n"
  )


def test_our_errors_below_jit_are_one_line(run_body, capsys):
  field = style_field.StyleField(encoding="sines")

  def body(args, config_args):
    points = jnp.zeros((1, 1, 3))
    key = jax.random.PRNGKey(0)
    jax.jit(field.init)(key, points, jnp.zeros(4))

  assert run_body(body) == 2
  assert "encoding is 'sines'" in one_line(capsys)


@pytest.mark.parametrize("missing", ["no/such/file", "."])
def test_files_that_cannot_be_read_are_one_line(run_body, capsys, missing):
  assert run_body(lambda *_: open(missing).close()) == 2  # noqa: PTH123
  assert missing in one_line(capsys)


def test_a_folder_below_a_file_is_one_line(run_body, capsys, tmp_path):
  (tmp_path / "file").write_text("")
  assert run_body(lambda *_: (tmp_path / "file" / "new").mkdir()) == 2
  assert "file/new" in one_line(capsys)


@pytest.mark.parametrize(
  "defect", [lambda: {}["x"], lambda: int("x"), lambda: [][1], lambda: 1 / 0]
)
def test_defects_keep_their_traceback_and_say_what_they_are(run_body, defect):
  wrong = (KeyError, ValueError, IndexError, ZeroDivisionError)
  with pytest.raises(wrong) as raised:
    run_body(lambda *_: defect())
  (note,) = raised.value.__notes__
  assert "like a defect of stylized-nerf" in note


def test_a_device_that_is_not_there_is_one_line(run_body, capsys):
  def body(*_):
    raise RuntimeError("Unable to initialize backend 'cuda': no such plugin")

  assert run_body(body) == 2
  assert "'cuda': no such plugin: JAX has no such device" in one_line(capsys)


def test_a_value_error_out_of_our_own_code_is_a_defect(run_body):
  """C code that one of our files calls has no frame of its own."""

  def body(*_):
    latents.mix(np.zeros((1, 2)), ["heavy"])

  with pytest.raises(ValueError, match="could not convert string"):
    run_body(body)


def test_an_interruption_says_so(run_body, capsys):
  def body(*_):
    raise KeyboardInterrupt

  assert run_body(body) == 130
  assert one_line(capsys) == "stylized-nerf train: interrupted\n"


def test_unknown_commands_name_the_known_ones(capsys):
  assert main_lib.main(["trian"]) == 2
  message = one_line(capsys)
  assert "unknown command 'trian' (did you mean 'train'?)" in message
  assert "train, render, view, region, add-style" in message


def test_usage_lists_every_command(capsys):
  assert main_lib.main([]) == 2
  usage = capsys.readouterr().out
  assert main_lib.main(["--help"]) == 0
  assert capsys.readouterr().out == usage
  for name in main_lib._COMMANDS:
    line = next(x for x in usage.splitlines() if x.startswith(f"  {name} "))
    assert len(line.split()) > 2


@pytest.mark.parametrize("name", list(main_lib._COMMANDS))
def test_every_command_has_help(name, capsys):
  with pytest.raises(SystemExit) as exit_:
    main_lib.main([name, "--help"])
  assert exit_.value.code == 0
  assert f"stylized-nerf {name}" in capsys.readouterr().out


def _parser(name: str) -> argparse.ArgumentParser:
  module = f"stylized_nerf_jax.cli.{main_lib._COMMANDS[name]}"
  return main_lib.make_parser(name, importlib.import_module(module))


@pytest.mark.parametrize("name", list(main_lib._COMMANDS))
def test_every_option_has_a_text_with_its_default(name):
  parser = _parser(name)
  formatter = parser.formatter_class(parser.prog)
  for action in parser._actions:
    text = formatter._expand_help(action)
    assert len(text) > 3, action.option_strings
    if action.option_strings and action.nargs != 0 and not action.required:
      assert "default" in text, action.option_strings
    if isinstance(action.default, int | float) and action.nargs != 0:
      assert f"{action.default:g}" in text


@pytest.mark.parametrize("name", list(main_lib._COMMANDS))
def test_every_command_has_an_example_that_can_be_read(name):
  parser = _parser(name)
  _, found, example = parser.format_help().partition("example:\n")
  assert max(map(len, example.splitlines())) <= 80
  line = example.replace("\\\n", "").replace("--config ", "--config=")
  words = shlex.split(line)
  assert found and words[:2] == ["stylized-nerf", name]
  args, config_args = parser.parse_known_args(words[2:])
  assert all("config" in word for word in config_args)
  assert not args.verbose


@pytest.mark.parametrize(
  "arguments, message",
  [
    (["train"], "which run? `stylized-nerf train RUN ...`, or --workdir RUN"),
    (["train", "--workdir=x", "--phase=4"], "--phase: invalid choice: '4'"),
    (["render", "--workdir=x", "--out=y", "--frames=z"], "invalid int value"),
  ],
)
def test_mistakes_in_options_end_in_one_line(arguments, message, capsys):
  assert main_lib.main(arguments) == 2
  assert message in one_line(capsys)


def test_a_config_is_checked_before_anything_is_made(tmp_path, capsys):
  workdir = tmp_path / "run"
  arguments = ["train", f"--workdir={workdir}", "--config.sed=1"]
  assert main_lib.main(arguments) == 2
  assert "did you mean 'seed'?" in one_line(capsys)
  assert not workdir.exists()


@pytest.mark.parametrize(
  ("line", "twice"),
  [
    ("scene.path is empty: give --config.scene.path=X", ["scene.path"]),
    ("config.scene.path: config field scene.path is empty", ["scene.path"]),
    ("a/b.json: a/b.json: not JSON", ["a/b.json"]),
    ("Error: cannot: error: no", ["error:"]),
    ("a/b: not finished; run `train --workdir a/b`", []),
    ("a/b: holds a/b/c, and b", []),
  ],
)
def test_what_is_said_twice_is_found(line, twice):
  assert messages.said_twice(line) == twice


def test_help_brings_no_numbers():
  """Help of all commands, in a process that has imported nothing yet."""
  code = (
    "import contextlib, io, sys\n"
    "from stylized_nerf_jax.cli import main\n"
    "for name in ['', *main._COMMANDS]:\n"
    "  with contextlib.redirect_stdout(io.StringIO()):\n"
    "    with contextlib.suppress(SystemExit):\n"
    "      main.main([*name.split(), '--help'])\n"
    "print(*{'jax', 'numpy', 'ml_collections', 'flax'} & set(sys.modules))\n"
  )
  done = subprocess.run(
    [sys.executable, "-c", code], capture_output=True, text=True, check=True
  )
  assert done.stdout == "\n"
