"""Steps and renderings of a finished run, as scripts time them.

Geometry, cameras and codes are those of the run. Networks of the paper's size
are drawn at random, which changes no time.
"""

import functools
import pathlib
import types

import jax
import ml_collections
import numpy as np

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.networks import modules, ray_blocks, stylizer_nets
from stylized_nerf_jax.phases import mutual_steps, radiance_field, run_styles
from stylized_nerf_jax.pixels import view_pixels
from stylized_nerf_jax.rendering import image_rendering
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rows import prng
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.views import (
  rendered_views,
  style_batches,
  stylized_views,
  view_features,
)
from support import cases, field_steps, flops

_DISPATCH = 20
_RAYS = 2048
# Of the paper's field; an accelerator is not busy with fewer.
_PAPER_RAYS = 256 if jax.default_backend() == "cpu" else 2048


class Bench:
  """Cases of one run.

  Args:
    folder: of a run whose phases are all finished.
    size: rows and columns of the part of a picture that renderings show.
  """

  def __init__(self, folder, size: tuple[int, int] = (96, 512)):
    self._size = size
    self._run = run_folder.RunFolder(folder)
    self._model = model_lib.StylizedNerf.load(folder)
    self._config, self._record = self._model.config, self._model.scene
    self._space = self._record.normalization.space
    self._setting = modules.ray_setting(self._record)
    self._key = prng.stream_key(0, "bench")

  def steps(self) -> list[cases.Case]:
    """Training steps of phases 1 and 3."""
    paper = self._paper_config()
    all_samples = "all samples anew"
    return [
      self._field_step(
        "phase 1, hash grid", self._config, _RAYS, _DISPATCH, peer="nerf_train"
      ),
      self._field_step(
        "phase 1, paper's field", paper, _PAPER_RAYS, 1, peer="nerf_train"
      ),
      self._style_step(f"phase 3, hash grid, {all_samples}", self._config),
      self._style_step("phase 3, hash grid, cache", self._config, packed=True),
      self._style_step(f"phase 3, paper's MLP, {all_samples}", paper),
      self._style_step("phase 3, paper's MLP, cache", paper, packed=True),
    ]

  def problems(self) -> dict[str, tuple[cases.Problem, int]]:
    """Steps as the run's phases take them, and steps of a checkpoint."""
    config = self._config
    return {
      "phase 1, hash grid": (
        self._field_problem(config, _RAYS, _DISPATCH),
        config.radiance_field.checkpoint_every,
      ),
      "phase 3, hash grid, cache": (
        self._style_problem(config, packed=True),
        config.mutual_learning.checkpoint_every,
      ),
    }

  def patches(self, scratch: pathlib.Path) -> cases.Problem:
    """A step on patches as phase 3 takes it.

    Args:
      scratch: an empty folder for stylized views, which stay black.
    """
    model, config = self._model, self._config
    options = config.mutual_learning
    nets = stylizer_nets.load_nets(config.weights)
    facts = stylizer_nets.style_facts(nets, run_styles.stored(self._run))
    rendered = rendered_views.load_or_render(config, self._run, None)
    folder = self._run.phase_path(radiance_field.PHASE)
    stylized = stylized_views.Targets(
      scratch,
      rendered.cameras,
      view_features.load_or_encode(folder, rendered, nets),
      facts,
      rendered.geometry,
    )
    batch = stylized.draw_patches(
      np.random.default_rng(0),
      options.patches_per_step,
      options.patch,
      groups=options.patch_groups,
    )
    steps = mutual_steps.MutualSteps(
      config, self._record, facts, model.params["field"], packed=True
    )
    rays = batch.colors.size // 3
    count = batch.packed.shape[-1]
    params = {k: model.params[k] for k in ("style_field", "latents")}
    return cases.Problem(
      functools.partial(steps.patch_loss, layout=nets.encoder.layout),
      mutual_steps.field_optimizer(options),
      params,
      constants=steps.patch_constants(nets, facts, np.zeros(len(facts.names))),
      batch=jax.tree.map(lambda values: values[None], batch),
      rays=rays,
      steps=1,
      flops=3 * flops.of_style_field(params["style_field"], count),
      rows_at_once=1,
      key=self._key,
    )

  def renderings(self) -> list[cases.Case]:
    """Renderings of a part of a training view."""
    fast, paper = self._config, self._paper_config()
    painted = "paint a traced view"
    return [
      self._rendering("photographed", fast),
      self._rendering("stylized from nothing, hash grid", fast, fast),
      self._rendering("stylized from nothing, paper's MLP", fast, paper),
      self._painting(f"{painted}, hash grid", fast, fast),
      self._painting(f"{painted}, paper's MLP", fast, paper),
    ]

  def in_blocks(self, blocks):
    """Cases that take rays in blocks, with blocks of several sizes.

    Args:
      blocks: numbers of rays.

    Returns:
      For each case: name, a `Case` for each block, and the block that is
      chosen where the config asks for none.
    """
    fast, paper = self._config, self._paper_config()
    traced = fast.geometry_cache.samples
    chosen = {
      "photographed": ray_blocks.for_rendering(fast),
      "paint, hash grid": ray_blocks.for_rendering(fast, samples=traced),
      "paint, paper's MLP": ray_blocks.for_rendering(paper, samples=traced),
      "phase 1, paper's field": ray_blocks.for_field_steps(paper),
    }
    made = {name: {} for name in chosen}
    for block in blocks:
      fast, paper = self._fast_config(), self._paper_config()
      for config in (fast, paper):
        config.rendering.rays_at_once = config.training.rays_at_once = block
      for name, case in (
        ("photographed", self._rendering("", fast)),
        ("paint, hash grid", self._painting("", fast, fast)),
        ("paint, paper's MLP", self._painting("", fast, paper)),
        ("phase 1, paper's field", self._field_step("", paper, _PAPER_RAYS, 1)),
      ):
        made[name][block] = case
    return [(name, made[name], chosen[name]) for name in chosen]

  def _fast_config(self):
    """The run's config, to be changed."""
    return ml_collections.ConfigDict(self._config.to_dict())

  def _paper_config(self):
    """The run's config with networks of the paper's size."""
    config = self._fast_config()
    config.field.kind = "positional"
    # The peer's: 64 coarse and 192 fine ones.
    config.field.positional.update(num_coarse=64, num_fine=128)
    config.style_field.update(encoding="frequency", depth=8, width=256)
    return config

  def _field_step(self, name, config, rays, steps, peer="") -> cases.Case:
    return self._field_problem(config, rays, steps).case(name, peer)

  def _style_step(self, name, config, *, packed=False) -> cases.Case:
    problem = self._style_problem(config, packed=packed)
    return problem.case(name, "style_train")

  def _field_problem(self, config, rays: int, steps: int) -> cases.Problem:
    params = None
    if config.field.kind == self._config.field.kind:
      params = self._model.params["field"]
    return field_steps.problem(
      config, self._record, params, rays=rays, steps=steps
    )

  def _style_problem(self, config, *, packed: bool) -> cases.Problem:
    # Steps of the paper's network take long enough by themselves.
    steps_per_call = 2
    if config is self._config:
      steps_per_call = config.mutual_learning.steps_per_dispatch
    model = self._model
    config = ml_collections.ConfigDict(config.to_dict())
    config.field.kind = self._config.field.kind
    facts = types.SimpleNamespace(
      latent_mean=model.latent_mean, latent_variance=model.latent_variance
    )
    steps = mutual_steps.MutualSteps(
      config, self._record, facts, model.params["field"], packed=packed
    )
    style_field = modules.init_style_field(
      config.style_field, self._space, self._key
    )
    batch = self._ray_batch((steps_per_call, _RAYS), packed=packed)
    if packed:
      count, geometry = batch.packed.shape[-1], 0.0
    else:
      count = modules.radiance_field(config.field, self._space).num_samples
      geometry = flops.of_field(config, model.params["field"])
    return cases.Problem(
      steps.field_loss,
      mutual_steps.field_optimizer(config.mutual_learning),
      {"style_field": style_field, "latents": model.params["latents"]},
      constants=steps.field_constants,
      batch=batch,
      rays=_RAYS,
      steps=steps_per_call,
      flops=3 * flops.of_style_field(style_field, count) + geometry,
      rows_at_once=ray_blocks.for_style_steps(config),
      key=self._key,
    )

  def _ray_batch(self, shape, *, packed: bool) -> style_batches.RayBatch:
    """Random pixels of the views in random styles, of random colours."""
    rendered = rendered_views.load_or_render(self._config, self._run, None)
    cameras, random = rendered.cameras, np.random.default_rng(0)
    pixels = view_pixels.ViewPixels(cameras.width, cameras.height)
    index = random.integers(pixels.total, size=shape)
    view, xy = pixels.locate(index)
    style = random.integers(len(self._model.styles), size=shape)
    return style_batches.RayBatch(
      style=style.astype(np.int32),
      view=view,
      xy=xy,
      colors=random.integers(0, 256, (*shape, 3)).astype(np.uint8),
      packed=rendered.geometry.rows(index) if packed else None,
    )

  def _rendering(self, name, config, painted_by=None) -> cases.Case:
    """A view; where another config's style field paints it, stylized."""
    field = modules.radiance_field(config.field, self._space)
    style_field, variables = None, {"field": self._model.params["field"]}
    at_once, peer = ray_blocks.for_rendering(config), ""
    work = flops.of_field(config, variables["field"])
    if painted_by is not None:
      at_once = _rays_at_once(config, painted_by)
      style_field, more = self._style(painted_by)
      variables |= more
      work += flops.of_style_field(more["style_field"], field.num_samples)
      peer = "style_render"
    render = image_rendering.make_image_renderer(
      field,
      style_field,
      self._setting,
      rays_per_chunk=ray_blocks.per_chunk(config),
      rays_at_once=at_once,
    )
    rays = self._size[0] * self._size[1]
    return cases.Case(
      name,
      rays,
      lambda: render(variables, self._camera(), *self._size),
      work * rays,
      peer,
    )

  def _painting(self, name, config, painted_by) -> cases.Case:
    """A view that is traced before, painted by another config's style field."""
    style_field, variables = self._style(painted_by)
    trace = image_rendering.make_tracer(
      modules.radiance_field(config.field, self._space),
      self._setting,
      config.geometry_cache.samples,
      rays_per_chunk=ray_blocks.per_chunk(config),
      rays_at_once=ray_blocks.for_rendering(config),
    )
    _, packed, _ = trace(
      self._model.params["field"], self._camera(), *self._size
    )
    count = packed.shape[-1]
    paint = image_rendering.make_painter(
      style_field,
      self._setting,
      rays_per_chunk=ray_blocks.per_chunk(config),
      rays_at_once=ray_blocks.for_rendering(painted_by, samples=count),
    )
    work = flops.of_style_field(variables["style_field"], count)
    rays = self._size[0] * self._size[1]
    return cases.Case(
      name,
      rays,
      lambda: paint(variables, self._camera(), packed),
      work * rays,
      "style_render",
    )

  def _style(self, config):
    style_field = modules.style_field_of(config.style_field, self._space)
    params = modules.init_style_field(
      config.style_field, self._space, self._key
    )
    latent = self._model.latent(self._model.styles[0])
    return style_field, {"style_field": params, "latent": latent}

  def _camera(self):
    arrays = rays_lib.camera_arrays(
      self._record.split("train"), self._record.normalization
    )
    return jax.tree.map(lambda values: values[0], arrays)


def _rays_at_once(config, painted_by) -> int:
  """Of a config's geometry with the style field of another."""
  mixed = ml_collections.ConfigDict(painted_by.to_dict())
  mixed.field = config.field
  return ray_blocks.for_stylized_rendering(mixed)
