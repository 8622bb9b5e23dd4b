"""The paintings of a run: those it was trained on, added ones, removed ones.

The codes of phase 3 are those of the paintings that it was trained on. The
finish gives every style a style field of its own, so that a painting can be
added to a finished run: its code is the VAE's, as seen from any view, and its
style field is made of mutual learning's by the finish. What is removed is
hidden: its codes stay in phase 3, its style field does not.
"""

import dataclasses
import pathlib
from typing import Any

import numpy as np

from stylized_nerf_jax.host import processes
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.painting import finish_stages, finished_styles
from stylized_nerf_jax.phases import mutual_state
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes.pictures import style_set
from stylized_nerf_jax.scenes.pictures import styles as style_reader

# Folders of a run.
_TRAINED, _ADDED = "styles", "added_styles"
# An entry of its manifest.
_ENTRY = "style_changes"


@dataclasses.dataclass(frozen=True)
class StyleChanges:
  """What a run was given, and what was taken from it, after phase 3.

  Attributes:
    added: of each painting "name", "hash", and its code, "latent_mean" [L] and
      "latent_variance" [L].
    removed: content hashes of paintings that phase 3 was trained on.
  """

  added: tuple[dict[str, Any], ...] = ()
  removed: tuple[str, ...] = ()

  def with_added(self, facts: stylizer_nets.StyleFacts) -> "StyleChanges":
    """Returns it with paintings that the 2D networks have seen."""
    rows = [
      {
        "name": facts.names[i],
        "hash": facts.hashes[i],
        "latent_mean": facts.latent_mean[i].tolist(),
        "latent_variance": facts.latent_variance[i].tolist(),
      }
      for i in range(len(facts.names))
    ]
    new = {row["hash"] for row in rows}
    kept = [row for row in self.added if row["hash"] not in new]
    return dataclasses.replace(self, added=(*kept, *rows))


def read(run: run_folder.RunFolder) -> StyleChanges:
  """Reads what a run's manifest says of it."""
  entry = run.entry(_ENTRY)
  return StyleChanges(
    tuple(entry.get("added", ())), tuple(entry.get("removed", ()))
  )


def write(run: run_folder.RunFolder, changes: StyleChanges) -> None:
  """Writes it to a run's manifest."""
  run.set_entry(_ENTRY, dataclasses.asdict(changes))


def store(run: run_folder.RunFolder, styles: style_set.StyleSet) -> None:
  """Keeps the paintings of a config as they are used, in place of others."""
  folder = run.path / _TRAINED
  for picture in folder.glob("*.png"):
    if picture.stem not in styles:
      picture.unlink()
  styles.save_to(folder)


def store_added(
  run: run_folder.RunFolder, style: style_set.StyleImage
) -> pathlib.Path:
  """Keeps an added painting as it is used; returns its file."""
  folder = run.path / _ADDED
  others = [
    one for one in _stored(run, _ADDED).values() if one.name != style.name
  ]
  style_set.StyleSet([*others, style]).save_to(folder)
  return folder / f"{style.name}.png"


def drop_added(run: run_folder.RunFolder, name: str) -> None:
  """Removes the picture of an added painting."""
  (run.path / _ADDED / f"{name}.png").unlink(missing_ok=True)


def drop_finished(run: run_folder.RunFolder, content_hash: str) -> None:
  """Removes the style field of a painting."""
  folder = run.phase_path(finish_stages.PHASE)
  finished_styles.path_of(folder, content_hash).unlink(missing_ok=True)
  for places in (folder / "paintings").glob(f"{content_hash[:16]}_*"):
    places.unlink()


def trained(run: run_folder.RunFolder) -> style_set.StyleSet:
  """Reads the paintings of a run's config, at the size they were used in.

  They are in the order of phase 3, once it has begun.
  """
  found = _stored(run, _TRAINED)
  names = run.facts(mutual_state.PHASE).get("styles", {}).get("names", ())
  return found.subset(names) if set(names) == set(found) else found


def known(run: run_folder.RunFolder) -> dict[str, str]:
  """Returns the names of all paintings of a run by content hash, in order.

  Those that were removed are among them.

  Args:
    run: whose phase 3 has begun.
  """
  facts = run.facts(mutual_state.PHASE)
  found = dict(zip(facts["keys"]["styles"], facts["styles"]["names"]))
  for row in read(run).added:
    found.setdefault(row["hash"], row["name"])
  return found


def names(run: run_folder.RunFolder) -> list[str]:
  """Returns the names of the styles that a run shows; as `known`."""
  removed = read(run).removed
  return [name for one, name in known(run).items() if one not in removed]


def stored(run: run_folder.RunFolder) -> style_set.StyleSet:
  """Reads the paintings that a run shows, at the size they were used in."""
  return changed(run, trained(run))


def changed(
  run: run_folder.RunFolder, styles: style_set.StyleSet
) -> style_set.StyleSet:
  """Returns the paintings of a config with a run's changes.

  Raises:
    ValueError: one that was added has the name of another, or is damaged.
  """
  changes = read(run)
  known = set(styles.content_hashes)
  added = [row["name"] for row in changes.added if row["hash"] not in known]
  pictures = _stored(run, _ADDED) if added else {}
  shown = [s for s in styles.values() if s.content_hash not in changes.removed]
  return style_set.StyleSet(
    [*shown, *(pictures[name] for name in added)], messages=styles.messages
  )


def restore(config, run: run_folder.RunFolder) -> dict[str, Any]:
  """Reads what a finished phase 3 learned, with the changes since.

  Returns:
    As `mutual_state.restore_styles`, in the order of `changed`; the codes of an
    added painting are the same for all views.
  """
  found = mutual_state.restore_styles(config, run)
  changes, hashes = read(run), found["style_hashes"]
  places = [i for i, one in enumerate(hashes) if one not in changes.removed]
  found = only(found, places)
  rows = [row for row in changes.added if row["hash"] not in hashes]
  if not rows:
    return found
  mean, variance = (
    np.asarray([row[name] for row in rows], np.float32)
    for name in ("latent_mean", "latent_variance")
  )
  latents = found["params"]["latents"]
  of_views = np.repeat(mean[:, None], latents.shape[1], axis=1)
  return {
    "params": {
      **found["params"],
      "latents": np.concatenate([latents, of_views]),
    },
    "styles": (*found["styles"], *(row["name"] for row in rows)),
    "style_hashes": (*found["style_hashes"], *(row["hash"] for row in rows)),
    "latent_mean": np.concatenate([found["latent_mean"], mean]),
    "latent_variance": np.concatenate([found["latent_variance"], variance]),
  }


def only(fields: dict[str, Any], places: list[int]) -> dict[str, Any]:
  """Returns some of the styles of what `restore` returns."""
  params = fields["params"]
  return {
    **fields,
    "params": {**params, "latents": np.asarray(params["latents"])[places]},
    "styles": tuple(fields["styles"][i] for i in places),
    "style_hashes": tuple(fields["style_hashes"][i] for i in places),
    "latent_mean": fields["latent_mean"][places],
    "latent_variance": fields["latent_variance"][places],
  }


def _stored(run: run_folder.RunFolder, folder: str) -> style_set.StyleSet:
  path = run.path / folder
  if not path.is_dir() or not any(path.iterdir()):
    return style_set.StyleSet([])
  size = run.config().styles.style_size
  return style_reader.load_style_set(path, style_size=size)


def agree(paths: list[pathlib.Path]) -> list[int]:
  """Returns the places of files that are missing, as the first process sees."""
  return processes.by_first(
    lambda: [i for i, path in enumerate(paths) if not path.is_file()]
  )
