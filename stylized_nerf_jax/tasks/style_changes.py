"""Paintings added to a finished run, and taken from it, in a minute or two.

Phases 1 to 3 stay as they are. An added painting has the code that the VAE
gives it, and a style field of its own by the finish, from where all others
began; no other style's pictures change.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import interruption, processes, progress
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.phases import (
  finish,
  mutual_state,
  pipeline,
  run_styles,
)
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes.pictures import style_set
from stylized_nerf_jax.scenes.pictures import styles as style_reader


def add(
  workdir: str | pathlib.Path, pictures: Sequence[str | pathlib.Path]
) -> tuple[str, ...]:
  """Adds paintings to a run, and finishes them.

  What was stopped goes on by the same call.

  Args:
    workdir: folder of a run whose phases are all finished.
    pictures: files, or folders of them, as `styles.load_style_set` takes them.

  Returns:
    Names of the styles.

  Raises:
    ValueError: the run is not finished or has no finish, or a picture cannot
      be read, is of the run already, or has the name of another of its styles.
    interruption.Interrupted: a signal came; all is saved.
  """
  run = run_folder.RunFolder(workdir)
  config = run.config()
  _check(run, config)
  wanted = _read(pictures, config.styles.style_size)
  with interruption.listening(), run.lock():
    new = _new_among(run, wanted)
    if processes.is_first():
      for style in new.values():
        run_styles.store_added(run, style)
    changes = run_styles.read(run)
    removed = set(changes.removed) - set(wanted.content_hashes)
    changes = dataclasses.replace(changes, removed=tuple(sorted(removed)))
    if new:
      nets = stylizer_nets.load_nets(config.weights)
      changes = changes.with_added(stylizer_nets.style_facts(nets, new))
    run_styles.write(run, changes)
    pipeline.paint_strokes(config, run)
  return wanted.names


def remove(workdir: str | pathlib.Path, names: Sequence[str]) -> list[str]:
  """Takes styles from a run, with their style fields.

  Args:
    workdir: folder of a run whose phases are all finished.
    names: of styles, or parts of names that no other has.

  Returns:
    Their whole names.

  Raises:
    ValueError: the run is not finished, a name is unknown, or no style would
      be left.
  """
  run = run_folder.RunFolder(workdir)
  run.phase_fingerprint(mutual_state.PHASE)
  with run.lock():
    changes = run_styles.read(run)
    hashes = {
      name: one
      for one, name in run_styles.known(run).items()
      if one not in changes.removed
    }
    found = style_set.find_all(names, list(hashes))
    if len(found) == len(hashes):
      raise user_error.UserError(
        f"{run.path}: these are all of its styles; a run keeps one at least"
      )
    gone = {hashes[name]: name for name in found}
    added = {row["hash"] for row in changes.added}
    # First what is shown, then what is on disk: one killed between the two
    # leaves files that nobody reads.
    run_styles.write(
      run,
      run_styles.StyleChanges(
        tuple(row for row in changes.added if row["hash"] not in gone),
        (*changes.removed, *(h for h in sorted(gone) if h not in added)),
      ),
    )
    for content_hash, name in gone.items():
      run_styles.drop_finished(run, content_hash)
      if content_hash in added:
        run_styles.drop_added(run, name)
  return found


def _check(run: run_folder.RunFolder, config) -> None:
  """Raises ValueError unless there is a finish that can go on."""
  run.phase_fingerprint(mutual_state.PHASE)
  if not finish.is_wanted(config):
    raise user_error.UserError(
      f"{run.path} was trained without a finish, which gives an added painting "
      "its style field: run `stylized-nerf train --phase finish --workdir "
      f"{run.path}` with its config and "
      "--config.mutual_learning.finish.steps=90 first"
    )
  run.phase_fingerprint(finish.PHASE)


def _read(pictures, style_size: int) -> style_set.StyleSet:
  """Reads pictures as styles."""
  images: list[style_set.StyleImage] = []
  for source in pictures:
    found = style_reader.load_style_set(source, style_size=style_size)
    for message in found.messages:
      progress.say(f"styles: {message}")
    images += found.values()
  return style_set.StyleSet(images)


def _new_among(
  run: run_folder.RunFolder, wanted: style_set.StyleSet
) -> style_set.StyleSet:
  """Returns the pictures that neither training nor an earlier call brought."""
  known, removed = run_styles.known(run), run_styles.read(run).removed
  new = []
  for style in wanted.values():
    name = known.get(style.content_hash)
    if name is not None:
      if style.content_hash in removed:
        progress.say(f"{style.name}: {name} of this run is back")
      else:
        progress.say(f"{style.name}: this run has it as {name}")
    elif style.name in known.values():
      raise user_error.UserError(
        f"{style.name}: this run has another painting of that name; rename "
        "the file"
      )
    else:
      new.append(style)
  return style_set.StyleSet(new)
