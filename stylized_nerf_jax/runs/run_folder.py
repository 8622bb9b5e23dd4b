"""A run's folder: what each phase was made from, and where its results are.

```
RUN/
  config.json        the effective config
  manifest.json      scene, phases, the inputs each phase was made from
  scene.json         cameras, bounds and model frame
  metrics.jsonl      one line per log entry of every phase
  styles/NAME.png    the paintings as they were used
  added_styles/      those that were added to the finished run
  pixels/            of captures larger than memory; can be made again
  radiance_field/    checkpoints of phase 1, stylizer/ of phase 2
  mutual_learning/   checkpoints of phase 3; palettes.npz, maps of its colours
  finish/            checkpoints of its end, and what each style came to
  regions/NAME.npz   parts of the scene, see `region_file`
  replaced/          what an earlier state of the inputs had made
  lock               who trains in it now; empty when nobody does
```
"""

import contextlib
import dataclasses
import json
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import (
  disk,
  processes,
  progress,
  source_revision,
)
from stylized_nerf_jax.runs import phase_inputs, run_lock
from stylized_nerf_jax.scenes import scene_record, tfds_address
from stylized_nerf_jax.training import checkpoints, metric_log

_FORMAT = 1  # Of the manifest; raised where an older version would misread it.
PHASES = ("radiance_field", "stylizer", "mutual_learning", "finish")


