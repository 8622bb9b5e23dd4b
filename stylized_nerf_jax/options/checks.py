"""The config of a run: all its fields, and which contradict each other."""

from collections.abc import Iterator

from stylized_nerf_jax.options import field_options, schema, table

_HEAD = """\
# Config fields

Every field of a run's config, with its default. Presets (`--config fast`) set
some of them, `--config.section.field=value` any one. Values out of their range
are refused before anything is written. This part of the page is what
`stylized-nerf train --help-config markdown` prints; the config of
`train-stylizer` follows it."""


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


RUN = schema.Schema(table.OPTIONS, _contradictions, _HEAD, "Of all sections")
