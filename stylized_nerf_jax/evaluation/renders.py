"""Which pictures of a folder show which held-out views, whoever rendered them.

Programs name their renders by the views' own names, or count them from 0 in
the order of the split:

| program | where | names | beside them |
|---|---|---|---|
| JaxNeRF | `test_preds` | `000.png` | `disp_000.png` |
| multinerf | `test_preds`, `test_preds_step_N` | `color_000.png` | `color_cc_`, `distance_`, `acc_`, `normals_` |
| 3D Gaussian splatting | `test/ours_N/renders` | `00000.png` | `test/ours_N/gt` |
| nerfstudio, `ns-render dataset` | `test/rgb` | the views' names, .jpg or .png | `test/gt-rgb`, `test/depth` |
| nerfstudio, `ns-eval` | the folder given | `eval_img_0000.png`, before 1.1 `000000-img.jpg`: photograph left, render right | `eval_depth_`, `-depth` |
| gsplat's `simple_trainer.py` | `renders` | `val_step29999_0000.png`: photograph left, render right | `train_...` |
"""  # noqa: E501

import dataclasses
import pathlib
import re
from collections.abc import Iterator, Sequence

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes.pictures import image_reader

ORDERS = ("natural", "text")
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_NUMBERED = re.compile(r"(.*?)_?(\d+)$")


@dataclasses.dataclass(frozen=True)
class _Scheme:
  """How a program names renders that it counts.

  Attributes:
    program: its name.
    pattern: of whole file names; `index`, and `step` where there are several.
    right_half: whether a photograph is to the left of the render.
  """

  program: str
  pattern: str
  right_half: bool = False


_SCHEMES = (
  _Scheme("multinerf", r"color_(?P<index>\d+)\.png"),
  _Scheme("nerfstudio", r"eval_img_(?P<index>\d+)\.png", right_half=True),
  _Scheme("nerfstudio", r"(?P<index>\d{6})-img\.jpg", right_half=True),
  _Scheme(
    "gsplat", r"val_step(?P<step>\d+)_(?P<index>\d+)\.png", right_half=True
  ),
  _Scheme("JaxNeRF or 3DGS", r"(?P<index>\d+)\.png"),
)


@dataclasses.dataclass(frozen=True)
class Found:
  """The renders of a split.

  Attributes:
    paths: of the pictures, in the order of the views.
    named_by: "names" or "numbers".
    program: that names renders so; "" where they were found by their names, or
      by a pattern.
    right_half: whether each is to the right of a photograph in one picture.
  """

  paths: tuple[pathlib.Path, ...]
  named_by: str
  program: str = ""
  right_half: bool = False


