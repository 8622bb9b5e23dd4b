"""A run's folder: what is resumed, redone, refused and kept."""

import dataclasses
import json

import numpy as np
import pytest

from stylized_nerf_jax import defaults
from stylized_nerf_jax.host import disk
from stylized_nerf_jax.runs import phase_inputs, run_folder
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.scenes.synthetic import embedded

PHASE = "radiance_field"
INPUTS = {"steps": 5, "field": {"width": 8, "kind": "grid"}, "gaps": (1, 2)}


@pytest.fixture(scope="module")
def record():
  scene = embedded.make_scene(num_train=2, num_test=1, width=4, height=3)
  made = scene_record.make_scene_record(scene)
  return dataclasses.replace(made, path="scenes/plaza")


@pytest.fixture
def run(tmp_path):
  made = run_folder.RunFolder(tmp_path / "run")
  made.create()
  return made


def reopened(run):
  return run_folder.RunFolder(run.path)


def test_new_then_resumed_then_done(run):
  assert run.begin(PHASE, INPUTS) == "new"
  assert run.facts(PHASE)["finished"] is False
  assert reopened(run).begin(PHASE, INPUTS) == "resume"
  run.note(PHASE, seconds=(1, 2))
  run.finish(PHASE, scores={"psnr": 20.5})
  again = reopened(run)
  assert again.begin(PHASE, INPUTS) == "done"
  facts = again.facts(PHASE)
  assert facts["scores"] == {"psnr": 20.5} and facts["seconds"] == [1, 2]
  assert again.facts("stylizer") == {}
  assert not list(run.path.glob("replaced/*"))


def test_a_new_entry_has_its_facts_from_the_first_moment(run, monkeypatch):
  run.begin(PHASE, INPUTS)
  written = []
  monkeypatch.setattr(disk, "write_json", lambda _, v: written.append(str(v)))
  moved = []

  def noting():
    moved.append([folder.name for folder in run.replaced(PHASE)])
    return {"earlier": "the one before"}

  assert run.begin(PHASE, {**INPUTS, "steps": 7}, noting=noting) == "new"
  assert moved == [[f"{PHASE}-0"]]
  assert len(written) == 1 and "the one before" in written[0]
  assert run.begin(PHASE, {**INPUTS, "steps": 7}, noting=noting) == "resume"
  assert len(moved) == 1


def test_manifests_of_later_versions_are_refused(run):
  run.begin(PHASE, INPUTS)
  path = run.path / "manifest.json"
  manifest = json.loads(path.read_text())
  assert manifest["format"] == 1
  path.write_text(json.dumps({**manifest, "format": 2}))
  with pytest.raises(ValueError, match="format 2, written by a later version"):
    reopened(run)
  for damaged in ({**manifest, "format": "x"}, [manifest]):
    path.write_text(json.dumps(damaged))
    with pytest.raises(ValueError, match="manifest.json is damaged"):
      reopened(run)
  # The first versions did not write it.
  del manifest["format"]
  path.write_text(json.dumps(manifest))
  assert reopened(run).begin(PHASE, INPUTS) == "resume"


def test_changed_inputs_move_the_result_aside(run, capsys):
  run.begin(PHASE, INPUTS)
  result = run.phase_path(PHASE) / "checkpoints" / "weights"
  result.parent.mkdir(parents=True)
  result.write_bytes(b"abc")
  run.finish(PHASE)
  changed = {**INPUTS, "steps": 7, "field": {"width": 8, "kind": "mlp"}}
  assert reopened(run).begin(PHASE, changed) == "new"
  aside = run.path / "replaced" / f"{PHASE}-0"
  message = capsys.readouterr().err
  assert "radiance_field: field.kind, steps (5 -> 7) changed" in message
  assert str(aside) in message and message.count("\n") == 1
  assert (aside / "checkpoints" / "weights").read_bytes() == b"abc"
  assert not run.phase_path(PHASE).exists()
  assert reopened(run).facts(PHASE)["finished"] is False


def test_earlier_results_are_numbered_and_newest_come_first(run):
  for steps in range(12):
    run.begin(PHASE, {"steps": steps})
    run.phase_path(PHASE).mkdir()
    (run.phase_path(PHASE) / "steps").write_text(str(steps))
  numbers = [int((f / "steps").read_text()) for f in run.replaced(PHASE)]
  assert numbers == list(range(10, -1, -1))
  assert run.replaced("stylizer") == []


def test_inputs_added_and_removed_are_named(run, capsys):
  run.begin(PHASE, {"a": 1, "old": 2})
  run.begin(PHASE, {"a": 1, "new": None, "more": 2})
  assert "radiance_field: more, old changed" in capsys.readouterr().err


def test_fingerprints_stand_for_the_inputs(run):
  with pytest.raises(ValueError, match=f"train --phase {PHASE} --workdir"):
    run.phase_fingerprint(PHASE)
  run.begin(PHASE, INPUTS)
  with pytest.raises(ValueError, match="is not finished"):
    run.phase_fingerprint(PHASE)
  run.finish(PHASE)
  first = run.phase_fingerprint(PHASE)
  reordered = dict(reversed(phase_inputs.as_json(INPUTS).items()))
  assert first == phase_inputs.fingerprint(reordered)
  run.begin(PHASE, {**INPUTS, "steps": 6})
  run.finish(PHASE)
  assert run.phase_fingerprint(PHASE) != first


