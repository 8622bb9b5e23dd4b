"""Small text files of a scene, and the numbers that stand in them."""

import contextlib
import json
import pathlib
import sys
from collections.abc import Sequence

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import file_names

_MOST_BYTES_OF_NAMES = 1 << 24


def read_text(path: pathlib.Path, most_bytes: int, what: str) -> str:
  """Reads a text file.

  Args:
    path: of the file.
    most_bytes: that it may have.
    what: it holds, for messages.

  Returns:
    Its text, without a byte order mark; bytes that are no UTF-8 are replaced.

  Raises:
    ValueError: there is no such file, it is larger, or it cannot be read.
  """
  try:
    with path.open("rb") as file:
      data = file.read(most_bytes + 1)
  except OSError as error:
    raise user_error.UserError(
      f"{path}: cannot be read ({error.strerror}); expected {what}: copy the "
      "file there"
    ) from error
  if len(data) > most_bytes:
    raise user_error.UserError(
      f"{path}: more than {most_bytes} bytes; expected {what}"
    )
  return data.decode("utf-8-sig", errors="replace")


def read_names(path: pathlib.Path) -> list[str]:
  """Reads the names of pictures, one a line, as `file_names.clean` has them.

  Raises:
    ValueError: the file cannot be read, or is larger than 16 MiB.
  """
  text = read_text(path, _MOST_BYTES_OF_NAMES, "the name of a picture a line")
  lines = (line.strip() for line in text.splitlines())
  return [file_names.clean(line) for line in lines if line]


def read_object(path: pathlib.Path, most_bytes: int, what: str) -> dict:
  """Reads a JSON file that holds one object.

  Args:
    path: of the file.
    most_bytes: that it may have.
    what: it holds, for messages.

  Raises:
    ValueError: it cannot be read, is no JSON, or holds no object.
  """
  text = read_text(path, most_bytes, what)
  content = parse_json(text, path, again="export it again")
  if not isinstance(content, dict):
    raise user_error.UserError(
      f"{path}: no JSON object; expected {what}: export it again"
    )
  return content


def parse_json(text: str | bytes, path: pathlib.Path, *, again: str):
  """Returns the JSON value of a text, or of bytes in any of its encodings.

  Args:
    text: content of the file.
    path: of the file, for messages.
    again: what to do where it is wrong, for messages.

  Raises:
    ValueError: it is no JSON.
  """
  try:
    return json.loads(text)
  except RecursionError:
    raise user_error.UserError(
      f"{path}: not valid JSON (nested too deeply); {again}"
    ) from None
  except ValueError as error:
    raise user_error.UserError(
      f"{path}: not valid JSON ({error}); {again}"
    ) from error


def number(value: object, *, where: str) -> float:
  """Returns a number, or a word that is one, as a float.

  Args:
    value: of a JSON file, or a word of any other.
    where: file and field, for messages.

  Raises:
    ValueError: it is no finite number.
  """
  found = None
  if isinstance(value, str):
    with contextlib.suppress(ValueError):
      found = float(value)
  elif isinstance(value, (int, float)) and not isinstance(value, bool):
    # A whole number may have more digits than a float can hold.
    found = value if abs(value) <= sys.float_info.max else None
  if found is None or not abs(found) <= sys.float_info.max:
    told = "missing" if value is None else repr(str(value)[:40])
    raise user_error.UserError(f"{where}: {told}; expected a finite number")
  return float(found)


def numbers(
  values: object, count: int, *, where: str, what: str
) -> tuple[float, ...]:
  """Returns so many numbers.

  Args:
    values: a list of a JSON file, or the words of a text.
    count: of them.
    where: file and field, for messages.
    what: they are.

  Raises:
    ValueError: they are not as many, or one is no finite number.
  """
  if isinstance(values, str) or not isinstance(values, Sequence):
    told = "missing" if values is None else repr(str(values)[:40])
    raise user_error.UserError(
      f"{where}: {told}; expected {what}: export it again"
    )
  if len(values) != count:
    raise user_error.UserError(
      f"{where}: {len(values)} numbers; expected {count}, {what}: export it "
      "again"
    )
  return tuple(number(value, where=where) for value in values)
