"""Checkpoints of training states, whole and in part, and of other shapes."""

import json
import logging
import pathlib
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from stylized_nerf_jax.training import checkpoints as checkpoints_lib
from stylized_nerf_jax.training import state as state_lib

ADAM = optax.adam(optax.exponential_decay(1e-2, 10, 0.5))
OPTIMIZERS = {
  "adam": ADAM,
  "chain": optax.chain(optax.clip_by_global_norm(1.0), ADAM),
  "multi": optax.multi_transform(
    {"slow": optax.sgd(1e-3, momentum=0.9), "fast": ADAM},
    {"net": "slow", "codes": "fast"},
  ),
}


def make_params():
  net = {"kernel": np.arange(6.0, dtype=np.float32).reshape(3, 2)}
  net["bias"] = jnp.ones(2, jnp.bfloat16)
  return {"net": net, "codes": np.full((2, 3), 0.5, np.float32)}


def trained(optimizer) -> state_lib.TrainState:
  """A state with other numbers in every leaf; to train takes longer."""
  rng = np.random.default_rng(0)
  shapes = jax.eval_shape(lambda: state_lib.create(make_params(), optimizer))
  state = jax.tree.map(
    lambda leaf: np.asarray(100 * rng.random(leaf.shape)).astype(leaf.dtype),
    shapes,
  )
  return state.replace(step=np.int32(2))


@pytest.fixture
def folder(tmp_path):
  opened = checkpoints_lib.Checkpoints(tmp_path / "checkpoints")
  yield opened
  opened.close()


def test_the_newest_and_those_of_some_steps_are_kept(tmp_path):
  saved = checkpoints_lib.Checkpoints(tmp_path, keep=2, keep_every=4)
  for step in range(2, 11, 2):
    saved.save(step, {"params": {"x": np.full(2, step)}}, {})
  saved.close()
  kept = sorted(int(f.name) for f in tmp_path.iterdir() if f.name.isdigit())
  assert kept == [4, 8, 10]


def assert_equal(one, two):
  assert jax.tree.structure(one) == jax.tree.structure(two)
  for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two)):
    assert a.dtype == b.dtype
    np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_states_come_back_in_another_process_of_the_run(name, tmp_path):
  state = trained(OPTIMIZERS[name])
  first = checkpoints_lib.Checkpoints(tmp_path / "a")
  state_lib.save(first, state, psnr=20.5, phase="one")
  first.close()
  second = checkpoints_lib.Checkpoints(tmp_path / "a")
  assert second.latest_step() == 2
  like = jax.eval_shape(
    lambda: state_lib.create(make_params(), OPTIMIZERS[name])
  )
  assert_equal(state_lib.restore(second, like), state)
  assert_equal(state_lib.restore_params(second, like.params), state.params)
  _, meta = second.restore({})
  assert meta == {"psnr": 20.5, "phase": "one"}
  second.close()


def test_what_was_saved_does_not_follow_the_buffers(folder):
  params = {"a": np.zeros(3, np.float32)}
  folder.save(0, {"params": params}, {})
  params["a"] += 1
  restored = state_lib.restore_params(folder, params)
  np.testing.assert_array_equal(restored["a"], np.zeros(3))


def test_the_newest_two_are_kept_and_chosen(folder):
  params = {"a": np.zeros(2, np.float32)}
  for step in range(4):
    folder.save(step, {"params": {"a": params["a"] + step}}, {"step": step})
  folder.wait()
  assert folder.latest_step() == 3
  newest, meta = folder.restore({"params": params})
  assert newest["params"]["a"][0] == 3 and meta == {"step": 3}
  older, meta = folder.restore({"params": params}, step=2)
  assert older["params"]["a"][0] == 2 and meta == {"step": 2}
  with pytest.raises(FileNotFoundError, match="no checkpoint .*checkpoints/1"):
    folder.restore({"params": params}, step=1)


def test_a_step_that_is_saved_stays_as_it_is(folder):
  for value in (1.0, 2.0):
    folder.save(5, {"params": {"a": np.full(2, value)}}, {"value": value})
    folder.wait()
  restored, meta = folder.restore({"params": {"a": np.zeros(2)}})
  assert restored["params"]["a"][0] == 1.0 and meta == {"value": 1.0}


def test_nothing_is_made_by_looking(tmp_path):
  empty = checkpoints_lib.Checkpoints(tmp_path / "none")
  assert empty.latest_step() is None
  with pytest.raises(FileNotFoundError, match="no checkpoint in .*none"):
    state_lib.restore_params(empty, {"a": np.zeros(2)})
  empty.close()
  assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
  ("like", "message"),
  [
    ({"net": {"a": np.zeros((5, 2))}}, r"net/a is \[3, 2\]; expected \[5, 2\]"),
    ({"net": {"a": np.zeros(6)}}, r"net/a is \[3, 2\]; expected \[6\]"),
    (
      {"net": {"a": np.zeros((3, 2)), "b": np.zeros(1)}},
      r"net/b is missing; expected \[1\]",
    ),
    ({"net": {}}, "net/a is .*; expected nothing of this name"),
  ],
)
def test_another_tree_is_an_error(folder, like, message):
  folder.save(0, {"params": {"net": {"a": np.ones((3, 2))}}}, {})
  with pytest.raises(ValueError, match=message) as caught:
    state_lib.restore_params(folder, like)
  assert "\n" not in str(caught.value)
  assert str(folder._folder) in str(caught.value)


def test_another_optimizer_is_an_error(folder):
  state_lib.save(folder, trained(OPTIMIZERS["adam"]))
  like = state_lib.create(make_params(), optax.sgd(1.0))
  with pytest.raises(ValueError, match="optimizer does not fit this config"):
    state_lib.restore(folder, like)


