"""Checkpoints of a phase: parameters, optimizer state, meta as separate items.

Built on orbax' CheckpointManager. Restoring goes against an abstract target, so
that a tree of another shape is an error and not a surprise.
"""

import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp


class Checkpoints:
  """The newest checkpoints of one phase in one folder.

  Args:
    folder: made when the first checkpoint is saved.
    keep: how many of the newest are kept.
  """

  def __init__(self, folder: str | pathlib.Path, *, keep: int = 2):
    self._folder = pathlib.Path(folder).absolute()
    self._keep = keep
    self._opened: ocp.CheckpointManager | None = None

  @property
  def _manager(self) -> ocp.CheckpointManager:
    if self._opened is None:
      options = ocp.CheckpointManagerOptions(
        max_to_keep=self._keep, create=True, enable_async_checkpointing=True
      )
      self._opened = ocp.CheckpointManager(self._folder, options=options)
    return self._opened

  def latest_step(self) -> int | None:
    """Returns the step of the newest complete checkpoint, or None."""
    if not self._folder.is_dir():
      return None
    return self._manager.latest_step()

  def save(
    self, step: int, items: Mapping[str, Any], meta: Mapping[str, Any]
  ) -> None:
    """Saves trees by name, and JSON-able meta, in the background.

    A step that is already saved stays as it is.
    """
    if self.latest_step() == step:
      return
    # Copies: the caller goes on to donate these buffers to the next step.
    arrays = {
      name: ocp.args.StandardSave(jax.tree.map(np.array, tree))
      for name, tree in items.items()
    }
    self._manager.save(
      step,
      args=ocp.args.Composite(**arrays, meta=ocp.args.JsonSave(dict(meta))),
    )

  def restore(
    self, abstract: Mapping[str, Any], *, step: int | None = None
  ) -> tuple[dict[str, Any], dict[str, Any]]:
    """Restores the named trees, only these, and the meta.

    Args:
      abstract: for each name a tree of arrays or jax.ShapeDtypeStruct.
      step: which checkpoint; the newest by default.

    Returns:
      (trees of numpy arrays by name, meta).

    Raises:
      FileNotFoundError: there is no checkpoint.
      ValueError: what was saved has other names or shapes; names the first.
    """
    step = self.latest_step() if step is None else step
    if step is None:
      raise FileNotFoundError(f"no checkpoint in {self._folder}")
    self.wait()
    for name, tree in abstract.items():
      _check(self._folder / str(step) / name, tree)
    targets = {
      name: ocp.args.StandardRestore(jax.tree.map(_numpy_like, tree))
      for name, tree in abstract.items()
    }
    restored = self._manager.restore(
      step, args=ocp.args.Composite(**targets, meta=ocp.args.JsonRestore())
    )
    return {name: restored[name] for name in abstract}, dict(restored["meta"])

  def wait(self) -> None:
    """Blocks until everything saved is on disk."""
    if self._opened is not None:
      self._opened.wait_until_finished()

  def close(self) -> None:
    """Waits and releases the folder."""
    if self._opened is not None:
      self._opened.close()
      self._opened = None


def _check(folder: pathlib.Path, tree) -> None:
  """Raises unless the item saved in a folder has the tree's shapes.

  Orbax itself returns arrays of another shape without a word.
  """
  if not folder.is_dir():
    raise FileNotFoundError(f"there is no checkpoint {folder}")
  with ocp.StandardCheckpointer() as reader:
    saved = _shapes(reader.metadata(folder).item_metadata)
  expected = _shapes(tree)
  for name in sorted(saved | expected):
    if saved.get(name) != expected.get(name):
      raise ValueError(
        f"checkpoint {folder} does not fit this config: {name} is "
        f"{saved.get(name, 'missing')}; expected "
        f"{expected.get(name, 'nothing of this name')}: use the config it was "
        "made with, or another --workdir"
      )


def _shapes(tree) -> dict[str, list[int]]:
  leaves = ocp.tree.to_flat_dict(tree)
  return {"/".join(path): list(leaf.shape) for path, leaf in leaves.items()}


def _numpy_like(leaf) -> np.ndarray:
  return np.empty(leaf.shape, leaf.dtype)
