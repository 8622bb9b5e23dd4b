"""Rays from any field, for programs that train or measure one themselves.

`render_rays` asks nothing of a field but the protocol `fields/field.py`, and
has derivatives by parameters, by rays, and through rays by cameras. What a run
renders with is `renderer.py`: without randomness, whole pictures, one kind of
depth.
"""

import dataclasses
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from stylized_nerf_jax import user_error
from stylized_nerf_jax.rendering import compositing, renderer
from stylized_nerf_jax.rendering import rays as rays_lib

# Below this opacity a ray has no distance, as in `compositing.expected_t`.
_NOTHING = 1e-6


@flax.struct.dataclass
class RenderedRays:
  """What rays [...] show.

  Attributes:
    rgb: [..., 3], in [0, 1].
    depth: [...], distance from the camera centre to the mean of what a ray
      hits, however little it hits; 0 where it hits nothing. In the scene
      file's units where the rays know their scene, otherwise in the units of
      their origins.
    disparity: [...], 1 / depth; 0 where a ray hits nothing.
    opacity: [...], in [0, 1].
    coarse: {"rgb" [..., 3], "opacity" [...]} of the field's coarse pass; None
      where it has none.
    losses: the field's own, [] each, unweighted, by name; see
      `fields.field.Field.losses`.
  """

  rgb: jax.Array
  depth: jax.Array
  disparity: jax.Array
  opacity: jax.Array
  coarse: dict[str, jax.Array] | None
  losses: dict[str, jax.Array]


def render_rays(
  field: Any,
  params: Any,
  rays: rays_lib.Rays,
  *,
  key: jax.Array | None = None,
  noise: float = 0.0,
  target: jax.Array | None = None,
  background: jax.Array | None = None,
) -> RenderedRays:
  """Renders rays in a field's own colours.

  Args:
    field: keeps the protocol `fields.field.Field`. Where it has attributes
      `near` and `far`, they are those of rays that have none; where it has an
      attribute `background`, that is behind all rays.
    params: its parameters.
    rays: [...], any leading dimensions.
    key: random key of a training step, which moves samples; None:
      deterministic.
    noise: standard deviation of the noise on densities before their
      activation; needs a key.
    target: [..., 3], photographed colours in [0, 1], for losses that compare
      with them; None: these are left out.
    background: [3] or [..., 3], in [0, 1], behind the rays; None: the field's,
      or that of the scene which the rays are cast in, or black.

  Returns:
    `RenderedRays` of shape [...].

  Raises:
    ValueError: neither rays nor field have near and far.
  """
  lead = rays.origins.shape[:-1]
  rays = _flat(field, rays)
  behind = _background(field, rays, background)
  apply = _bound(field, params)
  samples, found = apply("sample", rays, key, noise=noise)
  colors = apply("color", samples, rays.viewdirs)
  coarse = field.coarse_samples(found)
  if coarse is not None:
    coarse = _coarse(
      coarse, apply("coarse_color", coarse, rays.viewdirs), behind
    )
  if target is not None:
    target = jnp.broadcast_to(target, (*lead, 3)).reshape(-1, 3)
  losses = apply("losses", rays, found, target, behind)
  return _rendered(rays, samples, colors, behind, coarse, losses, lead)


