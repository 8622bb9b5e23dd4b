"""Work done ahead of who needs it, in worker threads."""

import collections
import concurrent.futures
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

_Item, _Made = TypeVar("_Item"), TypeVar("_Made")


def ahead(
  make: Callable[[_Item], _Made],
  items: Iterable[_Item],
  *,
  workers: int,
  depth: int,
) -> Iterator[_Made]:
  """Yields `make(item)` of every item, in order.

  What `make` raises is raised in the item's turn. Closing the iterator waits
  for what has been begun, and begins nothing more.

  Args:
    make: called in threads of their own, several at a time.
    items: taken in the caller's thread, `depth` of them ahead.
    workers: threads.
    depth: results that are made, or waited for, at a time: what memory holds.
  """
  pool = concurrent.futures.ThreadPoolExecutor(workers)
  items = iter(items)
  begun = collections.deque()
  try:
    while True:
      for item in items:
        begun.append(pool.submit(make, item))
        if len(begun) >= depth:
          break
      if not begun:
        return
      yield begun.popleft().result()
  finally:
    pool.shutdown(cancel_futures=True)
