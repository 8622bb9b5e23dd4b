"""The restricted reader admits arrays and nothing that could run code."""

import hashlib
import pickle
import sys

import numpy as np
import pytest

from stylized_nerf_jax.stylizer import numpy_pickle


class _Payload:
  """Pickles as a call of `print`, the harmless stand-in for any command."""

  def __reduce__(self):
    return print, ("code from the pickle ran",)


class _Subclass(np.ndarray):
  """An array type of our own, which a plain tree does not need."""


@pytest.mark.parametrize("protocol", [3, 4])
def test_tree_of_arrays_is_read_back(tmp_path, protocol):
  tree = {
    "a": {"kernel": np.arange(12, dtype=np.float32).reshape(3, 4)},
    "b": [np.zeros((), np.int64), np.asfortranarray(np.eye(3))],
  }
  path = tmp_path / "weights.ckpt"
  path.write_bytes(pickle.dumps(tree, protocol=protocol))
  read = numpy_pickle.load_numpy_pickle(path)
  np.testing.assert_array_equal(read["a"]["kernel"], tree["a"]["kernel"])
  np.testing.assert_array_equal(read["b"][1], np.eye(3))
  assert read["b"][0].dtype == np.int64


@pytest.mark.parametrize("module", ["numpy.core", "numpy._core"])
def test_both_names_of_numpy_core_are_known(tmp_path, module):
  content = pickle.dumps({"x": np.ones(3, np.float32)}, protocol=3)
  old = next(
    name
    for name in (b"numpy._core.multiarray", b"numpy.core.multiarray")
    if name in content
  )
  path = tmp_path / "weights.ckpt"
  path.write_bytes(content.replace(old, module.encode() + b".multiarray"))
  read = numpy_pickle.load_numpy_pickle(path)
  np.testing.assert_array_equal(read["x"], np.ones(3))


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
def test_code_is_refused_and_not_run(tmp_path, capsys, protocol):
  path = tmp_path / "weights.ckpt"
  path.write_bytes(pickle.dumps({"x": _Payload()}, protocol=protocol))
  with pytest.raises(ValueError, match="print"):
    numpy_pickle.load_numpy_pickle(path)
  assert "ran" not in capsys.readouterr().out


def test_objects_hidden_in_arrays_are_refused(tmp_path):
  path = tmp_path / "weights.ckpt"
  path.write_bytes(pickle.dumps(np.array([None, "x"], object), protocol=3))
  with pytest.raises(ValueError, match="numeric"):
    numpy_pickle.load_numpy_pickle(path)
  path.write_bytes(pickle.dumps(np.zeros(2).view(_Subclass), protocol=3))
  with pytest.raises(ValueError, match="_Subclass"):
    numpy_pickle.load_numpy_pickle(path)
  path.write_bytes(pickle.dumps({"x": "text"}))
  with pytest.raises(ValueError, match="str"):
    numpy_pickle.load_numpy_pickle(path)


def test_hash_is_compared_first(tmp_path):
  path = tmp_path / "weights.ckpt"
  path.write_bytes(pickle.dumps({"x": np.ones(2)}, protocol=3))
  good = hashlib.sha256(path.read_bytes()).hexdigest()
  assert "x" in numpy_pickle.load_numpy_pickle(path, sha256=good.upper())
  path.write_bytes(b"not even a pickle")
  with pytest.raises(ValueError, match="SHA-256 is .* expected " + good):
    numpy_pickle.load_numpy_pickle(path, sha256=good)


def test_damaged_and_missing_files_are_named(tmp_path):
  path = tmp_path / "weights.ckpt"
  path.write_bytes(pickle.dumps({"x": np.ones(200)}, protocol=3)[:300])
  with pytest.raises(ValueError, match="weights.ckpt"):
    numpy_pickle.load_numpy_pickle(path)
  with pytest.raises(FileNotFoundError, match="absent.ckpt"):
    numpy_pickle.load_numpy_pickle(tmp_path / "absent.ckpt")


def test_package_file_does_not_import(tmp_path, monkeypatch):
  package = tmp_path / "explosive_package"
  package.mkdir()
  (package / "__init__.py").write_text("raise RuntimeError('imported')")
  (package / "data.bin").write_bytes(b"1")
  monkeypatch.syspath_prepend(tmp_path)
  found = numpy_pickle.package_file("explosive_package", "data.bin")
  assert found.read_bytes() == b"1"
  assert "explosive_package" not in sys.modules
  with pytest.raises(ValueError, match="no file other.bin"):
    numpy_pickle.package_file("explosive_package", "other.bin")


def test_missing_package_names_the_extra():
  with pytest.raises(ValueError, match=r"stylized-nerf-jax\[weights\]"):
    numpy_pickle.package_file("no_such_package_here", "weights.ckpt")
