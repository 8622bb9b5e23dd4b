"""Two real processes on this host against one with as many devices."""

import json
import time

import numpy as np
import process_pair
import pytest

from stylized_nerf_jax.host import processes

_STEP = """
import json, socket, sys, time
import jax.numpy as jnp, numpy as np, optax
from stylized_nerf_jax.host import peers, processes
from stylized_nerf_jax.rows import devices, mapping
from stylized_nerf_jax.training import train_steps
from stylized_nerf_jax.training import state as state_lib

def loss_fn(params, scale, batch, key):
  error = scale * batch["x"] @ params - batch["y"]
  loss = jnp.mean(error**2)
  return loss, {"loss": loss}

def work():
  import jax
  random = np.random.default_rng(0)
  x = random.normal(size=(2, 10, 3))
  batch = jax.tree.map(np.float32, {"x": x, "y": x[..., 0]})
  optimizer = optax.sgd(0.1)
  take = train_steps.make_train_steps(loss_fn, optimizer, num_steps=2)
  state = state_lib.create(np.float32([0.3, -1.0, 2.0]), optimizer)
  key = jax.random.key(0)
  state, metrics = take(state, np.float32(0.5), key, batch)
  double = mapping.make_map(lambda two, rows: two * rows, rows_per_device=1)
  return {
    "devices": devices.count(),
    "rows": devices.own_rows(10).tolist(),
    "params": state.params.tolist(),
    "loss": float(metrics["loss"]),
    "doubled": double(np.float32(2), np.arange(9, dtype=np.float32)).tolist(),
    "any": processes.any_of(processes.index() == 1, False),
    "first": processes.by_first(lambda: processes.index() + 7),
    "count": processes.count(),
    "silent": len(silent),
  }

# Some who connect before the others and say nothing.
silent = []

def accept(listener, *args, accept=peers.accept, **options):
  address = listener.getsockname()
  silent.extend(socket.create_connection(address) for _ in range(3))
  return accept(listener, *args, **options)

peers.accept = accept

index, count, coordinator, then = sys.argv[1:]
with processes.joined(coordinator, int(count), int(index)):
  print(json.dumps(work()), flush=True)
  if then == "fail" and index == "1":
    raise ValueError("the disk is gone")
  if then != "end":
    processes.wait("forever") if index == "0" else time.sleep(600)
"""


def _start(folder, count=2, then="end"):
  script = folder / "step.py"
  script.write_text(_STEP)
  arguments = ["{index}", "{count}", "{coordinator}", then]
  return process_pair.Pair(folder, [str(script), *arguments], count)


def _found(pair, index):
  lines = pair.text(index).splitlines()
  return json.loads(next(line for line in lines if line.startswith("{")))


def _await_work(pair, index):
  while '"devices"' not in pair.text(index):
    assert pair.processes[index].poll() is None, pair.text(index)
    time.sleep(0.05)


def test_two_processes_take_the_steps_of_one(tmp_path):
  found = {}
  for count in (1, 2):
    with _start(tmp_path, count) as pair:
      statuses = pair.wait(300)
      texts = [pair.text(i) for i in range(count)]
      assert statuses == [0] * count, texts
      found[count] = [_found(pair, i) for i in range(count)]
  (one,), (first, second) = found[1], found[2]
  assert one["devices"] == first["devices"] == second["devices"] == 4
  assert (one["count"], first["count"], second["count"]) == (1, 2, 2)
  assert (one["silent"], first["silent"], second["silent"]) == (0, 3, 0)
  # Ten rows: two for each device, and one more for the first two.
  assert first["rows"] == [0, 1, 2, 3, 8, 9]
  assert second["rows"][:4] == [4, 5, 6, 7]
  for two in (first, second):
    np.testing.assert_allclose(two["params"], one["params"], rtol=1e-6)
    np.testing.assert_allclose(two["loss"], one["loss"], rtol=1e-6)
    assert two["doubled"] == list(range(0, 18, 2))
    assert (two["any"], two["first"]) == ([True, False], 7)
  assert (one["any"], one["first"]) == ([False, False], 7)


@pytest.mark.parametrize("killed", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_a_killed_process_ends_the_other(tmp_path, killed):
  other = 1 - killed
  with _start(tmp_path, then="wait") as pair:
    for index in (0, 1):
      _await_work(pair, index)
    pair.processes[killed].kill()
    started = time.monotonic()
    status = pair.processes[other].wait(60)
    seconds = time.monotonic() - started
    text = pair.text(other)
  assert status == processes.EXIT_STATUS, text
  assert f"process {other} of 2: process {killed} has ended; no other" in text
  assert "from the last checkpoint" in text
  assert seconds < 30, seconds


@pytest.mark.slow
def test_a_failed_process_tells_the_other_why(tmp_path):
  with _start(tmp_path, then="fail") as pair:
    first, second = pair.wait(300)
    texts = [pair.text(index) for index in (0, 1)]
  assert (first, second) == (processes.EXIT_STATUS, 1), texts
  assert "process 0 of 2: process 1 has ended: the disk is gone" in texts[0]
  assert "ValueError: the disk is gone" in texts[1]


def test_a_process_alone_says_that_the_first_is_not_there(monkeypatch):
  monkeypatch.setattr(processes, "_START_TIMEOUT", 0.3)
  address = f"127.0.0.1:{process_pair.free_port()}"
  message = f"no others at {address} .*refused.*: start every process with"
  with (
    pytest.raises(ValueError, match=message),
    processes.joined(address, 2, 1),
  ):
    pass


def test_alone_nothing_is_waited_for():
  assert (processes.index(), processes.count()) == (0, 1)
  assert processes.is_first()
  assert processes.exchange("x", {"a": 1}) == [{"a": 1}]
  assert processes.any_of(True, False) == [True, False]
  with processes.joined():
    assert processes.by_first(lambda: 3) == 3
  assert processes.leave(5) == 5


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (("h:1", 2, None), r"--process \(or JAX_PROCESS_ID\) is missing"),
    ((None, 2, 0), r"--coordinator \(or JAX_COORDINATOR_ADDRESS\) is miss"),
    (("host", 2, 0), "--coordinator is 'host'; expected host and port"),
    (("h:1", 2, 2), "process 2 of 2 does not exist; expected --process from 0"),
    (("h:1", 2, "x"), "process x of 2 does not exist"),
  ],
)
def test_what_is_missing_or_wrong_is_named(arguments, message, monkeypatch):
  for name in processes._VARIABLES:
    monkeypatch.delenv(name, raising=False)
  with pytest.raises(ValueError, match=message), processes.joined(*arguments):
    pass


def test_the_environment_says_who_is_who(monkeypatch):
  for name, value in zip(processes._VARIABLES, ("h:1", "4", "3")):
    monkeypatch.setenv(name, value)
  assert processes._given(None, None, None) == ("h:1", 4, 3)
  assert processes._given("other:2", None, 1) == ("other:2", 4, 1)
