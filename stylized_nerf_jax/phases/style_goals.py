"""How near to each painting the general stylizer brings the scene's views.

Patches of mutual learning are drawn to the painting's statistics, and where
nothing stops them they go beyond what any 2D stylization of the scene shows:
ever finer texture, which no two frames can agree on. What the unadapted
decoder reaches, in patches of the same size, says when to stop.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.host import interruption, progress
from stylized_nerf_jax.losses import stylization
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.phases import decoder_objective, mutual_state
from stylized_nerf_jax.pixels import view_pixels
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.stylizer import adain, stylize, vgg


def load_or_measure(
  run: run_folder.RunFolder,
  nets: stylizer_nets.Nets,
  facts: stylizer_nets.StyleFacts,
  features: Sequence[np.ndarray],
  *,
  options,
  seed: int,
) -> np.ndarray:
  """Returns the style losses below which those of patches weigh nothing.

  Args:
    run: keeps what was measured, so that a resumed one need not do it again.
    nets, facts, features: as of `measure`.
    options: `config.mutual_learning`.
    seed: of the run.

  Returns:
    [S], float32; zeros where there is no goal.
  """
  if not options.patch_style_goal:
    return np.zeros(len(facts.names), np.float32)
  reached = run.facts(mutual_state.PHASE).get("style_goals")
  if reached is None:
    found = measure(
      nets,
      facts,
      features,
      count=options.patches_per_step,
      size=options.patch,
      seed=seed,
    )
    reached = found.tolist()
    run.note(mutual_state.PHASE, style_goals=reached)
  return options.patch_style_goal * np.array(reached, np.float32)


def measure(
  nets: stylizer_nets.Nets,
  facts: stylizer_nets.StyleFacts,
  features: Sequence[np.ndarray],
  *,
  count: int,
  size: int,
  groups: int = 8,
  seed: int = 0,
) -> np.ndarray:
  """Compute the style loss of the unadapted decoder's patches, for each style.

  Patches of a group are compared as one picture, as mutual learning does it,
  and all styles are measured on the same ones.

  Args:
    nets: the 2D networks.
    facts: what they see of S styles.
    features: of the training views, normalised; see `view_features.py`.
    count: patches in a group.
    size: pixels a side; made smaller, to a multiple of 8, where a view is.
    groups: over whose losses the mean is taken.
    seed: of where the patches lie.

  Returns:
    [S], float32.
  """
  measure_group = jax.jit(_group_loss, static_argnames=("layout", "rim"))
  random = np.random.default_rng([seed, 6])
  losses = np.zeros((groups, len(facts.names)), np.float32)
  with progress.progress(groups, "measuring goals of styles") as bar:
    for group in range(groups):
      cells, rim = _draw(random, features, count, size)
      for style in range(len(facts.names)):
        interruption.stop_if_asked("while the goals of styles are measured")
        losses[group, style] = measure_group(
          nets.decoder,
          nets.encoder.params,
          cells,
          jax.tree.map(lambda s, style=style: s[style], facts.statistics),
          layout=nets.encoder.layout,
          rim=rim,
        )
      bar.advance()
  return losses.mean(0)


def _draw(random, features, count: int, size: int):
  """Features [N, c, c, 512] of windows anywhere, and the width of their rims.

  Inside the rims lies what D would make of the whole view.
  """
  stride = vgg.STRIDE
  shortest = stride * min(
    min(features[view].shape[:2]) for view in range(len(features))
  )
  size += 2 * decoder_objective.MARGIN
  size = view_pixels.window_size(size, shortest, stride, fewest=2)
  windows = []
  for view in random.integers(len(features), size=count):
    height, width = stride * np.array(features[view].shape[:2])
    x, y = view_pixels.random_corner(random, height, width, size, stride)
    windows.append(view_pixels.window(features[view], x, y, size, stride))
  return np.stack(windows).astype(np.float32), decoder_objective.margin(size)


def _group_loss(decoder, encoder, cells, statistics, *, layout: str, rim: int):
  """Style loss of D(AdaIN) of windows, less their rims, as one picture."""
  size = vgg.STRIDE * cells.shape[1]
  target = adain.restyle(cells, *statistics["relu4_1"])
  images = stylize.decode(decoder, target, size, size)
  images = images[:, rim : size - rim, rim : size - rim]
  encoded = vgg.VggEncoder(layout).apply({"params": encoder}, images)
  return stylization.style_loss(
    {name: stylization.side_by_side(f) for name, f in encoded.items()},
    jax.tree.map(lambda s: jnp.asarray(s)[None], statistics),
  )
