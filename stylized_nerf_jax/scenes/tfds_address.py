"""Addresses of TensorFlow datasets: "tfds:NAME?data_dir=DIR&split=SPLIT".

NAME is as TFDS has it: `dataset`, `dataset/config` or `dataset:1.0.0`. What
comes after the question mark:

  data_dir  folder that the dataset was prepared in; needed
  split     TFDS's own words, such as "train" or "train[:500]"; default: train
  image     the feature that holds the picture, where there are several

Nothing here imports TFDS.
"""

import dataclasses
import difflib
import pathlib
import re
import urllib.parse

from stylized_nerf_jax import user_error

PREFIX = "tfds:"
_FORM = "tfds:NAME?data_dir=DIR"
_NAME = re.compile(r"\w+(/[\w.-]+)?(:[0-9]+\.[0-9]+\.[0-9]+)?")


@dataclasses.dataclass(frozen=True)
class Address:
  """One dataset.

  Attributes:
    name: as TFDS has it.
    data_dir: absolute folder that it was prepared in.
    split: as TFDS takes it, or "" for the usual one.
    image: name of the feature that holds the picture, or "" to look for it.
  """

  name: str
  data_dir: pathlib.Path
  split: str = ""
  image: str = ""

  def __str__(self) -> str:
    options = [f"data_dir={_quoted(str(self.data_dir))}"]
    for key in ("split", "image"):
      if getattr(self, key):
        options.append(f"{key}={_quoted(getattr(self, key))}")
    return f"{PREFIX}{self.name}?{'&'.join(options)}"


def is_address(path: str | pathlib.Path) -> bool:
  """Tells an address from a file name."""
  return str(path).startswith(PREFIX)


def parse(text: str | pathlib.Path) -> Address:
  """Reads an address; %20 and the like stand for what they do in a URL.

  Raises:
    ValueError: a part is missing or unknown, or data_dir is no folder.
  """
  text = str(text)
  name, _, query = text.removeprefix(PREFIX).partition("?")
  if not name:
    raise user_error.UserError(f"{text}: names no dataset; expected {_FORM}")
  if not _NAME.fullmatch(name):
    raise user_error.UserError(
      f"{text}: the name of the dataset is {name!r}; expected dataset, "
      "dataset/config or either with :1.0.0 behind it"
    )
  options = {}
  for part in filter(None, query.split("&")):
    key, _, value = part.partition("=")
    if key not in ("data_dir", "split", "image"):
      near = difflib.get_close_matches(key, ("data_dir", "split", "image"), 1)
      hint = f"; did you mean {near[0]!r}?" if near else ""
      raise user_error.UserError(
        f"{text}: unknown option {key!r}; expected data_dir, split or image"
        f"{hint}"
      )
    options[key] = urllib.parse.unquote(value)
  if not options.get("data_dir"):
    raise user_error.UserError(
      f"{text}: data_dir is missing; expected {_FORM}, DIR being the folder "
      "that the dataset was prepared in"
    )
  folder = pathlib.Path(options.pop("data_dir")).expanduser().absolute()
  if not folder.is_dir():
    raise user_error.UserError(
      f"{text}: data_dir {folder}: no such folder; expected the folder that "
      "the dataset was prepared in"
    )
  return Address(name, folder, **options)


def absolute(path: str | pathlib.Path) -> str:
  """Makes a path, or the data_dir of an address, absolute.

  Raises:
    ValueError: as `parse`.
  """
  if is_address(path):
    return str(parse(path))
  return str(pathlib.Path(path).expanduser().absolute())


def _quoted(value: str) -> str:
  """Quotes what would end a value, or an entry of a list with commas."""
  return urllib.parse.quote(value, safe="/:[] ~@()'+")
