"""What is made ahead comes in order, and no more of it than asked for."""

import threading

import pytest

from stylized_nerf_jax.host import ahead


def test_results_come_in_order():
  gates = [threading.Event() for _ in range(6)]

  def make(item):
    # Each waits for the next one, so that they end in the reverse order.
    if item % 2 == 0:
      assert gates[item + 1].wait(10)
    gates[item].set()
    return item * item, threading.current_thread()

  results = list(ahead.ahead(make, range(6), workers=2, depth=2))
  assert [value for value, _ in results] == [0, 1, 4, 9, 16, 25]
  assert threading.main_thread() not in {thread for _, thread in results}


@pytest.mark.parametrize("depth", [1, 3])
def test_no_more_than_depth_is_begun_ahead(depth):
  begun = []
  results = ahead.ahead(begun.append, range(10), workers=4, depth=depth)
  assert begun == []
  for taken in range(1, 6):
    next(results)
    assert len(begun) <= taken + depth - 1
  results.close()
  assert len(begun) < 10


def test_an_error_is_raised_in_its_turn():
  def make(item):
    return 1 // (2 - item)

  results = ahead.ahead(make, range(5), workers=2, depth=4)
  assert [next(results), next(results)] == [0, 1]
  with pytest.raises(ZeroDivisionError):
    next(results)


def test_nothing_to_do():
  assert list(ahead.ahead(abs, [], workers=1, depth=2)) == []
