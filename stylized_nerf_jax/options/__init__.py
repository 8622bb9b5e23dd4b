"""The fields of a run's config: one table, and what is checked by it."""
