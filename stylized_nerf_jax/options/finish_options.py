"""Fields of `mutual_learning.finish`: strokes, after mutual learning."""

from stylized_nerf_jax.options import option

OPTIONS = {
  "steps": option.Option(
    0, "steps on windows, for each style", least=0, zero="no finish"
  ),
  "refit_steps": option.Option(
    30,
    "steps before them on rays of recoloured views, for each style",
    least=0,
    zero="strokes begin on what mutual learning painted",
  ),
  "refit_rays": option.count(4096, "rays of such a step, of all styles"),
  "window": option.Option(160, "pixels, a side of a window", least=16),
  "windows_per_step": option.count(1, "windows of a step, all in one style"),
  "strokes": option.Option(
    "nearest",
    "each place takes after the painting's nearest, or all after its "
    "statistics",
    choices=("nearest", "statistics"),
  ),
  "scales": option.count(
    2, "sizes of window and painting that match, each half of the last", most=4
  ),
  "stroke_scale": option.Option(
    1.0,
    "size of the paintings over styles.style_size: strokes grow with it",
    least=0.25,
    most=4.0,
  ),
  "places": option.count(4096, "of a painting that are matched, in each size"),
  "content_weight": option.weight(
    0.025, "of the recoloured view's features: how readable the scene stays"
  ),
  "tone_weight": option.weight(
    0.3, "of the recoloured view's colours, in blocks of 16 pixels a side"
  ),
  "spread_weight": option.weight(3.0, "of the variance of colours along a ray"),
  "smooth_weight": option.weight(0.1, "of the total variation of windows"),
  "price_rate": option.Option(
    0.003,
    "of the price of a stroke that is taken twice as often as the mean",
    least=0.0,
    zero="all may take the same stroke",
  ),
  "price_limit": option.weight(0.1, "largest price, as a cosine", zero="none"),
  "of_views": option.Option(
    0.25,
    "share of the windows painted with codes of their views, not the mean",
    least=0.0,
    most=1.0,
  ),
  "learning_rate": option.rate(0.002, "of the dense layers, at the start"),
  "table_learning_rate": option.rate(0.03, "of feature tables, at the start"),
  "checkpoint_every": option.count(100, "steps between two checkpoints"),
}
