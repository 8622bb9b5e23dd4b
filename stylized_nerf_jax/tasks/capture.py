"""From a folder of photographs or a video to a scene: `stylized-nerf capture`.

The folder of the scene gets

| file | what |
|---|---|
| `images/` | photographs or frames, upright; also those left out |
| `transforms.json` | cameras, near, far and layout: the scene |
| `capture.json` | what it was made from, and the report |
| `capture.png` | cameras and points from above and from the side |
| `colmap/sparse/0` | COLMAP's model, in COLMAP's own frame |
| `colmap/log.*` | what COLMAP said |

A capture that was stopped goes on where it was: images, features and matches
that are there are kept, and so is what each way of finding cameras led to; only
the one that was stopped begins anew.
"""

import dataclasses
import json
import os
import pathlib
import shutil

from stylized_nerf_jax import user_error
from stylized_nerf_jax.captures import (
  advice,
  duration,
  image_pairs,
  ladder,
  mapping,
  sources,
  structure,
  upright,
)
from stylized_nerf_jax.host import disk, progress
from stylized_nerf_jax.outputs import (
  image_writer,
  scene_plan,
  transforms_writer,
)
from stylized_nerf_jax.runs import run_lock
from stylized_nerf_jax.scenes import normalization
from stylized_nerf_jax.scenes.pictures import image_reader
from stylized_nerf_jax.scenes.readers import colmap_binary, formats

LENSES = tuple(structure.LENSES)
_RECORD = "capture.json"
# 90 images, all with all; of more, neighbours and a spread of others.
_MOST_PAIRS = 4000
# 200 images, all with all: compared where too few of them could be placed.
_MORE_PAIRS = 20_000
# Where fewer than three quarters have a camera.
FEW_PLACED_STATUS = 3


def capture(
  source: str | pathlib.Path,
  out: str | pathlib.Path,
  *,
  frames: int | None = None,
  lens: str = "opencv",
  exhaustive: bool = False,
  threads: int | None = None,
) -> list[str]:
  """Makes a scene of photographs or a video.

  Args:
    source: folder of photographs, or a video.
    out: folder of the scene: new, empty, or of the same capture, stopped.
    frames: to take from a video.
    lens: one of `LENSES`.
    exhaustive: compare all images with all, however many.
    threads: to use; None takes all cores.

  Returns:
    The report, in lines for people.

  Raises:
    ValueError: the source cannot be used, the folder holds something else, no
      image could be placed, or an extra is missing.
  """
  structure.check_available()
  out = pathlib.Path(out)
  if lens not in LENSES:
    raise user_error.UserError(
      f"--lens is {lens!r}; expected one of {', '.join(LENSES)}"
    )
  threads = (os.cpu_count() or 1) if threads is None else threads
  if threads < 1:
    raise user_error.UserError(f"--threads is {threads}; expected at least 1")
  found = sources.open_source(source, frames)
  inputs = {**found.identity, "lens": lens, "exhaustive": exhaustive}
  _check_destination(out, inputs)
  with image_writer.writing(out / _RECORD):
    disk.write_json(out / _RECORD, _read_record(out) or {"inputs": inputs})
  with run_lock.hold(out, option="--out"):
    record = _read_record(out)
    if "report" not in record:
      _do(found, out, record, threads)
  return advice.describe(record["report"], video=found.is_video)


def exit_status(out: str | pathlib.Path) -> int:
  """Returns 0, or `FEW_PLACED_STATUS`, for the scene of a finished capture."""
  report = _read_record(pathlib.Path(out))["report"]
  if ladder.enough(report["registered"], report["images"]):
    return 0
  return FEW_PLACED_STATUS


