"""A scene and its paintings as a page, to be sent to anybody."""

import importlib
import pathlib
from collections.abc import Mapping

import numpy as np

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.outputs import splat_page, style_titles
from stylized_nerf_jax.phases import pipeline, run_styles
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes import paths, vantage
from stylized_nerf_jax.splatting import splats as splats_lib

# Thumbnails of more photographs are too many to look through.
_MOST_PHOTOGRAPHS = 48
_TOUR_FRAMES = 48
_LONG_SIDE = 160  # pixels, of pictures that are rendered for want of others
_SURE = 0.0  # logit: splats that are rather there than not


def write(
  model: model_lib.StylizedNerf,
  painted: splats_lib.PaintedSplats,
  out: str | pathlib.Path,
  looks: Mapping[str, model_lib.Style],
  *,
  source: str | pathlib.Path,
  title: str | None = None,
) -> int:
  """Writes the page of a scene.

  Args:
    model: whose scene it is.
    painted: its splats in the looks that the page is to have.
    out: file to write, ending in .html.
    looks: the style of each, by its name; None is as photographed.
    source: the folder of the model's run, whose paintings are shown, or its
      file.
    title: of the page; None: the scene's name.

  Returns:
    The size of the file in bytes.

  Raises:
    ValueError: the name ends in something else, there is nothing to see, or
      the file cannot be written.
  """
  out = pathlib.Path(out)
  if out.suffix.lower() not in (".html", ".htm"):
    raise user_error.UserError(
      f"--out {out}: a page ends in .html; name it {out.with_suffix('.html')}"
    )
  scene = model.scene
  means, logits = map(np.asarray, (painted.splats.means, painted.splats.logits))
  place = vantage.vantage(
    scene.cameras, scene.normalization, means[logits > _SURE]
  )
  kind = "spiral" if scene.normalization.space.kind == "ndc" else "orbit"
  tour = paths.of_scene(scene, kind, _TOUR_FRAMES)
  version = importlib.import_module("stylized_nerf_jax").__version__
  return splat_page.write_page(
    out,
    splat_page.ScenePage(
      title=title or style_titles.style_title(scene.name).text,
      painted=painted,
      cameras=scene.cameras,
      home=place.home,
      tour=tour,
      up=place.up,
      focus=place.focus,
      reach=place.reach,
      photographs=_photographs(model),
      paintings=_paintings(model, looks, place.home, source),
      background=scene.background,
      made_with=f"Made with stylized_nerf_jax {version}.",
    ),
  )


def _photographs(model: model_lib.StylizedNerf) -> dict[int, np.ndarray]:
  """Gathers photographs by their numbers; renders them where they are gone."""
  cameras = model.scene.cameras
  count = min(_MOST_PHOTOGRAPHS, len(cameras))
  numbers = np.linspace(0, len(cameras) - 1, count).round().astype(int)
  try:
    images = pipeline.load_scene(model.config).images
    return {int(i): _small(images[int(i)]) for i in numbers}
  except (user_error.UserError, OSError, IndexError) as error:
    progress.say(
      f"the photographs cannot be read ({error}): the page shows small "
      "renders in their place"
    )
  return {int(i): _rendered(model, cameras[int(i)]) for i in numbers}


def _paintings(
  model: model_lib.StylizedNerf,
  looks: Mapping[str, model_lib.Style],
  home,
  source,
) -> dict[str, np.ndarray]:
  """Gathers a picture of each look; renders of what has none."""
  found = {}
  if pathlib.Path(source).is_dir():
    stored = run_styles.stored(run_folder.RunFolder(source))
    found = {name: stored[name].pixels for name in looks if name in stored}
  for name, style in looks.items():
    if name not in found:
      found[name] = _rendered(model, home, style)
  return found


def _rendered(model, camera, style=None) -> np.ndarray:
  factor = _LONG_SIDE / max(camera.width, camera.height)
  return model.render(camera.scaled(min(1.0, factor)), style).rgb


def _small(image: np.ndarray) -> np.ndarray:
  """Takes every so many pixels: the page shrinks what is left."""
  step = max(1, min(image.shape[:2]) // 320)
  return np.asarray(image)[::step, ::step]