def test_an_item_that_was_not_saved_is_an_error(folder):
  folder.save(0, {"params": {"a": np.ones(2)}}, {})
  with pytest.raises(FileNotFoundError, match="0/codes"):
    folder.restore({"codes": {"a": np.ones(2)}})


def test_what_a_kill_left_is_ignored(tmp_path):
  root = tmp_path / "checkpoints"
  params = {"a": np.ones(2, np.float32)}
  before = checkpoints_lib.Checkpoints(root)
  before.save(3, {"params": params}, {})
  before.close()
  left = root / "7.orbax-checkpoint-tmp-1"
  shutil.copytree(root / "3", left)
  shutil.rmtree(left / "params")
  after = checkpoints_lib.Checkpoints(root)
  assert after.latest_step() == 3
  assert state_lib.restore_params(after, params)["a"][0] == 1
  after.save(7, {"params": {"a": params["a"] * 7}}, {})
  after.wait()
  assert after.latest_step() == 7
  assert state_lib.restore_params(after, params)["a"][0] == 7
  after.close()


def _files(folder: pathlib.Path) -> list[str]:
  return sorted(
    str(path.relative_to(folder))
    for path in folder.rglob("*")
    if path.is_file()
  )


def _damage(path: pathlib.Path, kind: str) -> None:
  content = path.read_bytes()
  if kind == "missing":
    path.unlink()
  elif kind == "truncated":
    path.write_bytes(content[: len(content) // 2])
  else:
    middle = len(content) // 2
    flipped = bytes([content[middle] ^ 4])
    path.write_bytes(content[:middle] + flipped + content[middle + 1 :])


@pytest.fixture(scope="module")
def two_checkpoints(tmp_path_factory):
  """Folder of the checkpoints 1 and 2, whose numbers are 1 and 2."""
  folder = tmp_path_factory.mktemp("two")
  made = checkpoints_lib.Checkpoints(folder / "checkpoints")
  for step in (1, 2):
    params = {"a": np.full((40, 30), step, np.float32), "b": np.ones(3)}
    optimizer = {"m": np.full(200, step, np.float32)}
    items = {"params": params, "optimizer": optimizer}
    made.save(step, items, {"step": step})
  made.close()
  return folder


@pytest.mark.parametrize("kind", ["missing", "truncated", "flipped"])
def test_no_damaged_number_is_ever_restored(
  two_checkpoints, tmp_path, capsys, kind
):
  like = {"params": {"a": np.zeros((40, 30), np.float32), "b": np.zeros(3)}}
  like["optimizer"] = {"m": np.zeros(200, np.float32)}
  used = {1: 0, 2: 0}
  for name in _files(two_checkpoints / "checkpoints" / "2"):
    folder = tmp_path / name.replace("/", "_")
    shutil.copytree(two_checkpoints, folder)
    _damage(folder / "checkpoints" / "2" / name, kind)
    opened = checkpoints_lib.Checkpoints(folder / "checkpoints")
    capsys.readouterr()
    items, meta = opened.restore(like)
    step = meta["step"]
    used[step] += 1
    assert (items["params"]["a"] == step).all(), name
    assert (items["params"]["b"] == 1).all(), name
    assert (items["optimizer"]["m"] == step).all(), name
    told = capsys.readouterr().err
    assert ("checkpoint 1 is used instead" in told) == (step == 1), name
    assert ("checkpoints/2 is damaged" in told) == (step == 1), name
    # Who writes there puts the damaged one aside, and can save it anew.
    assert opened.repair() == step
    opened.save(2, {"params": items["params"]}, {})
    opened.close()
    aside = list((folder / "damaged").glob("2-*"))
    assert len(aside) == (step == 1), name
  # Some files are of no use to a restore; those with numbers are.
  assert used[1] >= 5


def test_the_only_checkpoint_damaged_is_an_error(two_checkpoints, tmp_path):
  folder = shutil.copytree(two_checkpoints, tmp_path / "run")
  shutil.rmtree(folder / "checkpoints" / "1")
  _damage(folder / "checkpoints" / "2" / "meta" / "metadata", "truncated")
  opened = checkpoints_lib.Checkpoints(folder / "checkpoints")
  with pytest.raises(ValueError, match="checkpoints/2 is damaged") as caught:
    opened.restore({})
  assert "\n" not in str(caught.value)
  assert opened.repair() is None
  opened.close()


def test_checkpoints_without_checksums_are_restored(two_checkpoints, tmp_path):
  folder = shutil.copytree(two_checkpoints, tmp_path / "run")
  path = folder / "checkpoints" / "2" / "meta" / "metadata"
  path.write_text(json.dumps({"step": 2}))
  opened = checkpoints_lib.Checkpoints(folder / "checkpoints")
  assert opened.repair() == 2
  items, meta = opened.restore({"optimizer": {"m": np.zeros(200, "f")}})
  assert meta == {"step": 2} and (items["optimizer"]["m"] == 2).all()
  opened.close()


def test_reading_warns_of_nothing(folder):
  """Research code loads models with no command around to hide warnings."""
  heard = []
  handler = logging.Handler()
  handler.emit = heard.append
  logger = logging.getLogger("absl")
  level = logger.level
  logger.addHandler(handler)
  try:
    state_lib.save(folder, trained(ADAM))
    folder.wait()
    state_lib.restore_params(folder, make_params())
  finally:
    logger.removeHandler(handler)
  assert [r for r in heard if r.levelno >= logging.WARNING] == []
  assert logger.level == level
