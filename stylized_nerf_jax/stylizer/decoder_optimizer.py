"""The optimizer of the decoder, shared by everything that trains it."""

from typing import Any

import jax
import optax

from stylized_nerf_jax.stylizer import colour_path

# Muon's own five steps, written one by one: optax loops over them then, and XLA
# does not compute the ones before again for each.
_NEWTON_SCHULZ = ((3.4445, -4.7750, 2.0315),) * 5


def make(
  learning_rate: optax.ScalarOrSchedule,
  *,
  muon_learning_rate: optax.ScalarOrSchedule | None = None,
  clip: float = 0.0,
  hold_colours: bool = False,
) -> optax.GradientTransformation:
  """Make Adam, or Muon for the kernels of the hidden layers and, for the rest,
  Adam with Nesterov's momentum (NAdam, Dozat 2016).

  That is meant: biases and the kernel that makes colours move in step with
  kernels whose momentum is Nesterov's, too, as optax 0.2.8 has it by one switch
  for both. Plain Adam there would be another optimizer of another decoder than
  the shipped one, whose rates were chosen with it.

  Muon's steps (Jordan, 2024) have singular values that are all one. E's
  features are never negative, so that all gradients point along their mean,
  and with Adam D learns what differs from place to place a hundred times more
  slowly.

  Args:
    learning_rate: of Adam; with Nesterov's momentum the first step is 1.4737
      times as long ((0.9 (1 - 0.9) / (1 - 0.9^2) + 1) to 1 for gradients of one
      sign), later ones come near to once.
    muon_learning_rate: of Muon; None gives all to Adam.
    clip: longest gradient; 0: any.
    hold_colours: leave the colour path (`colour_path.py`) as it is.

  Returns:
    An optimizer of D's parameters.
  """
  if muon_learning_rate is None:
    steps = optax.adam(learning_rate)
  else:
    steps = optax.contrib.muon(
      muon_learning_rate,
      ns_coeffs=_NEWTON_SCHULZ,
      adam_learning_rate=learning_rate,
      muon_weight_dimension_numbers=_matrices,
    )
  clipping = optax.clip_by_global_norm(clip or float("inf"))

  def update(gradients, state, params):
    if hold_colours:
      gradients = colour_path.hold(gradients)
    gradients, _ = clipping.update(gradients, optax.EmptyState())
    return steps.update(gradients, state, params)

  return optax.GradientTransformation(steps.init, update)


def _matrices(params: Any) -> Any:
  """Tell which parameters are matrices, inputs by outputs, and how."""
  kernel = optax.contrib.MuonDimensionNumbers((0, 1, 2), 3)
  return jax.tree.map(
    lambda p: kernel if p.ndim == 4 and p.shape[-1] > 3 else None, params
  )
