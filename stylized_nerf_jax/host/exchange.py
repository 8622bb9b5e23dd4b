"""What the processes of one run tell each other, through jax's own service.

The service, which process 0 runs, keeps text under names. Every exchange is
numbered; each process leaves its value there and takes those of all.
"""

import json
from typing import Any, Protocol

_FOLDER = "stylized_nerf_jax/exchange"
# How long a value is waited for, in milliseconds: as long as it takes. Who has
# gone is found out otherwise (`peers.py`).
_FOREVER = 10**9


class Service(Protocol):
  """What is used of the client of jax's service."""

  def key_value_set(self, key: str, value: str) -> None: ...
  def blocking_key_value_get(self, key: str, timeout_in_ms: int) -> str: ...
  def key_value_delete(self, key: str) -> None: ...


class Exchange:
  """One process' side of all exchanges.

  Args:
    index: of this process.
    count: of all.
    service: client of jax's service.
  """

  def __init__(self, index: int, count: int, service: Service):
    self._index, self._count, self._service = index, count, service
    self._number = 0

  def __call__(self, what: str, value: Any) -> list[Any]:
    """Gives every process the values of all; returns when all have come here.

    Args:
      what: is exchanged; all must mean the same.
      value: JSON-able.

    Returns:
      The values by index of their processes.

    Raises:
      RuntimeError: the processes exchange different things.
    """
    own = json.dumps({"what": what, "value": value})
    self._service.key_value_set(self._name(self._number, self._index), own)
    values = []
    for other in range(self._count):
      name = self._name(self._number, other)
      found = json.loads(self._service.blocking_key_value_get(name, _FOREVER))
      if found["what"] != what:
        raise RuntimeError(
          f"processes are out of step: process {other} is at "
          f"{found['what']!r}, process {self._index} at {what!r}"
        )
      values.append(found["value"])
    # All have come here, and so have taken what was there one exchange ago.
    if self._number:
      self._service.key_value_delete(self._name(self._number - 1, self._index))
    self._number += 1
    return values

  def _name(self, number: int, index: int) -> str:
    return f"{_FOLDER}/{number}/{index}"