class RunFolder:
  """Reads and writes one run.

  Of several processes, which all see the folder, the first writes, and decides
  what there is to do; the methods that change something are called by all.

  Args:
    path: of the folder.

  Raises:
    ValueError: the folder's manifest is damaged.
  """

  def __init__(self, path: str | pathlib.Path):
    self.path = pathlib.Path(path)
    self.metrics = metric_log.MetricLog(self.path / "metrics.jsonl")
    self._read_manifest()

  def _read_manifest(self) -> None:
    self._manifest = {"format": _FORMAT, "phases": {}}
    if self._manifest_path.is_file():
      try:
        self._manifest = json.loads(self._manifest_path.read_text())
        # The first format did not say so.
        written = self._manifest.setdefault("format", _FORMAT)
        if written <= _FORMAT:
          dict.items(self._manifest["phases"])
      except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise user_error.UserError(
          f"{self._manifest_path} is damaged ({error}): restore it or start "
          "in another --workdir"
        ) from None
      if written > _FORMAT:
        raise user_error.UserError(
          f"{self._manifest_path} has format {written!r}, written by a later "
          f"version of this program; this one reads {_FORMAT}: install that "
          "version, or use another --workdir"
        )

  @property
  def _manifest_path(self) -> pathlib.Path:
    return self.path / "manifest.json"

  def create(self) -> None:
    """Makes the folder and checks that it can be written.

    Raises:
      ValueError: it cannot.
    """
    try:
      self.path.mkdir(parents=True, exist_ok=True)
      probe = self.path / f".write-test-{os.getpid()}"
      probe.write_text("")
      probe.unlink()
    except OSError as error:
      raise user_error.UserError(
        f"--workdir {self.path} cannot be written ({error.strerror}): choose "
        "another folder or change its permissions"
      ) from None

  @contextlib.contextmanager
  def lock(self) -> Iterator[None]:
    """Makes the folder, and keeps other processes from training in it.

    Raises:
      ValueError: as `create`, or another process has it; names that one.
    """
    first = processes.is_first()
    if first:
      self.create()
    with run_lock.hold(self.path) if first else contextlib.nullcontext():
      self._manifest = processes.by_first(self._reread_manifest)
      yield

  def _reread_manifest(self) -> dict:
    """Returns it with what others had done since it was read before."""
    self._read_manifest()
    return self._manifest

  def check_scene(self, record: scene_record.SceneRecord) -> None:
    """Raises ValueError if the run was made from another scene; names both."""
    before = self._manifest.get("scene")
    if (
      before
      and before["content_hash"] != record.content_hash
      and before["path"] != _absolute(record.path)
    ):
      raise user_error.UserError(
        f"--workdir {self.path} was made from the scene "
        f"{before['path'] or before['name']}, not from "
        f"{record.path or record.name}: use another --workdir for it"
      )

  def with_frame_of_before(
    self, record: scene_record.SceneRecord
  ) -> scene_record.SceneRecord:
    """Keeps the model frame of a run where only rounding tells it from a new.

    A run that goes on on another kind of processor is still the same run.
    """
    before = self._manifest.get("scene")
    if not before or before["content_hash"] != record.content_hash:
      return record
    try:
      kept = self.scene().normalization
    except (LookupError, TypeError, ValueError):
      return record  # The file is written anew.
    if not kept.agrees_with(record.normalization):
      return record
    return dataclasses.replace(record, normalization=kept)

  def claim_scene(self, record: scene_record.SceneRecord) -> None:
    """Ties the run to one scene and writes `scene.json`.

    Raises:
      ValueError: as `check_scene`.
    """
    self.check_scene(record)
    self._manifest["scene"] = {
      "name": record.name,
      "path": _absolute(record.path),
      "content_hash": record.content_hash,
    }
    if processes.is_first():
      disk.write_json(self.path / "scene.json", record.to_dict())
    self._write()
    processes.wait("scene.json")

  def scene(self) -> scene_record.SceneRecord:
    """Reads `scene.json`."""
    return scene_record.SceneRecord.from_dict(self._json("scene.json"))

  def config(self):
    """Reads the run's config."""
    self._json("config.json")
    return config_lib.load(self.path / "config.json")

  def save_config(self, config) -> None:
    """Writes the effective config."""
    if processes.is_first():
      config_lib.save(config, self.path / "config.json")

  def begin(
    self,
    phase: str,
    inputs: Mapping[str, object],
    *,
    noting: Callable[[], Mapping[str, object]] = dict,
  ) -> str:
    """Compares a phase's inputs with those of its earlier result.

    A result made from other inputs is moved into `replaced/`, and the reason
    is printed.

    Args:
      phase: one of `PHASES`.
      inputs: what the result depends on, JSON-able, by name.
      noting: makes facts, as `note` takes them, that a new entry has from its
        first moment; called by the first process, after an earlier result has
        been moved.

    Returns:
      "done", "resume" or "new".
    """
    found, self._manifest = processes.by_first(
      lambda: [
        self._begin(phase, phase_inputs.as_json(inputs), noting),
        self._manifest,
      ]
    )
    return found

  def _begin(
    self, phase: str, inputs: dict, noting: Callable[[], Mapping[str, object]]
  ) -> str:
    entry = self._manifest["phases"].get(phase)
    if entry and entry["inputs"] == inputs:
      return "done" if self._is_whole(phase, entry) else "resume"
    if entry:
      changed = ", ".join(phase_inputs.differences(entry["inputs"], inputs))
      moved = self._move_aside(phase)
      progress.say(
        f"{phase}: {changed} changed; the earlier result is now in {moved}"
      )
    self._manifest["phases"][phase] = {
      "inputs": inputs,
      "fingerprint": phase_inputs.fingerprint(inputs),
      "revision": source_revision.git_revision(),
      "finished": False,
      **phase_inputs.as_json(noting()),
    }
    self._write()
    return "new"

  def _is_whole(self, phase: str, entry: dict) -> bool:
    """Tells whether a phase is finished and its result still intact."""
    if not entry["finished"]:
      return False
    checkpoints = self.checkpoints(phase)
    last = checkpoints.latest_step()
    whole = checkpoints.repair() == last
    checkpoints.close()
    if not whole:
      progress.say(f"{phase}: the end of it is made again")
      entry["finished"] = False
      self._write()
    return whole

  def restart(self, phases: Sequence[str]) -> None:
    """Moves the results of phases into `replaced/`, to begin them anew."""

    def restarted():
      self._restart(phases)
      return self._manifest

    self._manifest = processes.by_first(restarted)

  def _restart(self, phases: Sequence[str]) -> None:
    for phase in phases:
      entry = self._manifest["phases"].pop(phase, None)
      if entry or self.phase_path(phase).exists():
        moved = self._move_aside(phase)
        self._write()
        progress.say(f"{phase}: from scratch; what was there is now in {moved}")

  def finish(self, phase: str, **facts) -> None:
    """Marks a phase as finished, with what is worth knowing of it."""
    self._manifest["phases"][phase].update(finished=True, **facts)
    self._write()
    processes.wait(f"end of {phase}")

  def note(self, phase: str, **facts) -> None:
    """Adds facts to the manifest's entry of a phase that has begun."""
    self._manifest["phases"][phase].update(phase_inputs.as_json(facts))
    self._write()

  def facts(self, phase: str) -> dict:
    """Returns the manifest's entry of a phase, empty if it never began."""
    return dict(self._manifest["phases"].get(phase, {}))

  def entry(self, name: str) -> dict:
    """Returns what the manifest has beside scene and phases, or {}."""
    return dict(self._manifest.get(name, {}))

  def set_entry(self, name: str, values: Mapping[str, object]) -> None:
    """Puts something beside scene and phases into the manifest."""
    assert name not in ("format", "phases", "scene"), name
    self._manifest[name] = phase_inputs.as_json(values)
    self._write()
    processes.wait(name)

  def phase_fingerprint(self, phase: str) -> str:
    """Returns what stands for a finished phase's result in later inputs.

    Raises:
      ValueError: the phase is not finished; names the command that does it.
    """
    entry = self._manifest["phases"].get(phase)
    if not entry or not entry["finished"]:
      raise user_error.UserError(
        f"{self.path}: phase {phase} is not finished; run `stylized-nerf "
        f"train --phase {phase} --workdir {self.path}` with its config first"
      )
    return entry["fingerprint"]

  def require(self, phase: str, inputs: Mapping[str, object]) -> None:
    """Checks that a phase is finished, and was made from these inputs.

    Raises:
      ValueError: it is not; names the command that does it.
    """
    self.phase_fingerprint(phase)
    before, after = (
      self._manifest["phases"][phase]["inputs"],
      phase_inputs.as_json(inputs),
    )
    if before != after:
      changed = ", ".join(phase_inputs.differences(before, after))
      raise user_error.UserError(
        f"{self.path}: phase {phase} was made before {changed} changed; run "
        f"`stylized-nerf train --phase {phase} --workdir {self.path}` with "
        "this config first"
      )

  def phase_path(self, phase: str) -> pathlib.Path:
    """Returns the folder of a phase."""
    return self.path / phase

  def checkpoints(self, phase: str, options=None) -> checkpoints.Checkpoints:
    """Opens the checkpoints of a phase.

    Args:
      phase: one of `PHASES`.
      options: `config.training`, for who saves.
    """
    folder = self.phase_path(phase) / "checkpoints"
    return checkpoints.Checkpoints(folder, **(kept(options) if options else {}))

  def replaced(self, phase: str) -> list[pathlib.Path]:
    """Returns the folders of earlier results of a phase, newest first."""
    folders = (self.path / "replaced").glob(f"{phase}-*")
    return sorted(folders, key=lambda f: -int(f.name.rpartition("-")[2]))

  def _move_aside(self, phase: str) -> pathlib.Path:
    folder = self.path / "replaced"
    folder.mkdir(exist_ok=True)
    earlier = self.replaced(phase)
    number = int(earlier[0].name.rpartition("-")[2]) + 1 if earlier else 0
    target = folder / f"{phase}-{number}"
    if self.phase_path(phase).exists():
      self.phase_path(phase).rename(target)
    else:
      target.mkdir()
    return target

  def _json(self, name: str) -> dict:
    try:
      return json.loads((self.path / name).read_text())
    except FileNotFoundError:
      raise user_error.UserError(
        f"{self.path} is no run: {name} is missing; make one with "
        f"`stylized-nerf train --config fast --workdir {self.path}`"
      ) from None
    except json.JSONDecodeError as error:
      raise user_error.UserError(
        f"{self.path / name} is damaged: {error}"
      ) from None

  def _write(self) -> None:
    if processes.is_first():
      disk.write_json(self._manifest_path, self._manifest)


def kept(options) -> dict[str, int]:
  """Returns which checkpoints `config.training` keeps, for `Checkpoints`."""
  return {
    "keep": options.checkpoints_kept,
    "keep_every": options.checkpoints_kept_every,
  }


def _absolute(path: str) -> str:
  """Makes a scene's path absolute; addresses of datasets already are."""
  if not path or tfds_address.is_address(path):
    return path
  return str(pathlib.Path(path).absolute())
