"""The demo's config: embedded scene, generated styles, small networks.

stylized-nerf demo --workdir runs/demo
"""

import ml_collections

from stylized_nerf_jax import defaults, user_error


def get_config(kind: str = "") -> ml_collections.ConfigDict:
  """Returns what `stylized-nerf demo` trains.

  Args:
    kind: "quick" for less of everything, as with `--quick`; or nothing.

  Raises:
    ValueError: an unknown kind.
  """
  if kind not in ("", "quick"):
    raise user_error.UserError(
      f"preset demo:{kind} is unknown; use demo or demo:quick"
    )
  config = defaults.get_config()
  config.styles.names = "swirling-night,mosaic,ink-wash"
  config.styles.style_size = 256
  config.evaluation.num_frames = 24
  # Without them haze grows before each of the 24 cameras.
  config.radiance_field.grid_decay = 1.0
  config.radiance_field.haze_weight = 0.03
  config.radiance_field.steps = 1200
  # At 300, on pictures as small as these, D agrees with itself by darkening.
  config.stylizer.consistency_weight = 50.0
  config.stylizer.muon_learning_rate = 0.0
  config.stylizer.steps = 60
  config.mutual_learning.steps = 400
  # At 5e-3 the red of a blue style goes to 0 everywhere, and stays there.
  config.mutual_learning.learning_rate = 2e-3
  config.mutual_learning.patch_steps = 260
  # At half of it, C_s keeps less than half of the fine detail that D paints.
  config.mutual_learning.patch_content_weight = 0.36
  config.mutual_learning.patch_style_weight = 2.88
  config.mutual_learning.refresh_every = 4
  config.mutual_learning.consistency_weight = 50.0
  config.mutual_learning.decoder_muon_learning_rate = 0.0
  config.mutual_learning.finish.steps = 90
  config.previews.every_seconds = 30.0
  if kind == "quick":
    config.scene.downsample = 2.0
    config.radiance_field.steps = 400
    config.radiance_field.evaluate_every = 400
    config.stylizer.steps = 10
    config.mutual_learning.steps = 200
    config.mutual_learning.patch_steps = 20
    config.mutual_learning.refresh_every = 100
    config.mutual_learning.finish.steps = 60
    config.evaluation.num_frames = 12
  return config