def _do(
  found: sources.Photographs | sources.Frames,
  out: pathlib.Path,
  record: dict,
  threads: int,
) -> None:
  """Does what is not done yet; the record gets the report."""
  most = 10**12 if record["inputs"]["exhaustive"] else _MOST_PAIRS
  sizes = found.sizes
  pairs = image_pairs.choose_pairs(len(sizes), most=most)
  seconds = duration.estimate(sizes, len(pairs), threads=threads)
  if "groups" not in record:
    seconds += found.seconds(threads)
  progress.say(
    f"capture: {found.describe()}; {len(pairs)} pairs to compare; "
    f"{duration.in_words(seconds)} on {threads} idle cores"
  )
  folder = out / "images"
  if "groups" not in record:
    record["messages"] = found.messages
    for message in record["messages"]:
      progress.say(f"capture: {message}")
    record["groups"] = found.bring(folder)
    disk.write_json(out / _RECORD, record)
  names = sorted(
    (name for group in record["groups"] for name in group),
    key=image_reader.natural_key,
  )
  work = out / "colmap"
  work.mkdir(exist_ok=True)
  if "models" not in record:
    featureless = _compare(work, folder, record, names, most, threads)
    won = _find_cameras(work, folder, record, names, most, threads)
    if not won.models:
      raise user_error.UserError(
        advice.nothing_found(
          str(found.path), len(names), featureless, video=found.is_video
        )
      )
    kept = mapping.keep(won.models[0], work, work / "sparse" / "0")
    record["way"] = won.way
    record["models"] = [
      dataclasses.asdict(model) for model in (kept, *won.models[1:])
    ]
    record["featureless"] = featureless
    disk.write_json(out / _RECORD, record)
  record["report"] = _write_scene(out, names, record)
  disk.write_json(out / _RECORD, record)
  for path in (work / "database.db", work / "models"):
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _compare(
  work: pathlib.Path,
  folder: pathlib.Path,
  record: dict,
  names: list[str],
  most: int,
  threads: int,
) -> list[str]:
  """Finds and matches features; returns the names of images without any."""
  lens = record["inputs"]["lens"]
  structure.add_images(work, folder, record["groups"], lens=lens)
  done = structure.with_features(work)
  left = [name for name in names if name not in done]
  with progress.progress(len(names), "features", initial=len(done)) as bar:
    structure.find_features(work, folder, left, bar.advance, threads=threads)
  pairs = image_pairs.choose_pairs(len(names), most=most)
  _match(work, names, pairs, threads)
  done = structure.with_features(work)
  return [name for name in names if not done.get(name)]


def _match(
  work: pathlib.Path,
  names: list[str],
  pairs: list[tuple[int, int]],
  threads: int,
) -> None:
  """Compares those pairs of images that were not compared before."""
  done = structure.with_features(work)
  named = [
    (names[one], names[other])
    for one, other in pairs
    if names[one] in done and names[other] in done
  ]
  left = structure.without_matches(work, named)
  with progress.progress(
    len(named), "matches", initial=len(named) - len(left)
  ) as bar:
    structure.match(work, left, bar.advance, threads=threads)


def _find_cameras(
  work: pathlib.Path,
  folder: pathlib.Path,
  record: dict,
  names: list[str],
  most: int,
  threads: int,
) -> ladder.Attempt:
  """Finds cameras in one way after the other; those made before are kept."""
  lens = record["inputs"]["lens"]
  attempts = [_as_attempt(made, work) for made in record.get("ways", [])]

  def attempt(way: str) -> ladder.Attempt:
    if attempts:
      before = ladder.best(attempts, len(names))
      doubt = "" if before.sound or not before.placed else " that cannot be"
      progress.say(
        f"capture: {before.placed} of {len(names)} have a camera{doubt}; now "
        f"by {ladder.in_words(way)}"
      )
    try:
      models = _map(work, folder, way, lens, len(names), threads)
    except user_error.UserError as error:
      if not any(one.placed for one in attempts):
        raise
      # What was found before is no worse for it.
      progress.say(f"capture: {error}")
      models = []
    made = ladder.Attempt(way, tuple(models))
    record["ways"] = [*record.get("ways", []), dataclasses.asdict(made)]
    disk.write_json(work.parent / _RECORD, record)
    return made

  def match_more() -> bool:
    more = image_pairs.choose_pairs(len(names), most=max(most, _MORE_PAIRS))
    if len(more) <= len(image_pairs.choose_pairs(len(names), most=most)):
      return False
    _match(work, names, more, threads)
    return True

  return ladder.climb(
    attempts,
    len(names),
    one_focal=lens in mapping.ONE_FOCAL,
    could_be_placed=lambda: structure.connected(work),
    attempt=attempt,
    match_more=match_more,
  )


