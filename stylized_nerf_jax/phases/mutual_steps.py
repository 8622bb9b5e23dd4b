"""The field step of mutual learning, and the rendering its decoder step needs.

The geometry is held constant by construction: the radiance field's parameters
are among the constants of the step, never among what is differentiated.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.losses import mutual
from stylized_nerf_jax.phases import modules, stylizer_nets
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import renderer
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.training import parallel


def field_optimizer(options) -> optax.GradientTransformation:
  """Adam for the style field, decaying, and Adam for the codes."""
  schedule = optax.exponential_decay(
    options.learning_rate,
    transition_steps=options.steps,
    decay_rate=options.learning_rate_final / options.learning_rate,
  )
  return optax.multi_transform(
    {
      "style_field": optax.adam(
        schedule, b2=options.adam_b2, eps=options.adam_eps
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

  Attributes:
    field_constants: what `field_loss` holds constant.
  """

  def __init__(
    self,
    config,
    record: scene_record.SceneRecord,
    facts: stylizer_nets.StyleFacts,
    field_params,
  ):
    space = record.normalization.space
    self._options = config.mutual_learning
    self._setting = modules.ray_setting(record)
    self._field = modules.radiance_field(config.field, space)
    self._style_field = modules.style_field_of(config.style_field, space)
    cameras = rays_lib.camera_arrays(
      record.split("train"), record.normalization
    )
    self.field_constants = {
      "field": field_params,
      "cameras": cameras,
      "mean": jnp.asarray(facts.latent_mean),
      "variance": jnp.asarray(facts.latent_variance),
    }
    self._render = parallel.make_map(
      self._render_pixels, rows_per_device=self._options.decoder_rays
    )

  def field_loss(self, params, constants, batch, key):
    """Mimic loss of rays over views and styles, and the codes' likelihood.

    Args:
      params: {"style_field", "latents" [S, V, L]}.
      constants: see `field_constants`.
      batch: (style [R], view [R], xy [R, 2], colors [R, 3] uint8).
      key: unused: samples are those of rendering, without jitter.

    Returns:
      (loss [], metrics).
    """
    del key
    style, view, xy, colors = batch
    options = self._options
    target = colors.astype(jnp.float32) / 255.0
    mean, variance = constants["mean"][style], constants["variance"][style]
    latents = self._codes(params, constants, style, view)
    camera = jax.tree.map(lambda values: values[view], constants["cameras"])
    rays = rays_lib.cast_rays(camera, xy, self._setting.space)
    samples, aux = self._field.apply(
      {"params": constants["field"]}, rays, method="sample", with_color=False
    )
    mimic = mutual.mimic_2d_to_3d(self._paint(params, samples, latents), target)
    if options.mimic_coarse:
      coarse = self._paint(params, aux["coarse_samples"], latents)
      mimic += mutual.mimic_2d_to_3d(coarse, target)
    loss = options.mimic_field_weight * mimic
    metrics = {"mimic": mimic}
    if options.learn_latents:
      nll = mutual.latent_loss(
        latents, mean, variance, normalise=options.latent_normalise
      )
      loss += options.latent_weight * nll
      metrics["latent_nll"] = nll
    return loss, {"loss": loss, **metrics}

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
      "field": self.field_constants["field"],
      "style_field": params["style_field"],
      "latent": codes,
    }
    return self._render((variables, camera), np.asarray(xy)).rgb

  def _codes(self, params, constants, style, view):
    if self._options.learn_latents:
      return params["latents"][style, view]
    return constants["mean"][style]

  def _paint(self, params, samples, latents):
    """Colours of rays [R, 3] in the style of their codes [R, L]."""
    colors = self._style_field.apply(
      {"params": params["style_field"]}, samples.points, latents
    )
    return renderer.composite_colors(
      samples.weights, colors, self._setting.background
    )

  def _render_pixels(self, constants, xy):
    variables, camera = constants
    rays = rays_lib.cast_rays(camera, xy, self._setting.space)
    return renderer.render_rays(
      self._field, self._style_field, variables, rays, self._setting
    )
