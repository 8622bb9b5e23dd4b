"""What training steps did: the losses of all, the gradients of the first."""

import functools
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.training import state as state_lib


class StepRecorder:
  """Stands in for `train_steps.make_train_steps` and remembers what steps did.

  Args:
    make: the function itself.
  """

  def __init__(self, make):
    self._make = make
    self._losses, self._gradients = {}, {}

  def make(self, loss_fn, optimizer, *, num_steps, **options):
    """Makes steps, and one that only takes the gradient."""
    steps = self._make(loss_fn, optimizer, num_steps=num_steps, **options)
    options.pop("on_steps", None)
    probe = self._make(loss_fn, _keep_gradients(), num_steps=1, **options)
    inner = loss_fn
    while isinstance(inner, functools.partial):
      inner = inner.func
    name = getattr(inner, "__name__", "loss")
    name = "ray_loss" if name == "loss_fn" else name

    def run(state, constants, key, batch=None, total=None):
      kind = name
      if name == "decoder_loss":
        kind += "_phase_3" if "field_loss" in self._losses else "_phase_2"
      if kind not in self._losses:
        self._probe(kind, probe, state, (constants, key, batch, total))
      state, metrics = steps(state, constants, key, batch, total)
      self._losses.setdefault(kind, []).append(float(metrics["loss"]))
      return state, metrics

    return run

  def _probe(self, kind: str, probe, state, arguments) -> None:
    start = state_lib.create(state.params, _keep_gradients())
    after, _ = probe(start, *arguments)
    leaves = [np.ravel(leaf) for leaf in jax.tree.leaves(after.opt_state)]
    self._gradients[kind] = np.concatenate(leaves)

  def save(self, run: pathlib.Path) -> None:
    """Writes what was recorded into the run's folder."""
    np.savez(run / "gradients.npz", **self._gradients)
    (run / "record.json").write_text(json.dumps(self._losses))


def is_saved(run: pathlib.Path) -> bool:
  """Tells whether a run has been recorded to its end."""
  return (run / "record.json").exists()


def load(run: pathlib.Path) -> tuple[dict[str, list], dict[str, np.ndarray]]:
  """Returns losses and gradients of a run, by kind of step."""
  gradients = np.load(run / "gradients.npz")
  return (
    json.loads((run / "record.json").read_text()),
    {kind: gradients[kind] for kind in gradients.files},
  )


def _keep_gradients():
  """An optimizer that changes nothing; its state is the last gradient."""
  zeros = functools.partial(jax.tree.map, jnp.zeros_like)
  return optax.GradientTransformation(
    zeros, lambda gradients, _, params: (zeros(params), gradients)
  )
