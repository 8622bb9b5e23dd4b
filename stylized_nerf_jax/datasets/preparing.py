"""Writes a dataset as TFDS does: array_record files and their description.

TFDS's own way, `download_and_prepare`, is made for data from the network. What
lies in the folder is the same.
"""

import pathlib
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

import tensorflow_datasets as tfds

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import tfds_address

_RECORDS_PER_FILE = 1000


class Builder(Protocol):
  """What is to be written.

  Attributes:
    name: of the dataset.
    version: of its layout.
    description: for people.
  """

  name: str
  version: str
  description: str

  def features(self) -> Mapping[str, Any]:
    """Returns TFDS's features by name."""

  def metadata(self) -> Mapping[str, Any]:
    """Returns what JSON can hold of the whole dataset."""

  def splits(self) -> Mapping[str, Iterable[Mapping[str, Any]]]:
    """Returns the records of every split, made when they are asked for."""


def prepare(
  builder: Builder,
  config: str,
  folder: str | pathlib.Path,
  *,
  advance: Callable[[], None] | None = None,
) -> tfds_address.Address:
  """Writes a dataset; it appears when it is whole, or not at all.

  Args:
    builder: what is written.
    config: name of the configuration, made fit for a folder.
    folder: TFDS's data_dir, which may hold other datasets.
    advance: called after every record.

  Returns:
    Where it lies.

  Raises:
    ValueError: it is there already, cannot be written, or what is written
      cannot be read.
  """
  folder = pathlib.Path(folder).expanduser().absolute()
  config = config_name(config)
  place = folder / builder.name / config / builder.version
  if place.exists():
    raise user_error.UserError(
      f"{place} is there already; move it away, or choose another --out or "
      "--name"
    )
  partial = place.with_name(f".{builder.version}.incomplete")
  try:
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    _write(builder, config, partial, advance)
    partial.rename(place)
  except (OSError, RuntimeError) as error:  # The latter from array_record.
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    raise user_error.UserError(
      f"{place}: cannot be written ({reason}); choose another place, or free "
      "space"
    ) from error
  finally:
    shutil.rmtree(partial, ignore_errors=True)
  return tfds_address.Address(f"{builder.name}/{config}", folder)


def config_name(name: str) -> str:
  """Returns a name as TFDS can have it for a configuration."""
  kept = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("._-")
  return kept or "unnamed"


def _write(
  builder: Builder,
  config: str,
  folder: pathlib.Path,
  advance: Callable[[], None] | None,
) -> None:
  identity = tfds.core.dataset_info.DatasetIdentity(
    name=builder.name,
    version=tfds.core.Version(builder.version),
    data_dir=str(folder),
    module_name=__name__,
    config_name=config,
  )
  info = tfds.core.DatasetInfo(
    builder=identity,
    description=builder.description,
    features=tfds.features.FeaturesDict(builder.features()),
    metadata=tfds.core.MetadataDict(builder.metadata()),
    disable_shuffling=True,
  )
  writer = tfds.core.SequentialWriter(
    info, _RECORDS_PER_FILE, file_format="array_record"
  )
  splits = builder.splits()
  writer.initialize_splits(list(splits))
  for name, records in splits.items():
    writer.add_examples({name: _counted(records, advance)})
  writer.close_all()


def _counted(
  records: Iterable, advance: Callable[[], None] | None
) -> Iterator[Mapping[str, Any]]:
  for record in records:
    yield record
    if advance:
      advance()
