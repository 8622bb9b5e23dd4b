"""What processes tell each other, here threads over a service in memory."""

import concurrent.futures
import functools
import threading

import pytest

from stylized_nerf_jax.host import exchange as exchange_lib

_PATIENCE = 10.0  # seconds


class Service:
  """Keeps text under names, as jax's does."""

  def __init__(self):
    self.kept, self._changed = {}, threading.Condition()

  def key_value_set(self, key, value):
    with self._changed:
      assert key not in self.kept
      self.kept[key] = value
      self._changed.notify_all()

  def blocking_key_value_get(self, key, timeout_in_ms):
    with self._changed:
      assert self._changed.wait_for(lambda: key in self.kept, _PATIENCE)
      return self.kept[key]

  def key_value_delete(self, key):
    with self._changed:
      del self.kept[key]


def _all(call, count=3):
  with concurrent.futures.ThreadPoolExecutor(count) as pool:
    futures = [pool.submit(call, index) for index in range(count)]
    return [future.result(_PATIENCE) for future in futures]


def _take_step(exchanges, number, index):
  return exchanges[index](f"step {number}", {"i": [index, number]})


def test_every_process_gets_the_values_of_all():
  service = Service()
  exchanges = [exchange_lib.Exchange(i, 3, service) for i in range(3)]
  for number in range(20):
    found = _all(functools.partial(_take_step, exchanges, number))
    assert found == [[{"i": [i, number]} for i in range(3)]] * 3
    # No more is kept than what one may not have taken yet.
    assert len(service.kept) <= 6


def test_none_is_in_step_before_all_have_come():
  service, came = Service(), []
  exchanges = [exchange_lib.Exchange(i, 3, service) for i in range(3)]
  late = threading.Event()

  def come(index):
    if index == 2:
      late.wait(_PATIENCE)
      came.append("late")
    exchanges[index]("here", None)
    came.append(index)

  threading.Timer(0.2, late.set).start()
  _all(come)
  assert came[0] == "late" and sorted(came[1:]) == [0, 1, 2]


def test_processes_out_of_step_are_an_error():
  service = Service()
  exchanges = [exchange_lib.Exchange(i, 2, service) for i in range(2)]

  def come(index):
    at = ("save", "stop")[index]
    with pytest.raises(RuntimeError) as error:
      exchanges[index](at, None)
    return str(error.value)

  assert _all(come, 2) == [
    "processes are out of step: process 1 is at 'stop', process 0 at 'save'",
    "processes are out of step: process 0 is at 'save', process 1 at 'stop'",
  ]
