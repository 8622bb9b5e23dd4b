"""One process at a time trains in a folder.

The kernel holds the lock and releases it when the process ends, however it
ends. The text in the file only tells others who has it.
"""

import contextlib
import datetime
import errno
import fcntl
import json
import os
import pathlib
import socket
from collections.abc import Iterator

from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import progress

_NAME = "lock"
_UNKNOWN = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


@contextlib.contextmanager
def hold(folder: pathlib.Path, *, option: str = "--workdir") -> Iterator[None]:
  """Holds the lock of a folder while the block runs.

  Where the file system knows no locks, the user is told and it goes on.

  Args:
    folder: must exist.
    option: that names it, for messages.

  Raises:
    ValueError: another process has it; names process, host and time.
  """
  # "a+": nothing of the holder's text is lost by looking.
  with (folder / _NAME).open("a+") as file:
    try:
      fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
      holder = _read(file) or "another process"
      raise user_error.UserError(
        f"{option} {folder} is in use by {holder}: wait until it ends, stop "
        f"it, or use another {option}"
      ) from None
    except OSError as error:
      if error.errno not in _UNKNOWN:
        raise
      progress.say(
        f"{folder} cannot be locked ({error.strerror}): take care that no "
        "other process writes to it"
      )
    if earlier := _read(file):
      progress.say(f"{earlier} ended in {folder} before it was done; going on")
    _write(file, _describe_self())
    try:
      yield
    finally:
      # Emptied and not removed: another process may be waiting to open it.
      _write(file, "")


def _describe_self() -> str:
  return json.dumps(
    {
      "pid": os.getpid(),
      "host": socket.gethostname(),
      "since": datetime.datetime.now().isoformat(" ", "seconds"),
    }
  )


def _write(file, text: str) -> None:
  file.seek(0)
  file.truncate()
  file.write(text)
  file.flush()


def _read(file) -> str:
  """Says who wrote the text of a lock; "" where there is none."""
  file.seek(0)
  text = file.read()
  if not text:
    return ""
  try:
    holder = json.loads(text)
    return (
      f"process {holder['pid']} on {holder['host']} (since {holder['since']})"
    )
  except (ValueError, LookupError, TypeError):
    return "another process"