class Renders(Sequence):
  """renders[i]: [H, W, 3] float32 in [0, 1], decoded when it is asked for.

  Args:
    found: which pictures.
    sizes: (width, height) of each view.

  Raises:
    ValueError: a picture has another size; names the downsampling that would
      fit.
  """

  def __init__(self, found: Found, sizes: Sequence[tuple[int, int]]):
    self._right_half = found.right_half
    whole = []
    for path, (width, height) in zip(found.paths, sizes, strict=True):
      size = image_reader.read_header(path)[0]
      expected = (2 * width if found.right_half else width, height)
      if size != expected:
        raise user_error.UserError(_other_size(path, size, expected))
      whole.append(size)
    self._files = image_reader.ImageFiles(list(found.paths), whole)

  def __len__(self) -> int:
    return len(self._files)

  def __getitem__(self, index: int) -> np.ndarray:
    picture = self._files[index]
    if self._right_half:
      return picture[:, picture.shape[1] // 2 :]
    return picture


def find(
  folder: str | pathlib.Path,
  names: Sequence[str],
  *,
  split: str = "test",
  pattern: str = "",
  order: str = "",
  by_file: bool = False,
) -> Found:
  """Finds the renders of views.

  Where a program keeps them in a subfolder, its parent will do; of several
  steps the last is taken.

  Args:
    folder: with the renders.
    names: of the V views, as the scene has them, in natural order.
    split: theirs, of which nerfstudio and 3DGS name folders.
    pattern: of file names instead, with {name} or {index} where a view's name
      without its ending, or its number from 0, stands.
    order: that numbers count in: "natural" or "text" (that of plain strings);
      "": whichever it is, as long as they agree.
    by_file: whether numbers count in the order of the scene's file, which is
      the natural one: NeRF-synthetic's.

  Returns:
    One picture for each view.

  Raises:
    ValueError: there are none, more or fewer than views, or their order is not
      known; names what is missing.
  """
  folder = pathlib.Path(folder)
  if not folder.is_dir():
    raise user_error.UserError(
      f"{folder}: no such folder; expected one with renders"
    )
  if order and order not in ORDERS:
    raise user_error.UserError(
      f"--order is {order!r}; expected natural or text"
    )
  if pattern:
    return _by_pattern(folder, names, pattern, order, by_file)
  for place in _places(folder, split):
    if by_name := _by_names(place, names):
      return Found(by_name, "names")
    for scheme in _SCHEMES:
      if numbered := _numbered(place, scheme.pattern):
        paths = _in_order(place, numbered, names, order, by_file)
        return Found(paths, "numbers", scheme.program, scheme.right_half)
  files = list(_pictures(folder))
  some = ", ".join(path.name for path in files[:3]) or "no pictures"
  raise user_error.UserError(
    f"{folder} holds {some}; expected the renders of {len(names)} views, by "
    f"names such as {_stem(names[0])}.png or by numbers, as "
    "JaxNeRF, multinerf, nerfstudio or 3DGS write them: give their folder, or "
    "--pattern"
  )


def _places(folder: pathlib.Path, split: str) -> Iterator[pathlib.Path]:
  """Yields the folders that may hold renders, the likeliest first."""
  yield folder
  for parent in (folder, folder / split):
    yield from (parent / name for name in ("renders", "rgb", "test_preds"))
    for prefix in ("test_preds_step", "ours"):
      steps = [
        (int(named[2]), child)
        for child in (parent.iterdir() if parent.is_dir() else ())
        if (named := _NUMBERED.fullmatch(child.name)) and named[1] == prefix
      ]
      for _, child in sorted(steps, reverse=True):
        yield from (child / "renders", child)


def _pictures(place: pathlib.Path) -> Iterator[pathlib.Path]:
  """Yields the pictures in a folder, without those in its subfolders."""
  for path in sorted(place.iterdir()) if place.is_dir() else ():
    if path.suffix.lower() in _SUFFIXES and path.is_file():
      yield path


def _stem(name: str) -> str:
  return pathlib.PurePath(name).with_suffix("").name


def _by_names(
  place: pathlib.Path, names: Sequence[str]
) -> tuple[pathlib.Path, ...]:
  """Returns the pictures that are named as the views are, if all are there.

  Folders of the views' names may be there, too, but for those that all have.
  """
  found = []
  for name in names:
    parts = pathlib.PurePath(name).with_suffix("").parts
    tails = (pathlib.PurePath(*parts[i:]) for i in range(len(parts)))
    files = (
      place / tail.with_name(tail.name + suffix)
      for tail in tails
      for suffix in _SUFFIXES
    )
    found.append(next((file for file in files if file.is_file()), None))
  if None in found or len(set(found)) < len(found):
    return ()
  return tuple(found)


def _numbered(place: pathlib.Path, pattern: str) -> dict[int, pathlib.Path]:
  """Returns the pictures that a pattern fits, by number; of the last step."""
  steps: dict[int, dict[int, pathlib.Path]] = {}
  for path in _pictures(place):
    if named := re.fullmatch(pattern, path.name):
      step = int(named.groupdict().get("step") or 0)
      steps.setdefault(step, {})[int(named["index"])] = path
  return steps[max(steps)] if steps else {}


def _in_order(
  place: pathlib.Path,
  numbered: dict[int, pathlib.Path],
  names: Sequence[str],
  order: str,
  by_file: bool,
) -> tuple[pathlib.Path, ...]:
  """Returns numbered pictures in the order of the views.

  Raises:
    ValueError: numbers are missing or too many, or the order is not known.
  """
  wanted = range(len(names))
  missing = [i for i in wanted if i not in numbered]
  if missing or len(numbered) != len(names):
    gap = f" without {missing[0]}" if missing else ""
    raise user_error.UserError(
      f"{place} holds {len(numbered)} numbered renders, {min(numbered)} to "
      f"{max(numbered)}{gap}; expected {len(names)}, 0 to {len(names) - 1}: "
      "check the split and what the scene holds out (scene.holdout)"
    )
  as_text = sorted(wanted, key=lambda i: names[i])
  if as_text == list(wanted) or order == "natural" or (by_file and not order):
    return tuple(numbered[i] for i in wanted)
  if not order:
    first = next(i for i in wanted if as_text[i] != i)
    raise user_error.UserError(
      f"{place}: renders are numbered, and number {first} is "
      f"{names[first]} in natural order but {names[as_text[first]]} in that of "
      "text; say which one they are in: --order natural or --order text"
    )
  place_of = {view: number for number, view in enumerate(as_text)}
  return tuple(numbered[place_of[i]] for i in wanted)


def _by_pattern(
  folder: pathlib.Path,
  names: Sequence[str],
  pattern: str,
  order: str,
  by_file: bool,
) -> Found:
  """Finds renders by a pattern of file names."""
  if ("{name}" in pattern) == ("{index}" in pattern):
    raise user_error.UserError(
      f"--pattern is {pattern!r}; expected a file name with {{name}} or "
      "{index} in it"
    )
  if "{name}" in pattern:
    paths = []
    for name in names:
      path = folder / pattern.replace("{name}", _stem(name))
      if not path.is_file():
        raise user_error.UserError(
          f"{path}: no such file, for the view {name}; expected one render for "
          f"each of {len(names)} views"
        )
      paths.append(path)
    return Found(tuple(paths), "names")
  before, after = map(re.escape, pattern.split("{index}", 1))
  numbered = _numbered(folder, rf"{before}(?P<index>\d+){after}")
  if not numbered:
    raise user_error.UserError(
      f"{folder} holds no file named as --pattern {pattern} says"
    )
  return Found(_in_order(folder, numbered, names, order, by_file), "numbers")


def _other_size(
  path: pathlib.Path, size: tuple[int, int], expected: tuple[int, int]
) -> str:
  """Says that a render has another size, and what would fit."""
  ratio = expected[0] / size[0]
  advice = "render it at that size"
  if abs(expected[1] / ratio - size[1]) <= 1.0:
    advice = f"multiply --downsample by {ratio:.4g}, or {advice}"
  elif size == (2 * expected[0], expected[1]):
    advice = "where a photograph is to its left, give --right-half"
  return (
    f"{path}: the render is {size[0]}x{size[1]}; expected "
    f"{expected[0]}x{expected[1]}, as the photograph: {advice}"
  )
