"""Losses of the finish: palettes on rays, strokes on windows.

AdaIN and mutual learning bring the start and the space of codes. Strokes come
from matching: every place of a window, in every size, is drawn to the place of
the painting that it resembles most, while the features of the recoloured view
keep it readable (ARF, Zhang et al. 2022, section 3.3). Windows are whole to the
losses, and all styles share one style field.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.fields import hash_encoding
from stylized_nerf_jax.fields import latents as latents_lib
from stylized_nerf_jax.losses import matching, mutual
from stylized_nerf_jax.painting import ray_painter
from stylized_nerf_jax.rendering import compositing
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.scenes.selection import painted_views
from stylized_nerf_jax.stylizer import pretrained, vgg
from stylized_nerf_jax.views import recolored_views, style_batches

# Of the rates at the end, over those at the start.
_LAST_RATE = 0.1


def make_optimizer(options) -> optax.GradientTransformation:
  """Adam of one style: feature tables at a higher rate than the dense layers.

  Rates are constant in the steps on rays, and fall as a cosine in those on
  windows.

  Args:
    options: `config.mutual_learning.finish`.
  """

  def adam(rate: float):
    falling = optax.cosine_decay_schedule(
      rate, max(options.steps, 1), _LAST_RATE
    )
    schedule = optax.join_schedules(
      [optax.constant_schedule(rate), falling], [options.refit_steps]
    )
    return optax.adam(schedule, b2=0.99, eps=1e-15)

  return optax.multi_transform(
    {
      "tables": adam(options.table_learning_rate),
      "layers": adam(options.learning_rate),
    },
    lambda params: jax.tree.map_with_path(
      lambda path, _: "tables" if hash_encoding.is_table(path) else "layers",
      params,
    ),
  )


class FinishSteps:
  """Losses of a step.

  Args:
    config: of the run.
    record: of its scene.
    means: [S, L], the styles' mean codes.
    latents: [S, V, L], codes of styles as the training views see them; they
      stay as they are.
    field_params: of the radiance field.
    encoder: what strokes are matched by.
    packed: whether batches bring samples of the geometry cache.

  Attributes:
    constants: what both losses hold constant.
  """

  def __init__(
    self,
    config,
    record: scene_record.SceneRecord,
    means: np.ndarray,
    latents,
    field_params,
    encoder: pretrained.Encoder,
    *,
    packed: bool,
  ):
    self._options = config.mutual_learning.finish
    self._layout = encoder.layout
    self._painter = ray_painter.RayPainter(config, record)
    self.constants: dict[str, Any] = {
      "cameras": rays_lib.camera_arrays(
        painted_views.cameras_of(record.split("train"), config.views.rays),
        record.normalization,
      ),
      "mean": jnp.asarray(means),
      "latents": jnp.asarray(latents),
      "encoder": encoder.params,
    }
    if not packed:
      self.constants["field"] = field_params

  def refit_loss(
    self, params, constants, batch: style_batches.RayBatch, key
  ) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Error of rays against recoloured views.

    Every other ray is painted with its style's mean code, the rest with those
    of their views.

    Args:
      params: of the style field.
      constants: see `constants`.
      batch: R rays.
      key: unused: samples are those of rendering, without jitter.

    Returns:
      (loss [], metrics).
    """
    del key
    spread = jnp.arange(batch.style.shape[0]) % 2
    codes = self._codes(constants, batch.style, batch.view, spread)
    colors, uneven = self._paint(
      params, constants, batch.view, batch.xy, batch.packed, codes
    )
    error = mutual.mimic_2d_to_3d(colors, batch.rgb)
    loss = error + self._options.spread_weight * uneven
    return loss, {"loss": loss, "recolor": error, "spread": uneven}

  def window_loss(
    self, params, constants, batch: recolored_views.WindowBatch, key
  ) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Strokes and content of windows.

    Args:
      params: of the style field.
      constants: see `constants`; and, of the style, "painting" [sizes, M, 768]
        and "prices" [sizes, M].
      batch: R windows in that style.
      key: unused, as in `refit_loss`.

    Returns:
      (loss [], metrics), of which "share" [sizes, M] is not a figure: what
      share of the places took each of the painting's.
    """
    del key
    options = self._options
    count, size = batch.colors.shape[:2]
    per_pixel = size**2
    grid = rays_lib.pixel_grid(size, size)
    xy = batch.corner[:, None, None].astype(jnp.float32) + grid
    view, style, spread = (
      jnp.repeat(values, per_pixel)
      for values in (batch.view, batch.style, batch.spread)
    )
    packed = batch.packed
    if packed is not None:
      packed = packed.reshape(-1, *packed.shape[-2:])
    codes = self._codes(constants, style, view, spread)
    colors, uneven = self._paint(
      params, constants, view, xy.reshape(-1, 2), packed, codes
    )
    images = colors.reshape(count, size, size, 3)
    goal = batch.colors.astype(jnp.float32) / 255.0
    smooth = matching.total_variation(images)
    tone = matching.tone_loss(images, goal)
    match, content, shares = [], [], []
    for scale in range(options.scales):
      if scale:
        images, goal = matching.halved(images), matching.halved(goal)
      found = self._features(constants, images)
      wanted = self._features(constants, goal)
      places = found.reshape(-1, found.shape[-1])
      painting = constants["painting"][scale]
      distance, taken = matching.matching_loss(
        places, painting, constants["prices"][scale]
      )
      if options.strokes == "statistics":
        distance = matching.statistics_loss(places, painting)
      match.append(distance)
      content.append(matching.content_loss(found, wanted))
      shares.append(matching.shares(taken, constants["painting"].shape[1]))
    match, content = sum(match) / len(match), sum(content) / len(content)
    loss = match + options.content_weight * content
    loss += options.tone_weight * tone
    loss += options.spread_weight * uneven + options.smooth_weight * smooth
    return loss, {
      "loss": loss,
      "match": match,
      "content": content,
      "tone": tone,
      "spread": uneven,
      "share": jnp.stack(shares),
    }

  def _features(self, constants, images: jax.Array) -> jax.Array:
    """Features of images [R, H, W, 3], [R, h, w, 768], without the rim, where
    VGG sees a window's reflection."""
    found = vgg.stroke_features(constants["encoder"], images, self._layout)
    return found[:, 1:-1, 1:-1] if min(found.shape[1:3]) > 2 else found

  def _codes(self, constants, style, view, spread) -> jax.Array:
    return latents_lib.spread(
      constants["mean"][style],
      constants["latents"][style, view],
      spread[:, None],
    )

  def _paint(self, params, constants, view, xy, packed, codes):
    samples, _ = self._painter.sample(constants, view, xy, packed)
    return self._painter.paint(params, samples, codes)

  def colors(
    self, params, batch: style_batches.RayBatch
  ) -> tuple[np.ndarray, np.ndarray]:
    """Paints rays with the mean codes of their styles.

    Returns:
      (colours [R, 3], opacities [R]).
    """
    found = self._mean_colors(params, self.constants, batch)
    return np.asarray(found[0]), np.asarray(found[1])

  @functools.cached_property
  def _mean_colors(self):
    def paint(params, constants, batch):
      samples, _ = self._painter.sample(
        constants, batch.view, batch.xy, batch.packed
      )
      codes = constants["mean"][batch.style]
      colors, _ = self._painter.paint(params, samples, codes)
      return colors, compositing.opacity(samples.weights)

    return jax.jit(paint)
