"""What `bench.py` times: the project's own steps and renderings, on a run.

A case is a compiled call with real inputs: geometry, cameras and codes are
those of a finished run. Networks of the paper's size are drawn at random, which
changes no time.
"""

import dataclasses
import functools
import pathlib
import types
from collections.abc import Callable
from typing import Any

import jax
import ml_collections
import numpy as np
import optax

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.networks import modules, ray_blocks, stylizer_nets
from stylized_nerf_jax.phases import mutual_steps, pipeline, radiance_field
from stylized_nerf_jax.pixels import pixel_bank
from stylized_nerf_jax.rendering import (
  image_rendering,
)
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rows import prng
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.training import state as state_lib
from stylized_nerf_jax.training import train_steps
from stylized_nerf_jax.views import (
  rendered_views,
  stylized_views,
  view_features,
)

_DISPATCH = 20
_RAYS = 2048
# Of the paper's field; an accelerator is not busy with fewer.
_PAPER_RAYS = 256 if jax.default_backend() == "cpu" else 2048


@dataclasses.dataclass(frozen=True)
class Case:
  """One thing to time.

  Attributes:
    name: for people.
    rays: that one call handles.
    call: does it and waits for the result.
    flops: multiplications and additions of its dense layers, counted by hand.
    peer: start of the name that the same work has in the peer's answer or in
      another case; empty: none.
  """

  name: str
  rays: int
  call: Callable[[], None]
  flops: float
  peer: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
  """Training steps, and all that they are taken with.

  Attributes:
    loss, optimizer: as `train_steps.make_train_steps` takes them.
    params: to start from.
    constants, key: of the steps.
    batch: tree of [steps, rays, ...]; None where the loss draws its rows.
    rays: of a step.
    steps: of a call.
    flops: of a ray.
    rows_at_once: rays that are taken together.
  """

  loss: Callable
  optimizer: optax.GradientTransformation
  params: Any
  constants: Any
  batch: Any
  rays: int
  steps: int
  flops: float
  rows_at_once: int
  key: jax.Array

  @property
  def rows(self) -> int | None:
    """Of a step, where the loss draws them."""
    return self.rays if self.batch is None else None

  def state(self) -> state_lib.TrainState:
    """Returns a state to start from."""
    params = jax.tree.map(np.asarray, self.params)
    return state_lib.create(params, self.optimizer)

  def taker(self, **options) -> Callable:
    """Returns what takes the steps of a call: state -> (state, metrics).

    Args:
      **options: of `train_steps.make_train_steps`, beside the problem's own.
    """
    take = train_steps.make_train_steps(
      self.loss,
      self.optimizer,
      num_steps=self.steps,
      rows=self.rows,
      rows_at_once=self.rows_at_once,
      **options,
    )

    def call(state):
      return take(state, self.constants, self.key, self.batch)

    return call

  def case(self, name: str, peer: str = "") -> Case:
    """Returns a call that takes its steps and waits for their result."""
    take, kept = self.taker(), [self.state()]

    def call():
      kept[0], _ = take(kept[0])
      jax.block_until_ready(kept[0])

    rays = self.rays * self.steps
    return Case(name, rays, call, self.flops * rays, peer)


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

  def steps(self) -> list[Case]:
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

  def problems(self) -> dict[str, tuple[Problem, int]]:
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

  def patches(self, scratch: pathlib.Path) -> Problem:
    """A step on patches as phase 3 takes it.

    Args:
      scratch: an empty folder for stylized views, which stay black.
    """
    model, config = self._model, self._config
    options = config.mutual_learning
    nets = stylizer_nets.load_nets(config.weights)
    facts = stylizer_nets.style_facts(nets, pipeline.stored_styles(self._run))
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
    return Problem(
      functools.partial(steps.patch_loss, layout=nets.encoder.layout),
      mutual_steps.field_optimizer(options),
      params,
      constants=steps.patch_constants(nets, facts, np.zeros(len(facts.names))),
      batch=jax.tree.map(lambda values: values[None], batch),
      rays=rays,
      steps=1,
      flops=3 * style_flops(params["style_field"], count),
      rows_at_once=1,
      key=self._key,
    )

  def renderings(self) -> list[Case]:
    """Renderings of a part of a training view."""
    paper = self._paper_config()
    painted = "paint a traced view"
    return [
      self._rendering("photographed", None),
      self._rendering("stylized from nothing, hash grid", self._config),
      self._rendering("stylized from nothing, paper's MLP", paper),
      self._painting(f"{painted}, hash grid", self._config),
      self._painting(f"{painted}, paper's MLP", paper),
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
    traced = self._config.geometry_cache.samples
    chosen = {
      "photographed": ray_blocks.for_rendering(fast),
      "paint, hash grid": ray_blocks.for_rendering(fast, samples=traced),
      "paint, paper's MLP": ray_blocks.for_rendering(paper, samples=traced),
      "phase 1, paper's field": ray_blocks.for_field_steps(paper),
    }
    made = {name: [] for name in chosen}
    run_config = self._config
    for block in blocks:
      paper, fast = self._paper_config(), self._fast_config()
      for config in (paper, fast):
        config.rendering.rays_at_once = config.training.rays_at_once = block
      self._config = fast
      for name, case in (
        ("photographed", self._rendering("", None)),
        ("paint, hash grid", self._painting("", fast)),
        ("paint, paper's MLP", self._painting("", paper)),
        ("phase 1, paper's field", self._field_step("", paper, _PAPER_RAYS, 1)),
      ):
        made[name].append(case)
    self._config = run_config
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

  def _field_step(self, name, config, rays, steps, peer="") -> Case:
    return self._field_problem(config, rays, steps).case(name, peer)

  def _style_step(self, name, config, *, packed=False) -> Case:
    problem = self._style_problem(config, packed=packed)
    return problem.case(name, "style_train")

  def _field_problem(self, config, rays: int, steps: int) -> Problem:
    params = None
    if config.field.kind == self._config.field.kind:
      params = self._model.params["field"]
    return field_problem(config, self._record, params, rays=rays, steps=steps)

  def _style_problem(self, config, *, packed: bool) -> Problem:
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
    rendered = rendered_views.load_or_render(self._config, self._run, None)
    random = np.random.default_rng(0)
    shape = (steps_per_call, _RAYS)
    width, height = rendered.cameras.width[0], rendered.cameras.height[0]
    view = random.integers(len(rendered), size=shape)
    x, y = (
      random.integers(width, size=shape),
      random.integers(height, size=shape),
    )
    samples = None
    count = config.field.hash_grid.num_fine
    geometry = 0.0
    if packed:
      samples = rendered.geometry.rows(view * width * height + y * width + x)
      count = samples.shape[-1]
    else:
      geometry = field_flops(self._config, model.params["field"])
    batch = (
      random.integers(len(model.styles), size=shape).astype(np.int32),
      view.astype(np.int32),
      np.stack([x, y], axis=-1).astype(np.float32) + 0.5,
      random.integers(0, 256, (*shape, 3)).astype(np.uint8),
      samples,
    )
    return Problem(
      steps.field_loss,
      mutual_steps.field_optimizer(config.mutual_learning),
      {"style_field": style_field, "latents": model.params["latents"]},
      constants=steps.field_constants,
      batch=batch,
      rays=_RAYS,
      steps=steps_per_call,
      flops=3 * style_flops(style_field, count) + geometry,
      rows_at_once=ray_blocks.for_style_steps(config),
      key=self._key,
    )

  def _rendering(self, name, config) -> Case:
    style_field, variables = None, {"field": self._model.params["field"]}
    flops = field_flops(self._config, variables["field"])
    at_once = ray_blocks.for_rendering(self._config)
    if config is not None:
      at_once = self._rays_at_once(config)
      style_field, more = self._style(config)
      variables |= more
      count = self._config.field.hash_grid.num_fine
      flops += style_flops(more["style_field"], count)
    render = image_rendering.make_image_renderer(
      modules.radiance_field(self._config.field, self._space),
      style_field,
      self._setting,
      rays_per_chunk=ray_blocks.per_chunk(self._config),
      rays_at_once=at_once,
    )
    rays = self._size[0] * self._size[1]
    peer = "" if config is None else "style_render"
    return Case(
      name,
      rays,
      lambda: render(variables, self._camera(), *self._size),
      flops * rays,
      peer,
    )

  def _painting(self, name, config) -> Case:
    style_field, variables = self._style(config)
    trace = image_rendering.make_tracer(
      modules.radiance_field(self._config.field, self._space),
      self._setting,
      self._config.geometry_cache.samples,
      rays_per_chunk=ray_blocks.per_chunk(self._config),
      rays_at_once=ray_blocks.for_rendering(self._config),
    )
    _, packed, _ = trace(
      self._model.params["field"], self._camera(), *self._size
    )
    paint = image_rendering.make_painter(
      style_field,
      self._setting,
      rays_per_chunk=ray_blocks.per_chunk(self._config),
      rays_at_once=ray_blocks.for_rendering(config, samples=packed.shape[-1]),
    )
    flops = style_flops(variables["style_field"], packed.shape[-1])
    rays = self._size[0] * self._size[1]
    return Case(
      name,
      rays,
      lambda: paint(variables, self._camera(), packed),
      flops * rays,
      "style_render",
    )

  def _rays_at_once(self, config) -> int:
    """Of the run's geometry with the style field of another config."""
    mixed = ml_collections.ConfigDict(config.to_dict())
    mixed.field = self._config.field
    return ray_blocks.for_stylized_rendering(mixed)

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


def field_problem(
  config, record, params=None, *, rays: int, steps: int
) -> Problem:
  """Returns steps of phase 1 on pixels of random colours.

  Args:
    config: of a run.
    record: of the scene.
    params: of the field; None: as they are at the start.
    rays: of a step.
    steps: of a call.
  """
  options, space = config.radiance_field, record.normalization.space
  field = modules.radiance_field(config.field, space)
  if params is None:
    params = radiance_field.init_params(field, record, seed=0)
  cameras = record.split("train")
  random = np.random.default_rng(0)
  images = (
    random.integers(0, 256, (c.height, c.width, 3), dtype=np.uint8)
    for c in cameras
  )
  loss = functools.partial(
    radiance_field.loss_fn,
    field=field,
    setting=modules.ray_setting(record),
    options=options,
  )
  return Problem(
    loss,
    radiance_field.make_optimizer(options, space),
    params,
    constants=pixel_bank.make_pixel_bank(
      images, rays_lib.camera_arrays(cameras, record.normalization)
    ),
    batch=None,
    rays=rays,
    steps=steps,
    flops=3 * field_flops(config, params),
    rows_at_once=ray_blocks.for_field_steps(config),
    key=prng.stream_key(0, "bench"),
  )


def field_flops(config, params) -> float:
  """FLOPs of a ray through all dense layers of a field, forward."""
  if config.field.kind == "positional":
    options = config.field.positional
    fine = options.num_coarse + options.num_fine
    return 2.0 * (
      options.num_coarse * _kernels(params["coarse"])
      + fine * _kernels(params["fine"])
    )
  options = config.field.hash_grid
  proposal = {k: v for k, v in params.items() if k.startswith("proposal")}
  rest = {k: v for k, v in params.items() if not k.startswith("proposal")}
  return 2.0 * (
    options.num_proposal * _kernels(proposal)
    + options.num_fine * _kernels(rest)
  )


def style_flops(params, count: int) -> float:
  """FLOPs of a ray of `count` samples through a style field, forward."""
  return 2.0 * count * _kernels(params)


def _kernels(params) -> int:
  """Entries of all kernels: multiply-adds of a sample."""
  leaves = jax.tree.leaves_with_path(params)
  return sum(v.size for path, v in leaves if path[-1].key == "kernel")
