"""What a phase was made from: as JSON, as a hash, and how two of it differ."""

import hashlib
import json
from collections.abc import Mapping


def as_json(values: Mapping[str, object]) -> dict:
  """Returns the values as they come back from JSON."""
  return json.loads(json.dumps(dict(values), sort_keys=True))


def fingerprint(inputs) -> str:
  """Returns a hash of JSON-able inputs."""
  text = json.dumps(inputs, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()[:16]


def differences(before, after, prefix: str = "") -> list[str]:
  """Names the entries that differ between two nested dicts."""
  names = []
  for key in sorted(set(before) | set(after)):
    old, new = before.get(key), after.get(key)
    if old == new:
      continue
    if isinstance(old, dict) and isinstance(new, dict):
      names += differences(old, new, f"{prefix}{key}.")
    elif isinstance(old, int | float) and isinstance(new, int | float):
      names.append(f"{prefix}{key} ({old:g} -> {new:g})")
    else:
      names.append(prefix + key)
  return names
