"""Datasets of TensorFlow Datasets, read by index and without TensorFlow.

TFDS is imported when the first dataset is opened. Whatever it, or a damaged
file, raises becomes one ValueError that names the dataset.
"""

import contextlib
import io
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import tfds_address

_DEFAULT_SPLIT = "train"


class Dataset:
  """A dataset that was prepared on this machine.

  Attributes:
    address: as it was asked for.
    metadata: what its builder noted beside the records; may be empty.
    features: by name, TFDS's own.
  """

  def __init__(self, address: tfds_address.Address):
    self.address = address
    with self.explaining("cannot be opened"):
      self._builder = _find_builder(address)
      info = self._builder.info
      self.features = info.features
      self.metadata = dict(info.metadata or {})

  @property
  def splits(self) -> tuple[str, ...]:
    """Names of TFDS's splits; empty where it does not tell."""
    return tuple(self._builder.info.splits)

  def records(self, split: str = "", *, decode: bool = True) -> "Records":
    """Opens a split.

    Args:
      split: in TFDS's words; default: that of the address, or "train".
      decode: whether TFDS decodes the features.

    Raises:
      ValueError: there is no such split, or it cannot be read by index.
    """
    split = split or self.address.split or _DEFAULT_SPLIT
    name = split.split("[")[0].split("+")[0]
    if self.splits and name not in (*self.splits, "all"):
      raise user_error.UserError(
        f"{self.address}: has no split {name!r}; expected one of "
        f"{', '.join(self.splits)}: name it with &split="
      )
    options = {} if decode else {"decoders": self._raw()}
    try:
      with self.explaining(f"split {split!r} cannot be opened"):
        source = self._builder.as_data_source(split, **options)
        return Records(self, source)
    except NotImplementedError:
      raise self._not_by_index() from None

  def decode(self, name: str, value: Any, *, where: str) -> Any:
    """Decodes what a feature is stored as."""
    with self.explaining(f"{where}: {name} cannot be decoded"):
      return self.features[name].decode_example_np(value)

  @contextlib.contextmanager
  def explaining(self, what: str) -> Iterator[None]:
    """Turns what TFDS raises into a ValueError of one line."""
    try:
      yield
    except (MemoryError, NotImplementedError):
      raise
    except Exception as error:  # TFDS and its files raise nearly anything.
      if isinstance(error, _RefusalError):
        raise user_error.UserError(str(error)) from None
      reason = " ".join(str(error).split()) or type(error).__name__
      if len(reason) > 200:
        reason = reason[:200] + "..."
      raise user_error.UserError(
        f"{self.address}: {what} ({reason}); prepare the dataset again"
      ) from error

  def _raw(self) -> Mapping[str, Any]:
    """Returns decoders that leave every feature as it is stored."""
    import tensorflow_datasets as tfds

    return {name: tfds.decode.SkipDecoding() for name in self.features}

  def _not_by_index(self) -> user_error.UserError:
    if not self.splits:
      return user_error.UserError(_absent(self.address))
    return user_error.UserError(
      f"{self.address}: is stored as {self._builder.info.file_format.value}, "
      "which cannot be read by index; expected array_record: prepare it with "
      'download_and_prepare(file_format="array_record")'
    )


class Records(Sequence):
  """The records of one split, read when they are asked for."""

  def __init__(self, dataset: Dataset, source: Sequence):
    self.dataset = dataset
    self._source = source
    self._lock = threading.Lock()

  def __len__(self) -> int:
    return len(self._source)

  def __getitem__(self, index: int) -> Mapping[str, Any]:
    index = range(len(self))[index]
    what = f"record {index} of {len(self)} cannot be read"
    with self._lock, self.dataset.explaining(what):
      return self._source[index]


class _RefusalError(Exception):
  """What is wrong, in words for a user."""


def _find_builder(address: tfds_address.Address):
  """Returns a TFDS builder: from the files, or else from TFDS's own code."""
  import tensorflow_datasets as tfds

  name, folder = address.name, str(address.data_dir)
  not_found = tfds.core.DatasetNotFoundError
  try:
    return tfds.core.read_only_builder.builder_from_files(name, data_dir=folder)
  except not_found:
    pass
  try:
    # It prints what it misses, over several lines.
    with (
      contextlib.redirect_stdout(io.StringIO()),
      contextlib.redirect_stderr(io.StringIO()),
    ):
      return tfds.builder(name, data_dir=folder)
  except Exception:  # Its code may want TensorFlow, or a configuration.
    raise _RefusalError(_absent(address)) from None


def _absent(address: tfds_address.Address) -> str:
  """Says that a dataset is not there, and which are."""
  found = sorted(
    str(path.parent.parent.relative_to(address.data_dir))
    for depth in ("*/*", "*/*/*")
    for path in address.data_dir.glob(f"{depth}/dataset_info.json")
  )
  listed = ", ".join(dict.fromkeys(found[:8])) or "none"
  return (
    f"{address}: no such dataset was prepared there (found: {listed}); check "
    'the name, or prepare it with file_format="array_record"'
  )


def display_name(address: tfds_address.Address) -> str:
  """Returns the name of a dataset as part of a file name."""
  return address.name.split(":")[0].replace("/", "-")
