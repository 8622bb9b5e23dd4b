"""Kinds of radiance fields by their names: this package's and others'.

A name in a config means one of these and nothing else: configs and model files
are data, and what they name is never imported. Another package's field is known
once a program has registered it, or by its installed metadata, the entry points
of `GROUP`; only the one that a config names is loaded.
"""

import importlib.metadata
from collections.abc import Iterator
from typing import Any

from stylized_nerf_jax import user_error

BUILT_IN = ("hash_grid", "positional", "jaxnerf")
GROUP = "stylized_nerf_jax.fields"

_registered: dict[str, type] = {}


def register_field(name: str, cls: type) -> None:
  """Makes a class of fields known by a name, for `config.field.kind`.

  Runs and model files remember the name alone: a program registers the class
  before it trains, loads or renders.

  Args:
    name: not that of a field of this package.
    cls: of flax modules that keep the protocol `fields.field.Field`. It is
      built by `cls.for_space(space, **options)` where it has such a method, and
      otherwise by `cls(**options)`; options are `config.field.options`.

  Raises:
    ValueError: the name is taken by another class, or is no name.
  """
  if not isinstance(name, str) or not name.isidentifier() or name in BUILT_IN:
    raise user_error.UserError(
      f"field name is {name!r}; expected a name such as my_field, none of "
      f"{', '.join(BUILT_IN)}"
    )
  known = _registered.setdefault(name, cls)
  if known is not cls and _place(known) != _place(cls):
    raise user_error.UserError(
      f"field name {name!r} is taken by {'.'.join(_place(known))}; expected "
      f"another name for {'.'.join(_place(cls))}"
    )
  # Of a cell or module that was run again, the newer class counts.
  _registered[name] = cls


def find(name: str) -> type:
  """Returns the class that is registered by a name, here or by metadata.

  Raises:
    ValueError: there is none, or what the metadata names cannot be imported.
  """
  if name in _registered:
    return _registered[name]
  for point in _entry_points(name=name):
    try:
      return point.load()
    except (ImportError, AttributeError) as error:
      raise user_error.UserError(
        f"config field field.kind is {name!r}, which the installed entry point "
        f"{point.value} cannot give ({error}): repair that package"
      ) from None
  raise user_error.UserError(
    f"config field field.kind is {name!r}; expected one of {', '.join(KINDS)}: "
    "import what gives it to stylized_nerf_jax.register_field, or install what "
    f"names it as an entry point of {GROUP}"
  )


def _place(cls: type) -> tuple[str, str]:
  return cls.__module__, cls.__qualname__


def _entry_points(**wanted: Any) -> importlib.metadata.EntryPoints:
  return importlib.metadata.entry_points(group=GROUP, **wanted)


class Kinds:
  """The names that there are; those of entry points without loading them."""

  def __iter__(self) -> Iterator[str]:
    yield from BUILT_IN
    yield from sorted({*_registered, *(p.name for p in _entry_points())})

  def __contains__(self, name: object) -> bool:
    return name in tuple(self)


KINDS = Kinds()
