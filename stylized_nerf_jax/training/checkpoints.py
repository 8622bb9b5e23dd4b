"""Checkpoints of a phase: parameters, optimizer state, meta as separate items.

Built on orbax' CheckpointManager. Restoring goes against an abstract target, so
that a tree of another shape is an error and not a surprise. The meta of every
checkpoint holds a hash of each of its items: a flipped bit in an array passes
all checks that orbax and its storage make.

Of several processes the first saves; all of them read, each by itself.
"""

import hashlib
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import disk, processes, progress
from stylized_nerf_jax.training import echoes

_CHECKSUMS = "checksums"


class Checkpoints:
  """The newest checkpoints of one phase in one folder.

  Args:
    folder: made when the first checkpoint is saved.
    keep: how many of the newest are kept.
    keep_every: those of steps that are multiples of this are kept as well; 0:
      no others.
  """

  def __init__(
    self, folder: str | pathlib.Path, *, keep: int = 2, keep_every: int = 0
  ):
    self._folder = pathlib.Path(folder).absolute()
    self._keep, self._keep_every = keep, keep_every
    self._opened: ocp.CheckpointManager | None = None

  @property
  def _manager(self) -> ocp.CheckpointManager:
    if self._opened is None:
      together = processes.count() > 1
      own = processes.index()
      if together:
        self._folder.mkdir(parents=True, exist_ok=True)
      options = ocp.CheckpointManagerOptions(
        max_to_keep=self._keep,
        keep_period=self._keep_every or None,
        create=not together,
        enable_async_checkpointing=True,
        # To orbax every process is alone.
        multiprocessing_options=ocp.options.MultiprocessingOptions(
          primary_host=own,
          active_processes={own} if together else None,
          barrier_sync_key_prefix=f"process{own}" if together else None,
        ),
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

    Raises:
      disk.DiskFullError: this one, or the one before, has no space.
    """
    if not processes.is_first() or self.latest_step() == step:
      return
    # Copies: the caller goes on to donate these buffers to the next step.
    items = {name: jax.tree.map(np.array, tree) for name, tree in items.items()}
    sums = {
      name: {"shapes": _json_checksum(_shapes(tree)), "values": _checksum(tree)}
      for name, tree in items.items()
    }
    sums["meta"] = _json_checksum(meta)
    arrays = {name: ocp.args.StandardSave(tree) for name, tree in items.items()}
    written = ocp.args.JsonSave({**meta, _CHECKSUMS: sums})
    with disk.writing(self._folder):
      self._manager.save(step, args=ocp.args.Composite(**arrays, meta=written))

  def restore(
    self, abstract: Mapping[str, Any], *, step: int | None = None
  ) -> tuple[dict[str, Any], dict[str, Any]]:
    """Restores the named trees, only these, and the meta.

    Args:
      abstract: for each name a tree of arrays or jax.ShapeDtypeStruct.
      step: which checkpoint; by default the newest that is intact. Of a
        damaged one that is newer, the user is told.

    Returns:
      (trees of numpy arrays by name, meta).

    Raises:
      FileNotFoundError: there is no checkpoint.
      ValueError: what was saved has other names or shapes, or is damaged;
        names the first.
    """
    self.wait()
    if step is not None:
      return self._read(step, abstract)
    errors = []
    with echoes.hidden():
      for newest in self._steps():
        try:
          found = self._read(newest, abstract)
        except (ValueError, FileNotFoundError) as error:
          errors.append(error)
          continue
        for error in errors:
          progress.say(f"{error}; checkpoint {newest} is used instead")
        return found
    if errors:
      raise errors[0]
    raise FileNotFoundError(f"no checkpoint in {self._folder}")

  def repair(self) -> int | None:
    """Moves damaged checkpoints aside, from the newest to one that is intact.

    For who goes on from the newest and saves others after it. The damaged
    ones are kept in a folder `damaged` beside this one.

    Returns:
      The step of the newest intact checkpoint, or None.
    """
    with echoes.hidden():
      while (step := self.latest_step()) is not None:
        try:
          self._read(step, None)
        except (ValueError, FileNotFoundError) as error:
          progress.say(f"{error}; it is now in {self._move_aside(step)}")
        else:
          return step
    return None

  def _move_aside(self, step: int) -> pathlib.Path:
    self.close()
    folder = self._folder.parent / "damaged"
    folder.mkdir(exist_ok=True)
    aside = folder / f"{step}-{len(list(folder.iterdir()))}"
    return (self._folder / str(step)).rename(aside)

  def _steps(self) -> list[int]:
    """All complete checkpoints, newest first."""
    if not self._folder.is_dir():
      return []
    return sorted(self._manager.all_steps(), reverse=True)

  def _read(
    self, step: int, abstract: Mapping[str, Any] | None
  ) -> tuple[dict[str, Any], dict[str, Any]]:
    """Reads one checkpoint, all of it where `abstract` is None.

    Raises:
      FileNotFoundError: it, or an item of it, is missing.
      ValueError: it is damaged, or has other names or shapes.
    """
    folder = self._folder / str(step)
    try:
      meta = self._restore(step, {}, meta=ocp.args.JsonRestore())["meta"]
      meta, sums = dict(meta), {}
      # Checkpoints from before there were checksums have none.
      if _CHECKSUMS in meta:
        sums = meta.pop(_CHECKSUMS)
        _compare("meta", sums["meta"], _json_checksum(meta))
      if abstract is None:
        abstract = {
          name: _saved_tree(folder / name) for name in sums if name != "meta"
        }
      for name, tree in abstract.items():
        _check(folder / name, tree, sums.get(name))
      items = self._restore(step, abstract)
      for name in abstract:
        if name in sums:
          _compare(name, sums[name]["values"], _checksum(items[name]))
    except (_MismatchError, _NotSavedError, MemoryError):
      raise
    except Exception as error:  # Orbax raises nearly anything.
      if not folder.is_dir():
        raise FileNotFoundError(f"there is no checkpoint {folder}") from error
      reason = " ".join(str(error).split())[:200]
      raise user_error.UserError(
        f"checkpoint {folder} is damaged ({type(error).__name__}: {reason})"
      ) from error
    return {name: items[name] for name in abstract}, meta

  def _restore(self, step: int, abstract: Mapping[str, Any], **more):
    targets = {
      name: ocp.args.StandardRestore(jax.tree.map(_numpy_like, tree))
      for name, tree in abstract.items()
    }
    if not targets and not more:
      return {}
    return self._manager.restore(
      step, args=ocp.args.Composite(**targets, **more)
    )

  def wait(self) -> None:
    """Blocks until everything saved is on disk.

    Raises:
      disk.DiskFullError: there was no space.
    """
    if self._opened is not None:
      with disk.writing(self._folder):
        self._opened.wait_until_finished()

  def close(self) -> None:
    """Waits and releases the folder; raises as `wait`."""
    opened, self._opened = self._opened, None
    if opened is not None:
      with disk.writing(self._folder):
        opened.close()


class _MismatchError(user_error.UserError):
  """What was saved is not what is asked for."""


class _NotSavedError(FileNotFoundError):
  """What is asked for was never saved."""


def _check(folder: pathlib.Path, tree, sums: Mapping[str, str] | None) -> None:
  """Raises unless the item saved in a folder has the tree's shapes.

  Orbax itself returns arrays of another shape without a word. With its
  checksums, what is not as it was saved is told from what was saved so.
  """
  if not folder.is_dir() and not sums:
    raise _NotSavedError(f"there is no checkpoint {folder}")
  saved = _shapes(_saved_tree(folder))
  if sums:
    _compare(folder.name, sums["shapes"], _json_checksum(saved))
  expected = _shapes(tree)
  for name in sorted(saved | expected):
    if saved.get(name) != expected.get(name):
      raise _MismatchError(
        f"checkpoint {folder} does not fit this config: {name} is "
        f"{saved.get(name, 'missing')}; expected "
        f"{expected.get(name, 'nothing of this name')}: use the config it was "
        "made with, or another --workdir"
      )


def _saved_tree(folder: pathlib.Path):
  """What an item saved in a folder consists of: leaves of shape and dtype."""
  # An item of a checkpoint lacks a file that a checkpoint by itself would have.
  with ocp.StandardCheckpointer() as reader, echoes.without_warnings():
    return reader.metadata(folder).item_metadata


def _checksum(tree) -> str:
  """Hash of names, types, shapes and numbers of a tree of numpy arrays."""
  total = hashlib.sha256()
  for path, leaf in sorted(ocp.tree.to_flat_dict(tree).items()):
    leaf = np.ascontiguousarray(leaf)
    total.update(f"{path} {leaf.dtype} {leaf.shape}".encode())
    total.update(leaf.view(np.uint8).data if leaf.size else b"")
  return total.hexdigest()


def _json_checksum(values: Mapping[str, Any]) -> str:
  text = json.dumps(dict(values), sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()


def _compare(name: str, saved: str, found: str) -> None:
  if saved != found:
    raise user_error.UserError(
      f"{name} has another checksum than when it was saved"
    )


def _shapes(tree) -> dict[str, list[int]]:
  leaves = ocp.tree.to_flat_dict(tree)
  return {"/".join(path): list(leaf.shape) for path, leaf in leaves.items()}


def _numpy_like(leaf) -> np.ndarray:
  return np.empty(leaf.shape, leaf.dtype)