def render_styled_rays(
  field: Any,
  params: Any,
  style_field: Any,
  style_params: Any,
  rays: rays_lib.Rays,
  codes: jax.Array,
  *,
  intensity: jax.Array | float = 1.0,
  key: jax.Array | None = None,
  background: jax.Array | None = None,
) -> RenderedRays:
  """Renders rays of a field in the colours of a style field.

  Nothing is held constant: phase 3 differentiates by the style field's
  parameters and the codes alone, since the field's densities are frozen there.

  Args:
    field, params, rays, key, background: as in `render_rays`.
    style_field: as `fields.style_field.StyleField`: from points [R, K, 3] and
      codes [R, L] to colours [R, K, 3].
    style_params: its parameters.
    codes: [..., L], latent codes, one for each ray, or [L] for all of them.
    intensity: [] or [...], in [0, 1]: 0 shows the field's own colours, 1 the
      style field's.

  Returns:
    `RenderedRays` of shape [...]; the coarse pass is painted, too, as the
    paper's second mimic loss wants it, and there are no losses.

  Raises:
    ValueError: neither rays nor field have near and far.
  """
  lead = rays.origins.shape[:-1]
  rays = _flat(field, rays)
  behind = _background(field, rays, background)
  apply, paint = _bound(field, params), _bound(style_field, style_params)
  samples, found = apply("sample", rays, key)
  codes = jnp.broadcast_to(codes, (*lead, codes.shape[-1]))
  codes = codes.reshape(-1, codes.shape[-1])
  colors = paint("__call__", samples.points, codes)
  whole = isinstance(intensity, int | float) and intensity == 1.0
  share = jnp.broadcast_to(intensity, lead).reshape(-1, 1, 1)
  if not whole:
    own = apply("color", samples, rays.viewdirs)
    colors = own + share * (colors - own)
  coarse = field.coarse_samples(found)
  if coarse is not None:
    painted = paint("__call__", coarse.points, codes)
    if not whole:
      own = apply("coarse_color", coarse, rays.viewdirs)
      painted = own + share * (painted - own)
    coarse = _coarse(coarse, painted, behind)
  return _rendered(rays, samples, colors, behind, coarse, {}, lead)


def _bound(module: Any, params):
  """Returns a caller of the module's methods by their names."""

  def apply(method: str, *args, **kwargs):
    return module.apply({"params": params}, *args, method=method, **kwargs)

  return apply


def _flat(field, rays: rays_lib.Rays) -> rays_lib.Rays:
  """Returns rays [R] that have near and far."""
  if rays.near is None:
    near, far = getattr(field, "near", None), getattr(field, "far", None)
    if near is None or far is None:
      raise user_error.UserError(
        "rays have no near and far, and the field has none either; give both "
        "to `Rays.of` or `camera_rays`"
      )
    ones = jnp.ones_like(rays.origins[..., :1])
    rays = dataclasses.replace(rays, near=near * ones, far=far * ones)
  return jax.tree.map(lambda v: v.reshape(-1, v.shape[-1]), rays)


def _background(field, rays: rays_lib.Rays, given):
  """Returns what is behind rays [R]: [3] or [R, 3]."""
  if given is None:
    given = getattr(field, "background", None)
  if given is None and rays.setting is not None:
    given = rays.setting.background
  if given is None:
    return jnp.zeros(3)
  given = jnp.asarray(given, jnp.float32)
  return given if given.ndim == 1 else given.reshape(-1, 3)


def _coarse(samples, colors, behind) -> dict[str, jax.Array]:
  return {
    "rgb": renderer.composite_colors(samples.weights, colors, behind),
    "opacity": compositing.opacity(samples.weights),
  }


def _rendered(
  rays, samples, colors, behind, coarse, losses, lead: tuple[int, ...]
) -> RenderedRays:
  """Composites rays [R], and gives them their leading dimensions again."""
  opacity = compositing.opacity(samples.weights)
  setting = rays.setting
  depth = rays_lib.distances(
    rays,
    compositing.expected_t(samples.weights, samples.t),
    None if setting is None else setting.space,
  )
  if setting is not None:
    depth = depth / setting.scale
  hits = (opacity > _NOTHING) & (depth > 0.0)
  rendered = {
    "rgb": renderer.composite_colors(samples.weights, colors, behind),
    "depth": jnp.where(hits, depth, 0.0),
    "disparity": jnp.where(hits, 1.0 / jnp.where(hits, depth, 1.0), 0.0),
    "opacity": opacity,
    "coarse": coarse,
  }
  shaped = jax.tree.map(lambda v: v.reshape(*lead, *v.shape[1:]), rendered)
  return RenderedRays(**shaped, losses=losses)
