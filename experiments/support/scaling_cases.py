"""Steps on captures and style sets of several sizes, to be timed.

Steps of phases 1 and 3 with the preset of a run, on the embedded scene with
more and more views and styles. Of phase 3 the drawing of pixels from the files
of stylized views and samples is part of a call, as it is of the phase: those
files are as large as the real ones, and hold random numbers.
"""

import pathlib
import types

import jax
import numpy as np

from stylized_nerf_jax.networks import modules, ray_blocks
from stylized_nerf_jax.phases import mutual_steps, radiance_field
from stylized_nerf_jax.rows import prng
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.scenes.synthetic import embedded
from stylized_nerf_jax.training import state as state_lib
from stylized_nerf_jax.training import train_steps
from stylized_nerf_jax.views import stylized_views, view_geometry
from support import cases, field_steps

_VIEWS = (20, 100, 300)
_VIEWS_AND_STYLES = ((20, 1), (20, 10), (20, 50), (300, 1), (300, 50))
_WIDTH, _HEIGHT = 160, 120
_DISPATCHES = 4


def growing_steps(folder, scratch: pathlib.Path) -> list[cases.Case]:
  """Steps of both phases, by numbers of views and styles.

  Args:
    folder: of a run, whose config is taken.
    scratch: an empty folder for about 1.5 GB.
  """
  config = run_folder.RunFolder(folder).config()
  made = [_field_case(config, views) for views in _VIEWS]
  for views, styles in _VIEWS_AND_STYLES:
    place = scratch / f"{views}_{styles}"
    made.append(_style_case(config, views, styles, place))
  return made


def _record(views: int) -> scene_record.SceneRecord:
  scene = embedded.make_scene(
    num_train=views, num_test=0, width=_WIDTH, height=_HEIGHT, layout="forward"
  )
  return scene_record.make_scene_record(scene)


def _field_case(config, views: int) -> cases.Case:
  options = config.radiance_field
  problem = field_steps.problem(
    config,
    _record(views),
    rays=options.rays_per_step,
    steps=options.steps_per_dispatch,
  )
  return problem.case(f"phase 1, {views} views")


def _style_case(config, views: int, styles: int, place: pathlib.Path):
  record, options = _record(views), config.mutual_learning
  space = record.normalization.space
  cameras = record.split("train")
  size = config.style_field.latent_size
  facts = types.SimpleNamespace(
    hashes=tuple(f"{style:064d}"[::-1] for style in range(styles)),
    latent_mean=np.zeros((styles, size), np.float32),
    latent_variance=np.ones((styles, size), np.float32),
  )
  place.mkdir(parents=True)
  stylized = stylized_views.Targets(
    place / "targets", cameras, (), facts, _geometry(config, place, cameras)
  )
  for path in (place / "targets").iterdir():
    _fill(path)
  field = modules.radiance_field(config.field, space)
  steps = mutual_steps.MutualSteps(
    config,
    record,
    facts,
    radiance_field.init_params(field, record, seed=0),
    packed=True,
  )
  key = prng.stream_key(0, "bench")
  optimizer = mutual_steps.field_optimizer(options)
  take = train_steps.make_train_steps(
    steps.field_loss,
    optimizer,
    num_steps=options.steps_per_dispatch,
    rows_at_once=ray_blocks.for_style_steps(config),
  )
  params = {
    "style_field": modules.init_style_field(config.style_field, space, key),
    "latents": np.zeros((styles, views, size), np.float32),
  }
  kept = [state_lib.create(params, optimizer)]
  random = np.random.default_rng(0)

  def call():
    for _ in range(_DISPATCHES):
      rows = [
        stylized.draw(random, (options.rays_per_step,))
        for _ in range(options.steps_per_dispatch)
      ]
      batch = jax.tree.map(lambda *values: np.stack(values), *rows)
      kept[0], _ = take(kept[0], steps.field_constants, key, batch)
    jax.block_until_ready(kept[0])

  return cases.Case(
    f"phase 3, {views} views, styles: {styles}",
    _DISPATCHES * options.steps_per_dispatch * options.rays_per_step,
    call,
    0.0,
  )


def _geometry(config, place: pathlib.Path, cameras):
  """A geometry cache of random samples."""
  count = config.geometry_cache.samples
  path = place / "samples.npy"
  shape = (len(cameras) * _WIDTH * _HEIGHT, 2, count)
  np.lib.format.open_memmap(path, "w+", np.uint16, shape).flush()
  _fill(path)
  return view_geometry.ViewGeometry(path, cameras)


def _fill(path: pathlib.Path) -> None:
  """Writes random numbers into an array, a part at a time."""
  values = np.load(path, mmap_mode="r+")
  random = np.random.default_rng(0)
  rows = 1 << 18
  for start in range(0, len(values), rows):
    part = values[start : start + rows]
    top = np.iinfo(part.dtype).max
    part[...] = random.integers(0, top, part.shape, part.dtype, endpoint=True)
  values.flush()
