"""Pictures and films of a report: found in the run, or rendered.

What was rendered before is not rendered again: an evaluation's frames serve as
stills and as films. Sizes in bytes are bounded, whatever the run: all pictures
and films together take at most `MOST_BYTES`.
"""

import pathlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.outputs import heat_map
from stylized_nerf_jax.outputs.report_page import facts, media
from stylized_nerf_jax.runs import result_stamp, run_folder
from stylized_nerf_jax.scenes import paths
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.tasks.reports import evaluated as evaluated_lib
from stylized_nerf_jax.tasks.reports import run_facts

# Bytes of all that belongs to styles, and what each may take of its share.
_OF_STYLES = 5_000_000
_MOST_OF_ONE = 560_000
_SHARES = {"film": 0.62, "still": 0.17, "painting": 0.07, "map": 0.035}
_PHOTOGRAPHS, _PHOTOGRAPH_BYTES = 8, 14_000
_MIX_BYTES, _PHOTOGRAPHED_BYTES = 26_000, 95_000
# What the limits above come to, as base64, with a page around them.
MOST_BYTES = 8_000_000
# Styles that are shown; of more, the first.
MOST_STYLES = 24
STILL_WIDTH, _PAINTING_WIDTH, _MAP_WIDTH, _MIX_WIDTH = 720, 420, 260, 300
_RENDERED_SIDE = 420  # pixels of a still that has to be rendered
_FILM_SIDE, _FILM_FRAMES, _FEWEST_FRAMES = 252, 36, 12
FPS = 12
_OWN_FILMS = "report_films"
_MIX_SHARES = (0, 25, 50, 75, 100)


