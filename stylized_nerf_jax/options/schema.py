"""All fields of one kind of config: whether values can be used, and in words.

A command that takes a config has one `Schema`: `checks.RUN` is that of a run,
`pretraining_table.PRETRAINING` that of `train-stylizer`.
"""

import dataclasses
import textwrap
from collections.abc import Callable, Iterator, Mapping

from stylized_nerf_jax.options import option


@dataclasses.dataclass(frozen=True)
class Schema:
  """The fields of a config and what is known of them.

  Attributes:
    options: by name, with dots between section and field.
    contradictions: yields, a line each, fields of a config that are fine by
      themselves and not beside each other.
    head: the lines that its page in docs/config.md begins with.
    root: heading there of the fields that are in no section.
  """

  options: Mapping[str, option.Option]
  contradictions: Callable[..., Iterator[str]]
  head: str
  root: str

  def problems(self, config) -> Iterator[str]:
    """Yields what keeps a config from being used, a line each.

    Args:
      config: with all fields.
    """
    sound = True
    for name, value in leaves(config):
      found = self.options[name]
      if not found.accepts(value):
        sound = False
        yield (
          f"config field {name} is {value!r}; expected "
          f"{found.expected or f'a value like {found.default!r}'} "
          f"({found.meaning})"
        )
    # Of values that are what they should be; others cannot be compared.
    if sound:
      yield from self.contradictions(config)

  def as_text(self) -> str:
    """Returns every field with its default and what it is, for a terminal."""
    lines = []
    for name, found in self.options.items():
      lines.append(f"--config.{name}={_shown(found.default)}")
      lines.append(textwrap.indent(textwrap.fill(found.described, 72), "    "))
    return "\n".join(lines) + "\n"

  def as_markdown(self) -> str:
    """Returns the same for docs/config.md, a table for each section."""
    lines, section = [self.head], None
    for name, found in self.options.items():
      parent, _, leaf = name.rpartition(".")
      if parent != section:
        section = parent
        title = f"`{parent}`" if parent else self.root
        lines += ["", f"## {title}", ""]
        lines += ["| field | default | what it is |", "|---|---|---|"]
      shown = _shown(found.default) or "-"
      lines.append(f"| `{leaf}` | {shown} | {found.described} |")
    return "\n".join(lines) + "\n"


def leaves(config, prefix: str = "") -> Iterator[tuple[str, object]]:
  """Yields name and value of every field of a config, or of nested dicts."""
  for key, value in config.items():
    if hasattr(value, "items"):
      yield from leaves(value, f"{prefix}{key}.")
    else:
      yield prefix + key, value


def section(
  name: str, fields: Mapping[str, option.Option]
) -> dict[str, option.Option]:
  """Returns the fields of a section under their full names."""
  return {f"{name}.{field}": facts for field, facts in fields.items()}


def _shown(value) -> str:
  if isinstance(value, tuple):
    return ",".join(map(str, value))
  return f"{value:g}" if isinstance(value, float) else str(value)
