"""Whether a run's config can be used, and what its fields are, in words."""

import textwrap
from collections.abc import Iterator

from stylized_nerf_jax.options import field_options, table

_HEAD = """\
Every field of a run's config, with its default. Presets (`--config fast`) set
some of them, `--config.section.field=value` any one. Values out of their range
are refused before anything is written. This page is what
`stylized-nerf train --help-config markdown` prints."""


def leaves(config, prefix: str = "") -> Iterator[tuple[str, object]]:
  """Yields name and value of every field of a config, or of nested dicts."""
  for key, value in config.items():
    if hasattr(value, "items"):
      yield from leaves(value, f"{prefix}{key}.")
    else:
      yield prefix + key, value


def problems(config) -> Iterator[str]:
  """Yields what keeps a config from being used, a line each.

  Args:
    config: with all fields, of the types of `defaults.get_config`.
  """
  for name, value in leaves(config):
    found = table.OPTIONS[name]
    if not found.accepts(value):
      yield (
        f"config field {name} is {value!r}; expected "
        f"{found.expected or f'a value like {found.default!r}'} "
        f"({found.meaning})"
      )
  yield from _contradictions(config)


def _contradictions(config) -> Iterator[str]:
  """Yields fields that are fine by themselves and not beside each other."""
  phase = config.radiance_field
  if phase.schedule == "exponential" and not phase.learning_rate_final:
    yield (
      f"config field radiance_field.learning_rate_final is "
      f"{phase.learning_rate_final}; expected more than 0 with "
      "radiance_field.schedule=exponential"
    )
  yield from field_options.problems(config.field)
  grid = config.field.hash_grid
  for name, coarsest, finest in (
    (
      "field.hash_grid.finest_resolution",
      grid.coarsest_resolution,
      grid.finest_resolution,
    ),
    (
      "field.hash_grid.proposal_finest_resolution",
      grid.coarsest_resolution,
      grid.proposal_finest_resolution,
    ),
    (
      "style_field.finest_resolution",
      config.style_field.coarsest_resolution,
      config.style_field.finest_resolution,
    ),
  ):
    if finest < coarsest:
      yield (
        f"config field {name} is {finest}; expected at least its grid's "
        f"coarsest_resolution, {coarsest}"
      )
  size = config.styles.style_size
  if 0 < size < 16:
    yield (
      f"config field styles.style_size is {size}; expected 0 or at least 16 "
      "pixels"
    )
  if config.scene.holdout == 1:
    yield (
      "config field scene.holdout is 1, which holds every image out; expected "
      "0 for none, or at least 2"
    )
  adapting = config.stylizer
  if adapting.consistency_weight and adapting.views_per_step < 2:
    yield (
      f"config field stylizer.views_per_step is {adapting.views_per_step}; "
      "expected at least 2 with stylizer.consistency_weight"
    )


def as_text() -> str:
  """Returns every field with its default and what it is, for a terminal."""
  lines = []
  for name, found in table.OPTIONS.items():
    lines.append(f"--config.{name}={_shown(found.default)}")
    lines.append(textwrap.indent(textwrap.fill(found.described, 72), "    "))
  return "\n".join(lines) + "\n"


def as_markdown() -> str:
  """Returns the same as docs/config.md has it, a table for each section."""
  lines, section = ["# Config fields", "", _HEAD], None
  for name, found in table.OPTIONS.items():
    parent, _, leaf = name.rpartition(".")
    if parent != section:
      section = parent
      lines += ["", f"## {f'`{parent}`' if parent else 'Of all sections'}", ""]
      lines += ["| field | default | what it is |", "|---|---|---|"]
    shown = _shown(found.default) or "-"
    lines.append(f"| `{leaf}` | {shown} | {found.described} |")
  return "\n".join(lines) + "\n"


def _shown(value) -> str:
  if isinstance(value, tuple):
    return ",".join(map(str, value))
  return f"{value:g}" if isinstance(value, float) else str(value)