def limit(what: str, styles: int) -> int:
  """Returns how many bytes something of one style may take.

  Args:
    what: "film", "still", "painting" or "map".
    styles: how many there are.
  """
  each = min(_MOST_OF_ONE, _OF_STYLES // max(styles, 1))
  return int(_SHARES[what] * each)


def photographs(scene: scene_lib.Scene) -> list[media.Picture]:
  """Takes photographs evenly from a scene."""
  count = min(_PHOTOGRAPHS, len(scene))
  chosen = np.linspace(0, len(scene) - 1, count).round().astype(int)
  return [
    media.picture(
      scene.images[int(i)],
      f"Photograph {scene.cameras.names[int(i)]}",
      width=240,
      limit=_PHOTOGRAPH_BYTES,
    )
    for i in chosen
  ]


def paintings(styles, names: Sequence[str]) -> dict[str, media.Picture]:
  """Encodes paintings of a `StyleSet`, those that it has of the names."""
  return {
    name: media.picture(
      styles[name].pixels,
      f"The painting: {run_facts.title(name)}",
      width=_PAINTING_WIDTH,
      limit=limit("painting", len(names)),
    )
    for name in names
    if name in styles
  }


def photographed(pixels: np.ndarray) -> media.Picture:
  """Encodes the scene as photographed, which stands beside all styles."""
  return media.picture(
    pixels,
    "The scene rendered as photographed",
    width=STILL_WIDTH,
    limit=_PHOTOGRAPHED_BYTES,
  )


def stylized(name: str, pixels: np.ndarray, styles: int) -> media.Picture:
  """Encodes the scene in a style."""
  return media.picture(
    pixels,
    f"The scene in the style of {run_facts.title(name)}",
    width=STILL_WIDTH,
    limit=limit("still", styles),
  )


def still_camera(model: model_lib.StylizedNerf) -> scene_lib.Camera:
  """Chooses a camera that was photographed from, at a size soon rendered."""
  split = "test" if model.scene.splits.get("test") else "train"
  cameras = model.scene.split(split)
  return reduced(cameras[len(cameras) // 2], _RENDERED_SIDE)


def reduced(camera: scene_lib.Camera, side: int) -> scene_lib.Camera:
  """Reduces a camera to a longest side, pixels."""
  longest = max(camera.width, camera.height)
  return camera.scaled(side / longest) if longest > side else camera


def mix(
  model: model_lib.StylizedNerf,
  camera: scene_lib.Camera,
  first: str,
  second: str,
) -> list[tuple[int, media.Picture]]:
  """Renders two styles in five shares, the geometry once.

  Args:
    model: with both.
    camera: that they are seen from.
    first, second: names of styles.

  Returns:
    (Share of the second in per cent, picture) of each.
  """
  traced = model.trace(reduced(camera, _MIX_WIDTH))
  titles = run_facts.title(first), run_facts.title(second)
  found = []
  for share in _MIX_SHARES:
    weights = {first: 1.0 - share / 100, second: share / 100}
    pixels = model.paint(traced, weights).rgb
    alt = f"{100 - share} % {titles[0]} and {share} % {titles[1]}"
    found.append(
      (
        share,
        media.picture(pixels, alt, width=_MIX_WIDTH, limit=_MIX_BYTES),
      )
    )
  return found


def films(
  run: run_folder.RunFolder,
  evaluated: evaluated_lib.Evaluated,
  names: Sequence[str],
) -> dict[str, media.Film]:
  """Finds films in a run: the demo's videos, those of an earlier report, or an
  evaluation's frames."""
  most = limit("film", len(names))
  found = {}
  for name in names:
    film = None
    for folder in _film_folders(run):
      for path in (folder / f"{name}.mp4", folder / f"{name}.webp"):
        film = film or media.stored_film(path, _alt(name), limit=most)
    frames = evaluated.stylized.get(name, ())
    if film is None and len(frames) > 1:
      film = media.film(list(frames), _alt(name), fps=FPS, limit=most)
    if film is not None:
      found[name] = film
  return found


def _film_folders(run: run_folder.RunFolder) -> list[pathlib.Path]:
  """Returns where films of the run as it is may lie."""
  usable = {
    "videos": (result_stamp.PRESENT, result_stamp.UNKNOWN),
    _OWN_FILMS: (result_stamp.PRESENT,),
  }
  return [
    run.path / name
    for name, states in usable.items()
    if result_stamp.state(run.path / name, run) in states
  ]


def render_films(
  run: run_folder.RunFolder,
  model: model_lib.StylizedNerf,
  names: Sequence[str],
  *,
  minutes: float,
  most: int,
) -> dict[str, media.Film]:
  """Renders a short low film of each style, geometry once for all of them.

  They stay in the run, for its next report.

  Args:
    run: whose styles they are.
    model: with the styles.
    names: of them.
    minutes: that it may take, about: frames are left out where the first two
      say that all would take longer.
    most: bytes of each, at most.

  Returns:
    Films by style; none where even a few frames would take longer.
  """
  cameras = _film_path(model)
  view = model.nearest_view(cameras[len(cameras) // 2])
  first: list[list[np.ndarray]] = []
  started = time.monotonic()
  for i in range(2):  # The first is compiled.
    warm = time.monotonic()
    first.append(_in_styles(model, cameras[i], names, view))
  each = time.monotonic() - warm
  left = 60 * minutes - (time.monotonic() - started)
  count = int(left / max(each, 1e-6))
  # A shorter flight has other cameras than the two.
  count = _FILM_FRAMES if count + 2 >= _FILM_FRAMES else count
  if count < _FEWEST_FRAMES:
    progress.say(
      f"report: films of {len(names)} styles are left out: a frame takes "
      f"{progress.in_words(each)}, {_FEWEST_FRAMES} of them more than "
      f"--film-minutes {minutes:g}"
    )
    return {}
  if count < len(cameras):
    cameras, first = _film_path(model, count), []
  progress.say(
    f"report: films of {len(names)} styles, {count} frames of "
    f"{cameras[0].width} x {cameras[0].height} pixels: about "
    f"{progress.in_words(each * count)}"
  )
  sequences: dict[str, list[np.ndarray]] = {name: [] for name in names}
  with progress.progress(len(cameras), "films of the report") as bar:
    for i, camera in enumerate(cameras):
      shown = first[i] if i < len(first) else None
      if shown is None:
        shown = _in_styles(model, camera, names, view)
      for name, pixels in zip(names, shown):
        sequences[name].append(pixels)
      bar.advance()
  found = {
    name: media.film(frames, _alt(name), fps=FPS, limit=most)
    for name, frames in sequences.items()
  }
  whole = {name: film for name, film in found.items() if film is not None}
  folder = run.path / _OWN_FILMS
  if result_stamp.state(folder, run) != result_stamp.PRESENT:
    for stale in (*folder.glob("*.mp4"), *folder.glob("*.webp")):
      stale.unlink()
    result_stamp.begin(folder, run)
  for name, film in whole.items():
    media.store_film(film, folder, name)
  result_stamp.finish(folder, run)
  return whole


def disagreement(
  evaluated: evaluated_lib.Evaluated, names: Sequence[str]
) -> dict[str, Any]:
  """Draws where frames disagree; fields of a `facts.Page`.

  Args:
    evaluated: whose frames are compared.
    names: of the styles.
  """
  gaps = evaluated.gaps[:2]
  shown = [
    name
    for name in names
    if name in evaluated.stylized and name in evaluated.by_frame
  ]
  if not gaps or not shown:
    return {}
  errors = {
    (name, kind, gap): evaluated.errors(sequences[name], gap)
    for name in shown
    for kind, sequences in (
      ("stylized scene", evaluated.stylized),
      ("per-frame AdaIN", evaluated.by_frame),
    )
    for gap in gaps
  }
  scale = _scale(errors)
  rows: dict[str, list[media.Picture]] = {name: [] for name in shown}
  for (name, kind, gap), values in errors.items():
    known = np.isfinite(values)
    mean = float(np.sqrt(np.mean(values[known] ** 2))) if known.any() else 0.0
    rows[name].append(
      media.picture(
        heat_map.heat_map(values, scale),
        f"{kind}, frames {gap} apart: error {mean:.3f} on average",
        width=_MAP_WIDTH,
        limit=limit("map", len(names)),
      )
    )
  heads = [
    f"{kind}, {gap} apart"
    for kind in ("stylized scene", "per-frame AdaIN")
    for gap in gaps
  ]
  bar = media.picture(
    heat_map.scale_bar(), "Colours of errors", width=256, limit=4_000
  )
  return {
    "disagreement": [
      facts.Disagreement(run_facts.title(name), maps)
      for name, maps in rows.items()
    ],
    "disagreement_heads": heads,
    "disagreement_scale": scale,
    "color_bar": bar,
  }


def _scale(errors: Mapping[Any, np.ndarray]) -> float:
  """Returns the error of the brightest colour: all but 1% are below it."""
  known = [e[np.isfinite(e)] for e in errors.values()]
  values = np.concatenate(known) if known else np.zeros(0)
  if not values.size:
    return 0.05
  return max(0.05, float(np.ceil(20 * np.percentile(values, 99)) / 20))


def _film_path(
  model: model_lib.StylizedNerf, count: int = _FILM_FRAMES
) -> list[scene_lib.Camera]:
  cameras = paths.of_scene(model.scene, num_frames=count)
  return [reduced(camera, _FILM_SIDE) for camera in cameras]


def _in_styles(model, camera, names, view: int) -> list[np.ndarray]:
  return [one.rgb for one in model.render_styles(camera, names, view=view)]


def _alt(name: str) -> str:
  return f"A flight through the scene in the style of {run_facts.title(name)}"
