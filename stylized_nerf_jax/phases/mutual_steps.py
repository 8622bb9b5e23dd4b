"""Field steps of mutual learning, and the rendering its decoder step needs.

On single rays the style field learns what the paper has it learn: colours of
the 2D stylizer. That is a mean over views which disagree, so the last steps
take patches instead, and hold what the style field renders to the losses of
the decoder: content, and style over all patches of a step together, down to a
goal (`style_goals.py`). Colours along a ray are drawn together meanwhile, since
texture in the depth of a soft surface shifts from view to view. Every other
patch is painted with its style's mean code, with which a style is shown and
which no view has.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.fields import hash_encoding
from stylized_nerf_jax.losses import mutual, stylization
from stylized_nerf_jax.networks import ray_blocks, stylizer_nets
from stylized_nerf_jax.painting import ray_painter
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import renderer
from stylized_nerf_jax.rows import mapping
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.scenes.selection import painted_views
from stylized_nerf_jax.stylizer import adain, vgg
from stylized_nerf_jax.views import style_batches


def field_optimizer(options) -> optax.GradientTransformation:
  """Adam for the style field, decaying in each stage, and for the codes.

  In the stage of patches the feature tables, of which a step touches few
  entries, learn faster than the dense layers: those move every colour at once,
  and at the tables' rate drive them to 0 and 1, where a sigmoid has no gradient
  left. For the same reason the rate rises into that stage, whose gradients are
  larger than those that Adam still remembers, and gradients are clipped: that
  of a style of high contrast may be ten times another's.
  """
  rays = optax.exponential_decay(
    options.learning_rate,
    max(options.steps, 1),
    options.learning_rate_final / options.learning_rate,
  )

  def adam(rate: float, final: float):
    patches = optax.warmup_exponential_decay_schedule(
      init_value=min(options.learning_rate_final, rate),
      peak_value=rate,
      warmup_steps=min(options.patch_warmup, options.patch_steps),
      transition_steps=max(options.patch_steps - options.patch_warmup, 1),
      decay_rate=final / rate,
    )
    schedule = optax.join_schedules([rays, patches], [options.steps])
    return optax.adam(schedule, b2=options.adam_b2, eps=options.adam_eps)

  style_field = optax.multi_transform(
    {
      "tables": adam(
        options.patch_table_learning_rate,
        options.patch_table_learning_rate_final,
      ),
      "layers": adam(
        options.patch_learning_rate, options.patch_learning_rate_final
      ),
    },
    lambda params: jax.tree.map_with_path(
      lambda path, _: "tables" if hash_encoding.is_table(path) else "layers",
      params,
    ),
  )
  return optax.multi_transform(
    {
      "style_field": optax.chain(
        optax.clip_by_global_norm(options.clip or np.inf), style_field
      ),
      "latents": optax.adam(options.latent_learning_rate),
    },
    {"style_field": "style_field", "latents": "latents"},
  )


class MutualSteps:
  """Loss of a field step, and colours C_s of single pixels.

  Args:
    config: of the run.
    record: of its scene.
    facts: what the 2D networks see of the styles.
    field_params: of the radiance field.
    packed: every batch brings samples of the geometry cache; steps then hold no
      radiance field on the devices.

  Attributes:
    field_constants: what `field_loss` holds constant.
  """

  def __init__(
    self,
    config,
    record: scene_record.SceneRecord,
    facts: stylizer_nets.StyleFacts,
    field_params,
    *,
    packed: bool = False,
  ):
    self._options = config.mutual_learning
    self._painter = ray_painter.RayPainter(config, record)
    cameras = rays_lib.camera_arrays(
      painted_views.cameras_of(record.split("train"), config.views.rays),
      record.normalization,
    )
    self._field_params = field_params
    self.field_constants = {
      "cameras": cameras,
      "mean": jnp.asarray(facts.latent_mean),
      "variance": jnp.asarray(facts.latent_variance),
    }
    if not packed:
      self.field_constants["field"] = field_params
    self._render = mapping.make_map(
      self._render_pixels,
      rows_per_device=self._options.decoder_rays,
      rows_at_once=ray_blocks.for_stylized_rendering(config),
    )

  def patch_constants(self, nets, facts, style_goals) -> dict[str, Any]:
    """Gathers what `patch_loss` holds constant.

    Args:
      nets: `stylizer_nets.Nets`, the 2D networks.
      facts: `stylizer_nets.StyleFacts`, what they see of S styles.
      style_goals: [S], style losses below which those of patches weigh nothing.
    """
    return {
      **self.field_constants,
      "encoder": nets.encoder.params,
      "statistics": jax.tree.map(jnp.asarray, facts.statistics),
      "style_goals": jnp.asarray(style_goals, jnp.float32),
    }

  def field_loss(self, params, constants, batch: style_batches.RayBatch, key):
    """Mimic loss of rays over views and styles, and the codes' likelihood.

    Args:
      params: {"style_field", "latents" [S, V, L]}.
      constants: see `field_constants`.
      batch: R rays.
      key: unused: samples are those of rendering, without jitter.

    Returns:
      (loss [], metrics).
    """
    del key
    loss, metrics, *_ = self._ray_losses(params, constants, batch)
    return loss, {"loss": loss, **metrics}

  def patch_loss(
    self,
    params,
    constants,
    batch: style_batches.PatchBatch,
    key,
    *,
    layout: str,
  ):
    """Losses of rays, and content and style of the patches they make.

    Patches 0, 2, ... have the codes of their views, the others the mean code.

    Args:
      params: as in `field_loss`.
      constants: see `patch_constants`.
      batch: G groups of patches.
      key: unused, as in `field_loss`.
      layout: of the encoder.

    Returns:
      (loss [], metrics), means over the groups.
    """
    del key
    groups = batch.style.shape[0]
    parts = [
      self._group_losses(
        params,
        constants,
        jax.tree.map(lambda values, g=g: values[g], batch),
        layout,
      )
      for g in range(groups)
    ]
    mean = jax.tree.map(lambda *values: sum(values) / groups, *parts)
    return mean["loss"], mean

  def _group_losses(
    self, params, constants, group: style_batches.PatchBatch, layout: str
  ):
    options = self._options
    count, size = group.colors.shape[:2]
    grid = jnp.asarray(rays_lib.pixel_grid(size, size), jnp.float32)
    xy = group.corner[:, None, None].astype(jnp.float32) + grid
    per_pixel = functools.partial(jnp.repeat, repeats=size**2)
    loss, metrics, colors, spread = self._ray_losses(
      params,
      constants,
      style_batches.RayBatch(
        style=jnp.full(count * size**2, group.style),
        view=per_pixel(group.view),
        xy=xy.reshape(-1, 2),
        colors=group.colors.reshape(-1, 3),
        packed=jax.tree.map(
          lambda v: v.reshape(-1, *v.shape[-2:]), group.packed
        ),
      ),
      at_mean=per_pixel(jnp.arange(count) % 2 == 1),
    )
    images = colors.reshape(count, size, size, 3)
    module = vgg.VggEncoder(layout)
    encoded = module.apply({"params": constants["encoder"]}, images)
    statistics = jax.tree.map(
      lambda values: values[None, group.style], constants["statistics"]
    )
    mean, std = statistics["relu4_1"]
    target = adain.restyle(group.features, mean, std)
    content = stylization.content_loss(
      _inner(encoded["relu4_1"]), _inner(target)
    )
    style = stylization.style_loss(
      {name: stylization.side_by_side(f) for name, f in encoded.items()},
      statistics,
    )
    beyond_goal = jnp.maximum(style - constants["style_goals"][group.style], 0)
    # Both grow with it, and the mimic loss does not.
    contrast = sum(jnp.square(std).mean() for _, std in statistics.values())
    loss += options.patch_content_weight * content / contrast
    loss += options.patch_style_weight * beyond_goal / contrast
    loss += options.patch_spread_weight * spread
    metrics |= {"content": content, "style": style, "spread": spread}
    return {"loss": loss, **metrics}

  def _ray_losses(
    self, params, constants, batch: style_batches.RayBatch, *, at_mean=False
  ):
    """(Weighted loss [], the single losses, colours [R, 3], how much those
    along a ray differ []) of rays.

    Those that are `at_mean`, [R], are painted with the style's mean code.
    """
    options = self._options
    target = batch.rgb
    mean = constants["mean"][batch.style]
    variance = constants["variance"][batch.style]
    latents = self._codes(params, constants, batch.style, batch.view)
    shown = jnp.where(jnp.asarray(at_mean)[..., None], mean, latents)
    samples, coarse = self._painter.sample(
      constants, batch.view, batch.xy, batch.packed
    )
    paint = functools.partial(self._painter.paint, params["style_field"])
    painted, spread = paint(samples, shown)
    mimic = mutual.mimic_2d_to_3d(painted, target)
    if options.mimic_coarse and coarse is not None:
      coarse_colors, _ = paint(coarse, shown)
      mimic += mutual.mimic_2d_to_3d(coarse_colors, target)
    loss = options.mimic_field_weight * mimic
    metrics = {"mimic": mimic}
    if options.learn_latents:
      nll = mutual.latent_loss(
        latents, mean, variance, normalise=options.latent_normalise
      )
      loss += options.latent_weight * nll
      metrics["latent_nll"] = nll
    return loss, metrics, painted, spread

  def render_pixels(self, params, style: int, view: int, xy) -> np.ndarray:
    """Renders C_s at pixels of a training view, with that view's code.

    Args:
      params: as in `field_loss`.
      style, view: indices.
      xy: [P, 2] pixel centres.

    Returns:
      [P, 3].
    """
    codes = self._codes(params, self.field_constants, style, view)
    camera = jax.tree.map(
      lambda values: values[view], self.field_constants["cameras"]
    )
    variables = {
      "field": self._field_params,
      "style_field": params["style_field"],
      "latent": codes,
    }
    return self._render((variables, camera), np.asarray(xy)).rgb

  def _codes(self, params, constants, style, view):
    if self._options.learn_latents:
      return params["latents"][style, view]
    return constants["mean"][style]

  def _render_pixels(self, constants, xy):
    variables, camera = constants
    painter = self._painter
    rays = rays_lib.cast_rays(camera, xy, painter.setting.space)
    return renderer.render_rays(
      painter.field, painter.style_field, variables, rays, painter.setting
    )


def _inner(features):
  """Leaves out the rim, where E sees a patch's reflection, not the view."""
  if min(features.shape[1:3]) < 3:
    return features
  return features[:, 1:-1, 1:-1]
