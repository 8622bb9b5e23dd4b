"""What scripts share: results, times, files of runs, processes of their own."""

import json
import pathlib
import subprocess
import sys

import pytest

_EXPERIMENTS = pathlib.Path(__file__).parents[2] / "experiments"
_IMPORT = """
import sys
from support import arguments, commands, results, run_files
print([name for name in ("jax", "stylized_nerf_jax") if name in sys.modules])
"""


@pytest.fixture(autouse=True)
def _on_path(monkeypatch):
  monkeypatch.syspath_prepend(_EXPERIMENTS)


def test_a_result_says_how_it_was_made_and_tables_come_last(
  monkeypatch, tmp_path
):
  from support import results

  monkeypatch.setattr(results, "_FOLDER", tmp_path)
  command = ["experiments/x.py", "--run", "/elsewhere/fern", "--out=runs/a b"]
  monkeypatch.setattr(sys, "argv", [*command, "--config.scene.path=../fox"])
  found = {"one": {"wall_s": 1.5, "cpu_s": 2}, "two": {"wall_s": 3, "cpu_s": 4}}
  rows = results.rows_of(found, ["cpu_s"])
  results.write_table("x", ("phase", "CPU, s"), rows, steps=7)
  content = json.loads(results.path_of("x").read_text())
  assert list(content) == ["date", "command", "machine", "steps", "table"]
  assert content["command"] == (
    "python experiments/x.py --run fern '--out=runs/a b'"
    " --config.scene.path=fox"
  )
  table = {"columns": ["phase", "CPU, s"], "rows": [["one", 2], ["two", 4]]}
  assert content["steps"] == 7 and content["table"] == table


def test_calls_take_turns_after_a_first_round():
  from support import timing

  made = []
  calls = {name: lambda name=name: made.append(name) for name in ("a", "b")}
  first, times = timing.in_turn(calls, 2, before_round=lambda: made.append("-"))
  assert "".join(made) == "ab-ab-ab"
  assert set(first) == {"a", "b"}
  assert [len(times[name]) for name in "ab"] == [2, 2]


def test_the_newest_complete_checkpoint_of_a_run_is_found(tmp_path):
  from support import run_files

  run, phase = tmp_path, run_files.FIELD
  assert run_files.facts(run, phase) == {}
  assert run_files.newest(run, phase) == -1
  for name in ("9", "10", "11.orbax-checkpoint-tmp-0"):
    (run / phase / "checkpoints" / name).mkdir(parents=True)
  assert run_files.steps(run, phase) == [10, 9] and run_files.is_saving(run)
  manifest = {"phases": {phase: {"finished": True}}}
  (run / "manifest.json").write_text(json.dumps(manifest))
  assert run_files.is_finished(run, phase)
  assert run_files.current_phase(run) == "stylizer"


@pytest.mark.parametrize(
  "kind, left", [("missing", None), ("truncated", b"ab"), ("flipped", b"abgd")]
)
def test_damage_is_done_to_the_middle_of_a_file(tmp_path, kind, left):
  from support import run_files

  path = tmp_path / "file"
  path.write_bytes(b"abcd")
  run_files.damage(path, kind)
  assert (path.read_bytes() if path.exists() else None) == left
  assert {kind} <= set(run_files.DAMAGES)


def test_who_only_starts_processes_loads_no_jax():
  done = subprocess.run(
    [sys.executable, "-c", _IMPORT],
    cwd=_EXPERIMENTS,
    capture_output=True,
    text=True,
    check=True,
  )
  assert done.stdout == "[]\n"
