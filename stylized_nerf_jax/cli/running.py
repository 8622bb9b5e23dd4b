"""Runs one command: what goes wrong in it, in words and as an exit status.

What is wrong with the user's input ends in one line on stderr and exit status
2; a defect of ours keeps its traceback. Training that a signal has stopped,
with everything saved, ends with exit status 75.
"""

import argparse
import sys

from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import (
  compilation,
  disk,
  interruption,
  processes,
  progress,
)
from stylized_nerf_jax.rows import device_memory
from stylized_nerf_jax.training import echoes

# Of what JAX says where it is asked for devices that are not there.
_NO_DEVICE = "Unable to initialize backend"
_DEFECT = (
  "This looks like a defect of stylized-nerf, not of what it was given. Please "
  "report it where you got the program from, with these lines and the command."
)


def run(
  name: str, command, args: argparse.Namespace, config_args: list[str]
) -> int:
  """Returns the exit status of a command.

  Args:
    name: of the command.
    command: its module.
    args: its options.
    config_args: those of the config.
  """
  echoes.hide()
  try:
    progress.tell_details(args.verbose)
    compilation.keep_compiled()
    with device_memory.advising(name, "the size or number of pictures"):
      status = command.run(args, config_args)
  except interruption.Interrupted as stopped:
    print(f"stylized-nerf {name}: {stopped}", file=sys.stderr)
    return interruption.EXIT_STATUS
  except (user_error.UserError, OSError) as error:
    print(f"stylized-nerf {name}: {_one_line(error)}", file=sys.stderr)
    return processes.leave(2)
  except KeyboardInterrupt:
    print(f"stylized-nerf {name}: interrupted", file=sys.stderr)
    return 130
  except Exception as defect:
    if _NO_DEVICE in str(defect):
      print(
        f"stylized-nerf {name}: {_one_line(defect)}: JAX has no such device "
        "here; see JAX_PLATFORMS in the environment, and the extra `cuda`",
        file=sys.stderr,
      )
      return processes.leave(2)
    defect.add_note(_DEFECT)
    raise
  return status or 0


def _one_line(error: BaseException) -> str:
  full = disk.is_full(error) and not isinstance(error, disk.DiskFullError)
  if full and isinstance(error, OSError):
    where = f" to write {error.filename}" if error.filename else ""
    return f"no space left{where}: free some and run the same again"
  return " ".join(str(error).split())