def test_another_scene_is_refused_and_a_moved_one_is_not(run, record):
  run.claim_scene(record)
  moved = dataclasses.replace(record, path="elsewhere/plaza")
  reopened(run).claim_scene(moved)
  assert reopened(run).scene().path == "elsewhere/plaza"
  other = dataclasses.replace(record, path="scenes/fern", content_hash="0")
  with pytest.raises(ValueError) as caught:
    reopened(run).claim_scene(other)
  message = str(caught.value)
  assert "elsewhere/plaza" in message and "scenes/fern" in message
  assert str(run.path) in message
  assert reopened(run).scene().path == "elsewhere/plaza"


def test_new_photographs_in_the_same_folder_are_the_same_scene(run, record):
  """What was trained on the old ones is redone: they are inputs of phases."""
  run.claim_scene(record)
  run.claim_scene(dataclasses.replace(record, content_hash="0"))
  assert run.scene().content_hash == "0"


def test_the_scene_comes_back(run, record):
  run.claim_scene(record)
  scene = reopened(run).scene()
  assert scene.to_dict() == record.to_dict()
  assert scene.splits == record.splits
  assert scene.normalization.space == record.normalization.space
  assert scene.normalization.scale == record.normalization.scale
  for name in ("camera_to_world", "fl_x", "width", "distortion"):
    ours, theirs = getattr(scene.cameras, name), getattr(record.cameras, name)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)
  assert len(scene.split("train")) == 2
  assert scene.split("train").names == record.split("train").names
  with pytest.raises(ValueError, match="no split 'val'.*test, train"):
    scene.split("val")


class _WithAlpha(list):
  """Images that were read with an alpha channel."""

  rgba = None


@pytest.mark.parametrize(
  ("images", "background", "expected"),
  [
    (_WithAlpha, "white", (1.0,) * 3),
    (_WithAlpha, "black", (0.0,) * 3),
    (list, "white", None),
  ],
)
def test_only_composited_images_have_a_background(images, background, expected):
  scene = embedded.make_scene(num_train=2, num_test=0, width=4, height=3)
  scene = dataclasses.replace(scene, images=images(scene.images))
  made = scene_record.make_scene_record(scene, background=background)
  assert made.background == expected
  opaque = dataclasses.replace(scene, alphas=None)
  made = scene_record.make_scene_record(opaque, background=background)
  assert made.background is None


def test_the_config_comes_back(run):
  config = defaults.get_config()
  run.save_config(config)
  assert run.config().to_dict() == config.to_dict()


def test_what_is_missing_or_damaged_is_named(run, tmp_path):
  for read in (run.scene, run.config):
    with pytest.raises(ValueError, match="is no run: .*json is missing"):
      read()
  for name, read in (("scene.json", run.scene), ("config.json", run.config)):
    (run.path / name).write_text("{")
    with pytest.raises(ValueError, match=f"{name} is damaged"):
      read()
  for text in ("", "{", "\xff"):
    (run.path / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match="manifest.json is damaged.*restore"):
      reopened(run)


@pytest.mark.parametrize("text", ["[]", "3", "{}", '{"phases": 1}'])
def test_a_manifest_of_another_kind_is_damaged(run, text):
  (run.path / "manifest.json").write_text(text)
  with pytest.raises(ValueError, match="manifest.json is damaged"):
    reopened(run)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
  (tmp_path / "file").write_text("")
  for path in (tmp_path / "file", tmp_path / "file" / "run"):
    with pytest.raises(ValueError, match="cannot be written .*choose another"):
      run_folder.RunFolder(path).create()
  assert (tmp_path / "file").read_text() == ""


def test_making_leaves_nothing_but_the_folder(tmp_path):
  run = run_folder.RunFolder(tmp_path / "a" / "b")
  assert not run.path.exists()
  run.create()
  run.create()
  assert list(run.path.iterdir()) == []


def test_a_kill_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
  path = tmp_path / "manifest.json"
  disk.write_json(path, {"a": 1})

  def killed(*_):
    raise KeyboardInterrupt

  monkeypatch.setattr(type(path), "replace", killed)
  with pytest.raises(KeyboardInterrupt):
    disk.write_json(path, {"a": 2})
  assert json.loads(path.read_text()) == {"a": 1}


def test_another_processors_rounding_changes_no_run(run, record):
  """What is solved for differs in its last bits from machine to machine."""
  run.claim_scene(record)
  frame = record.normalization
  rounded = dataclasses.replace(
    frame, world_to_model=frame.world_to_model * (1 + 1e-13)
  )
  again = dataclasses.replace(record, normalization=rounded)
  kept = reopened(run).with_frame_of_before(again)
  np.testing.assert_array_equal(
    kept.normalization.world_to_model, frame.world_to_model
  )
  for changed in (
    dataclasses.replace(frame, scale=frame.scale * 1.001),
    dataclasses.replace(
      frame, space=dataclasses.replace(frame.space, far=99.0)
    ),
    dataclasses.replace(
      frame, space=dataclasses.replace(frame.space, kind="ndc")
    ),
  ):
    moved = dataclasses.replace(record, normalization=changed)
    assert run.with_frame_of_before(moved).normalization is changed
  other = dataclasses.replace(again, content_hash="0")
  assert run.with_frame_of_before(other).normalization is rounded
  (run.path / "scene.json").write_text("{}")
  assert run.with_frame_of_before(again).normalization is rounded
