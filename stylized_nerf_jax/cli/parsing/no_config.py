"""For commands that take no config."""

from stylized_nerf_jax import user_error


def check(command: str, config_args: list[str]) -> None:
  """Raises ValueError if arguments are left that nobody reads."""
  if config_args:
    raise user_error.UserError(
      f"unknown argument {config_args[0]!r}: see `stylized-nerf {command} "
      "--help`"
    )
