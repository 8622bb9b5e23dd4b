"""Which radiance field a config asks for, and a foreign one's arguments."""

import json
from collections.abc import Iterator
from typing import Any

from stylized_nerf_jax import user_error
from stylized_nerf_jax.options import field_kinds, option

FIELD = {
  "kind": option.Option(
    "hash_grid",
    "of the radiance field; others by register_field or an entry point",
    choices=field_kinds.KINDS,
  ),
  "options": option.Option(
    "", "arguments of a registered field, as a JSON object", zero="none"
  ),
}


def parsed(field) -> dict[str, Any]:
  """Returns the arguments of a registered field, by name.

  Lists become tuples: attributes of modules are hashable.

  Args:
    field: `config.field`.

  Raises:
    ValueError: they are no JSON object.
  """
  try:
    options = json.loads(field.options or "{}")
  except ValueError:
    options = None
  if not isinstance(options, dict):
    raise user_error.UserError(
      f"config field field.options is {field.options!r}; expected a JSON "
      'object such as {"width": 32}'
    )
  return {name: _hashable(value) for name, value in options.items()}


def problems(field) -> Iterator[str]:
  """Yields what is wrong with them, a line each."""
  try:
    options = parsed(field)
  except user_error.UserError as error:
    yield str(error)
    return
  if options and field.kind in field_kinds.BUILT_IN:
    yield (
      f"config field field.options is {field.options!r}; expected nothing with "
      f"field.kind={field.kind}, whose arguments are field.{field.kind}"
    )


def _hashable(value):
  return tuple(map(_hashable, value)) if isinstance(value, list) else value
