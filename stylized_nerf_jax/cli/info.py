"""`stylized-nerf info`: what a config builds, or what a run holds."""

import argparse
import json

from stylized_nerf_jax import user_error
from stylized_nerf_jax.cli.parsing import endings, run_argument

HELP = "modules and parameter counts of a config, or the state of a run"
EXAMPLE = "stylized-nerf info RUN"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options beside --config and its overrides."""
  run_argument.add_argument(
    parser, "folder of a run (default: a config is counted)"
  )
  parser.add_argument(
    "--json", action="store_true", help="print JSON, which has all digits"
  )


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Prints."""
  from stylized_nerf_jax import config as config_lib
  from stylized_nerf_jax.tasks import information

  run = run_argument.find(args)
  if run:
    if config_args:
      raise user_error.UserError("give either a RUN or --config, not both")
    facts = information.of_run(run_argument.existing(args, "info"))
  else:
    facts = information.of_config(config_lib.from_flags(config_args))
  if args.json:
    print(json.dumps(facts, indent=2))
  else:
    print("\n".join(_lines(facts)))
  if not run:
    endings.say("preset", more=tuple(config_args))
  else:
    endings.say(*information.next_steps(run), run=run)


def _lines(facts: dict, indent: str = "") -> list[str]:
  lines = []
  for name, value in facts.items():
    if value == "":
      continue
    if isinstance(value, dict):
      lines += [f"{indent}{name}", *_lines(value, indent + "  ")]
    elif isinstance(value, float):
      lines.append(f"{indent}{name:<24}{value:>14.3f}")
    elif isinstance(value, int) and not isinstance(value, bool):
      lines.append(f"{indent}{name:<24}{value:>14,}")
    else:
      lines.append(f"{indent}{name:<24}{value}")
  return lines
