"""What phase 1 learns of single photographs: their exposure, their pose.

Both are off where their learning rates are 0. They end with the phase: what is
rendered has the capture's mean exposure, under the cameras that are asked for.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import view_corrections
from stylized_nerf_jax.scenes import scene_record

# Of all steps: a field that shows nothing yet says nothing about cameras, and
# then follows those that it has led astray.
_ALONE, _WARMUP = 0.4, 0.1


@dataclasses.dataclass(frozen=True, eq=False)
class CorrectedViews:
  """Corrections of V training views, and how fast they are learned.

  Parameters of a phase that has them are {"field": those of the field,
  "views": {"stops": [V, 3], "twists": [V, 6]}}, of which what is not learned is
  missing.

  Attributes:
    centers: [V, 3], camera centres, model frame.
    exposure_rate: of the stops; 0: none are learned.
    pose_rate: of the twists; 0: none are learned.
    steps: of the phase.
  """

  centers: np.ndarray
  exposure_rate: float
  pose_rate: float
  steps: int

  @classmethod
  def of(
    cls, options, record: scene_record.SceneRecord
  ) -> "CorrectedViews | None":
    """Returns what is learned of the views of a scene, None if nothing.

    Args:
      options: `config.radiance_field`.
      record: of the scene.
    """
    rates = options.exposure_learning_rate, options.pose_learning_rate
    if not any(rates):
      return None
    cameras = record.split("train")
    poses = record.normalization.cameras_to_model(cameras)
    return cls(poses[:, :3, 3], *rates, options.steps)

  def with_views(self, field_params) -> dict:
    """Returns the parameters of the phase, of views that are right as given."""
    views = {}
    if self.exposure_rate:
      views["stops"] = jnp.zeros((len(self.centers), 3))
    if self.pose_rate:
      views["twists"] = jnp.zeros((len(self.centers), 6))
    return {"field": field_params, "views": views}

  def optimizer(
    self, of_field: optax.GradientTransformation
  ) -> optax.GradientTransformation:
    """Adds Adam for the views, at their rates, to the field's optimizer."""
    warmup = max(1, round(_WARMUP * self.steps))

    def adam(rate: float, alone: int):
      later = optax.warmup_cosine_decay_schedule(
        0.0, rate, warmup, max(self.steps - alone, warmup + 1)
      )
      schedule = optax.join_schedules(
        [optax.constant_schedule(0.0), later], [alone]
      )
      return optax.adam(schedule, eps=1e-15)

    def labels(params):
      return {
        "field": jax.tree.map(lambda _: "field", params["field"]),
        "views": {name: name for name in params["views"]},
      }

    optimizers = {
      "field": of_field,
      "stops": adam(self.exposure_rate, 0),
      "twists": adam(self.pose_rate, round(_ALONE * self.steps)),
    }
    return optax.partition(optimizers, labels)

  def found(self, params) -> dict[str, jax.Array]:
    """Returns stops [V, 3] and twists [V, 6] without what all views share."""
    views, found = params["views"], {}
    if "stops" in views:
      found["stops"] = view_corrections.centred(views["stops"])
    if "twists" in views:
      shared = view_corrections.shared_motions(self.centers)
      found["twists"] = view_corrections.without_shared(
        views["twists"], jnp.asarray(shared)
      )
    return found

  def in_words(self, params) -> str:
    """Says how far photographs were from what they are now taken for."""
    found, words = self.found(params), []
    if "stops" in found:
      brightness = np.mean(found["stops"], axis=1)
      words.append(
        f"exposures {brightness.min():+.2f} to {brightness.max():+.2f} stops"
      )
    if "twists" in found:
      turned = np.linalg.norm(found["twists"][:, :3], axis=1)
      shifted = np.linalg.norm(found["twists"][:, 3:], axis=1)
      extent = np.linalg.norm(np.ptp(self.centers, axis=0))
      words.append(
        f"cameras turned by {np.rad2deg(turned.mean()):.2g} degrees in the "
        f"mean (largest {np.rad2deg(turned.max()):.2g}) and shifted by "
        f"{100 * shifted.mean() / extent:.2g}% of the capture's extent"
      )
    return "; ".join(words)


def of_field(params, corrected: CorrectedViews | None):
  """Returns the field's parameters of those of the phase."""
  return params["field"] if corrected else params


def move(
  found: dict[str, jax.Array], cameras: rays_lib.CameraArrays, view: jax.Array
) -> rays_lib.CameraArrays:
  """Puts the cameras [R] of views [R] where they are taken to be."""
  if "twists" not in found:
    return cameras
  return view_corrections.move(cameras, found["twists"][view])


def expose(found: dict[str, jax.Array], colors: jax.Array, view: jax.Array):
  """Returns the colours [R, ..., 3] of rays as their views [R] show them."""
  if "stops" not in found:
    return colors
  stops = found["stops"][view]
  between = (1,) * (colors.ndim - stops.ndim)
  stops = stops.reshape(stops.shape[0], *between, 3)
  return view_corrections.expose(colors, stops)


def undo_exposure(
  found: dict[str, jax.Array], colors: jax.Array, view: jax.Array
):
  """Returns photographed colours [R, 3] at the capture's mean exposure.

  Nothing is learned through it: whoever made all photographs dark would be
  right about all.
  """
  opposite = {name: -values for name, values in found.items()}
  return jax.lax.stop_gradient(expose(opposite, colors, view))
