"""Fields of `config.radiance_field`: phase 1."""

from stylized_nerf_jax.options import option

OPTIONS = {
  "steps": option.count(1500, "training steps of phase 1"),
  "rays_per_step": option.count(2048, "rays of a step, over all devices"),
  "learning_rate": option.rate(0.01, "rate of Adam, at the start"),
  # With room before the cameras, a rate as high as this fills it with haze,
  # decay or not.
  "ndc_learning_rate": option.Option(
    0.02, "the same in NDC", least=0.0, zero="no other"
  ),
  "learning_rate_final": option.Option(
    0.0, "at the end; more than 0 with schedule=exponential", least=0.0
  ),
  "schedule": option.Option(
    "cosine", "of the rate", choices=("cosine", "exponential")
  ),
  "adam_b2": option.Option(
    0.99, "decay of squared gradients", least=0.0, most=0.999999
  ),
  # Hash grids: entries that are seldom hit learn as fast.
  "adam_eps": option.rate(1e-15, "added to their root"),
  "exposure_learning_rate": option.Option(
    0.0,
    "stops by which each photograph's exposure and white balance move in a "
    "step, at most: for cameras that change them while one walks",
    least=0.0,
    zero="all are taken for one",
  ),
  "pose_learning_rate": option.Option(
    0.0,
    "radians, and model units, by which each photograph's camera moves in a "
    "step, at most: for poses that are not exact",
    least=0.0,
    zero="poses are taken for exact",
  ),
  "density_noise": option.weight(
    0.0, "deviation of the noise on raw densities"
  ),
  "interlevel_weight": option.weight(1.0, "of the proposal's loss"),
  "proposal_every": option.count(4, "of so many rays one teaches the proposal"),
  "distortion_weight": option.weight(0.001, "of the distortion loss"),
  "haze_weight": option.weight(
    0.0,
    "of what hangs in the first quarter of the way before a camera, where "
    "no other looks",
  ),
  "grid_decay": option.weight(
    0.0, "of the mean square of each level's features"
  ),
  # Against haze before the cameras.
  "unbounded_grid_decay": option.weight(
    0.01, "the same in unbounded scenes, but for the proposal's"
  ),
  "evaluate_every": option.count(
    1000, "steps between two scorings of held-out views"
  ),
  "checkpoint_every": option.count(1000, "steps between two checkpoints"),
  "steps_per_dispatch": option.count(20, "steps of one call of the devices"),
}
