"""The style set: named pictures, hashed by content, saved as PNG.

Pixels are kept as uint8, so that a set saved as PNG and read again is the
same set, bit for bit, and so are its content hashes.
"""

import collections.abc
import dataclasses
import difflib
import functools
import hashlib
import pathlib
from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy as np
from PIL import Image

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes.pictures import picture_files


@dataclasses.dataclass(frozen=True, eq=False)
class StyleImage:
  """One style.

  Attributes:
    name: what the user calls it; the stem of its file name.
    pixels: uint8 [H, W, 3], sRGB, short side `style_size`.
  """

  name: str
  pixels: np.ndarray

  @property
  def image(self) -> np.ndarray:
    """The picture as float32 [H, W, 3] in [0, 1]."""
    return self.pixels.astype(np.float32) / np.float32(255)

  @functools.cached_property
  def content_hash(self) -> str:
    """SHA-256 of the size and the resized pixels; the name is not in it."""
    digest = hashlib.sha256(repr(self.pixels.shape).encode())
    digest.update(np.ascontiguousarray(self.pixels).tobytes())
    return digest.hexdigest()


class StyleSet(collections.abc.Mapping):
  """An ordered mapping from style name to `StyleImage`.

  Attributes:
    messages: what a user should be told about how the set was read.
  """

  def __init__(
    self, images: Iterable[StyleImage], *, messages: Iterable[str] = ()
  ):
    self._images = {}
    for style in images:
      if style.name in self._images:
        raise user_error.UserError(
          f"two styles are named {style.name!r}; rename one"
        )
      self._images[style.name] = style
    self.messages = tuple(messages)

  def __getitem__(self, name: str) -> StyleImage:
    return self._images[name]

  def __iter__(self) -> Iterator[str]:
    return iter(self._images)

  def __len__(self) -> int:
    return len(self._images)

  def __repr__(self) -> str:
    return f"StyleSet({', '.join(self)})"

  @property
  def names(self) -> tuple[str, ...]:
    """Style names, in order."""
    return tuple(self._images)

  @property
  def content_hashes(self) -> tuple[str, ...]:
    """Content hashes, in the order of the names."""
    return tuple(style.content_hash for style in self._images.values())

  def subset(self, names: str | Iterable[str]) -> "StyleSet":
    """Return the styles named, in the order named.

    Args:
      names: a sequence of names, or one string with commas between names.

    Raises:
      ValueError: a name is not in the set; the message lists those that are.
    """
    chosen = select(split_names(names), self._images)
    return StyleSet(chosen, messages=self.messages)

  def save_to(self, folder: str | pathlib.Path) -> None:
    """Write every style as `folder`/NAME.png, creating the folder.

    Raises:
      ValueError: the folder holds pictures that are not of this set, which
        would join it when the folder is read again; or it is not writable.
    """
    folder = pathlib.Path(folder)
    own = {f"{name}.png" for name in self}
    try:
      folder.mkdir(parents=True, exist_ok=True)
      strangers = sorted(
        path.name
        for path in folder.iterdir()
        if picture_files.is_picture_name(path) and path.name not in own
      )
      if strangers:
        raise user_error.UserError(
          f"{folder}: holds {strangers[0]}, which is not one of the "
          f"{len(self)} styles being saved; move it away first"
        )
      for style in self.values():
        Image.fromarray(style.pixels).save(folder / f"{style.name}.png")
    except OSError as error:
      raise user_error.UserError(
        f"{folder}: styles cannot be saved there ({error.strerror or error})"
      ) from error


def find(name: str, known: Collection[str]) -> str:
  """Find a style by its name, or by a part that no other name has.

  Raises:
    ValueError: it is unknown (the message lists those that are known and says
      the nearest), or a part of several names.
  """
  if name in known:
    return name
  holding = [one for one in known if name and name in one]
  if len(holding) == 1:
    return holding[0]
  if holding:
    raise user_error.UserError(
      f"style {name!r} is a part of several names: {', '.join(holding)}"
    )
  raise _unknown(name, known)


def find_all(names: Iterable[str], known: Collection[str]) -> list[str]:
  """Find styles as `find` does, none of them twice.

  Raises:
    ValueError: as `find`, or a style is named twice.
  """
  found = [find(name, known) for name in names]
  if len(set(found)) < len(found):
    raise user_error.UserError(f"a style is named twice in {', '.join(found)}")
  return found


def select(names: tuple[str, ...], known: Mapping) -> list:
  """Look style names up in a mapping, each by its whole name.

  Raises:
    ValueError: a name is unknown (the message lists those that are known and
      says the nearest) or named twice.
  """
  for name in names:
    if name not in known:
      raise _unknown(name, known)
  return [known[name] for name in find_all(names, known)]


def _unknown(name: str, known: Collection[str]) -> user_error.UserError:
  near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
  hint = f" (did you mean {near[0]!r}?)" if near else ""
  return user_error.UserError(
    f"unknown style {name!r}{hint}; known styles: {', '.join(known)}"
  )


def split_names(names: str | Iterable[str]) -> tuple[str, ...]:
  """Split "a,b" at commas; a sequence of names is taken as it is."""
  if isinstance(names, str):
    names = names.split(",")
  return tuple(name.strip() for name in names if name.strip())