def _as_attempt(made: dict, work: pathlib.Path) -> ladder.Attempt:
  """Reads what a way led to from the record; the capture may have moved."""
  models = []
  for model in made["models"]:
    number = pathlib.Path(model["folder"]).name
    folder = work / "models" / made["way"] / number
    images = tuple(model["images"])
    models.append(
      mapping.Model(**{**model, "folder": str(folder), "images": images})
    )
  return ladder.Attempt(made["way"], tuple(models))


def _map(
  work: pathlib.Path,
  folder: pathlib.Path,
  way: str,
  lens: str,
  count: int,
  threads: int,
) -> list[mapping.Model]:
  """Tries one way, and shows how far it is."""
  with progress.progress(count, "cameras") as bar:
    placed = 0

    def advance(more: int) -> None:
      nonlocal placed
      # A beginning that leads nowhere is counted, too.
      more = min(more, count - placed)
      placed += more
      if more:
        bar.advance(more)

    return mapping.find_cameras(
      work, folder, way, advance, lens=lens, threads=threads
    )


def _write_scene(out: pathlib.Path, names: list[str], record: dict) -> dict:
  """Writes transforms.json and the picture; returns the report."""
  posed = formats.load_scene(out, format="colmap", holdout=0)
  points = colmap_binary.read_points(out / "colmap/sparse/0/points3D.bin")
  turned = upright.upright(posed.cameras)
  transforms_writer.write_file(
    dataclasses.replace(
      posed,
      cameras=turned.cameras(posed.cameras),
      near=posed.near * turned.scale,
      far=posed.far * turned.scale,
      splits={},
    ),
    out,
    [f"images/{name}" for name in posed.cameras.names],
  )
  written = formats.load_scene(out)
  picture = scene_plan.draw_scene(written, turned.points(points.positions))
  image_writer.save_image(out / "capture.png", picture)
  model, *others = record["models"]
  registered = set(model["images"])
  return {
    "messages": record.get("messages", []),
    "images": len(names),
    "registered": len(registered),
    "missing": [name for name in names if name not in registered],
    "featureless": record["featureless"],
    # Captures that an earlier version began know of one way only.
    "way": record.get("way", "default"),
    "ways": [
      {
        "way": made["way"],
        "placed": len(made["models"][0]["images"]) if made["models"] else 0,
      }
      for made in record.get("ways", [])
    ],
    "plausible": model.get("plausible", True),
    "other_models": [
      left
      for other in others
      if (left := [n for n in other["images"] if n not in registered])
    ],
    "points": model["num_points"],
    "reprojection_error_px": model["reprojection_error"],
    "layout": written.layout,
    "space": normalization.normalize_scene(written).space.kind,
    "near": written.near,
    "far": written.far,
    "file_units_per_colmap_unit": turned.scale,
  }


def _check_destination(out: pathlib.Path, inputs: dict) -> None:
  """Raises ValueError unless a capture of these inputs may go there."""
  record = _read_record(out)
  if record is None:
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
      raise user_error.UserError(
        f"{out} is there already, and no capture; expected a new or empty "
        "folder: choose another one"
      )
    return
  before = record["inputs"]
  for key in sorted({*before, *inputs}):
    if before.get(key) != inputs.get(key):
      raise user_error.UserError(
        f"{out} holds a capture of something else ({key} differs); expected "
        "the same files and options to go on: choose another folder, or "
        "remove this one"
      )


def _read_record(out: pathlib.Path) -> dict | None:
  """Reads what an earlier capture left, or None."""
  path = out / _RECORD
  if not path.is_file():
    return None
  try:
    record = json.loads(path.read_text())
    if isinstance(record["inputs"], dict):
      return record
  except (ValueError, LookupError, TypeError):
    pass
  raise user_error.UserError(
    f"{path}: not the record of a capture; expected JSON that an earlier one "
    "wrote: remove it, or choose another folder"
  )
