"""What is asked of every message: that it says a thing once."""

import collections
import re

# Fields of a config, and whatever has folders in it.
_FIELD = re.compile(r"(?:--)?(?:config\.)?([a-z_]+(?:\.[a-z_]+)+)")
_FAULTS = ("error:", "stylized-nerf:")


def said_twice(line: str) -> list[str]:
  """Returns what a message repeats: paths, config fields, or "error:".

  Commands that it proposes, between backticks, may name things again, and so
  may values that were found, between quotes.
  """
  text = re.sub(r"`[^`]*`|'[^']*'", "", line).replace("=", " ")
  words = [word.strip(".,:;()[]{}\"'=") for word in text.split()]
  named = [word for word in words if "/" in word and len(word) > 3]
  fields = [found[1] for word in words if (found := _FIELD.fullmatch(word))]
  counts = collections.Counter([*named, *fields])
  doubled = [name for name, count in counts.items() if count > 1]
  return doubled + [f for f in _FAULTS if text.lower().count(f) > 1]
