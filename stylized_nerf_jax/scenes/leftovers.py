"""What a scene's files hold and its reader did not use: a line for each kind.

Nothing that was found is passed over in silence: these lines go into
`Scene.messages`.
"""

import pathlib
from collections.abc import Collection, Iterable, Sequence


def some(names: Iterable[str], most: int = 3) -> str:
  """Names the first few of many: "a, b, c and 14 more"."""
  names = list(names)
  rest = len(names) - most
  if rest <= 1:
    return ", ".join(names[: most + 1])
  return f"{', '.join(names[:most])} and {rest} more"


def left_out(names: Sequence[str], what: str, why: str) -> list[str]:
  """Returns a message that some of what was found is not used; or none.

  Args:
    names: of it.
    what: one of it is, such as "picture"; its plural takes an s.
    why: it is not used, such as "has no pose"; said of one or of each.
  """
  if not names:
    return []
  if len(names) == 1:
    return [f"1 {what} is not used, for it {why}: {names[0]}"]
  return [f"{len(names)} {what}s are not used, for each {why}: {some(names)}"]


def unread_keys(
  found: Iterable[str], known: Collection[str], source: pathlib.Path
) -> list[str]:
  """Returns a message of what a file or folder holds and no reader knows."""
  keys = sorted({str(key)[:40] for key in found} - set(known))
  if not keys:
    return []
  return [f"{source.name}: not read: {some(keys, most=8)}"]


def unread_entries(root: pathlib.Path, read: Collection[str]) -> list[str]:
  """Returns a message of what lies in a folder beside what a reader takes.

  What begins with a dot is hidden, and goes without saying.

  Args:
    root: folder of the scene.
    read: names of files and folders in it that are read, or said elsewhere.
  """
  names = [path.name for path in root.iterdir()]
  names = [name for name in names if not name.startswith(".")]
  return unread_keys(names, read, root.resolve())
