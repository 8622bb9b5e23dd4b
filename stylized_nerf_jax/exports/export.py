"""A scene taken elsewhere: splats, points, models of other programs."""

import dataclasses
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import user_error
from stylized_nerf_jax.exports import scene_mesh, scene_page
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.meshes import surface
from stylized_nerf_jax.models.dials import Dials
from stylized_nerf_jax.outputs import ply_writer
from stylized_nerf_jax.splatting import frames, projection
from stylized_nerf_jax.splatting import splats as splats_lib
from stylized_nerf_jax.tasks import (
  palette_transfer,
  splat_making,
  style_choice,
)

ALL_STYLES = "all"
# Of names of files: what shells, viewers or folders take for something else.
_PLAIN = str.maketrans({c: "_" for c in ' /\\:*?"<>|'})


@dataclasses.dataclass(frozen=True, eq=False)
class Order:
  """What is to be exported.

  Attributes:
    source: folder of a run, or a model file.
    out: file or folder to write.
    styles: as on the command line of `render`, each; none: the first style.
    intensity, palette, transfer: as of `StylizedNerf.render`.
    most_splats: at most so many.
    seed: of fitting them.
    scene_axes: whether to leave coordinates as the scene file has them.
  """

  source: pathlib.Path
  out: pathlib.Path
  styles: tuple[str, ...] = ()
  intensity: float = 1.0
  palette: float = 1.0
  transfer: str | None = None
  most_splats: int = splat_making.MOST_SPLATS
  seed: int = 0
  scene_axes: bool = False

  @property
  def in_folder(self) -> bool:
    """Whether `out` is a folder, in which every style gets a file."""
    return self.out.is_dir() or not self.out.suffix

  @property
  def dials(self) -> Dials:
    """How styles are to be shown; raises ValueError where they cannot be."""
    return Dials(
      intensity=self.intensity, palette=self.palette, transfer=self.transfer
    )


@dataclasses.dataclass(frozen=True)
class Format:
  """A way to write a scene.

  Attributes:
    endings: that its files have, the first of which is the usual one.
    write: (order, model, looks: styles by what they are called) -> files.
    styles: how many a file holds: "one", of which several become a file each in
      a folder; "several"; or "all" that there are, and none is named.
    then: what to do with a file, in a few words.
    check: says that an extra is missing, if one is.
  """

  endings: tuple[str, ...]
  write: Callable[
    [Order, model_lib.StylizedNerf, Mapping[str, model_lib.Style]],
    list[pathlib.Path],
  ]
  styles: str
  then: str
  check: Callable[[], None] = lambda: None


def export(kind: str, order: Order) -> None:
  """Writes a scene in a format.

  Args:
    kind: one of `FORMATS`.
    order: what is to be written.

  Raises:
    ValueError: an option is wrong, the ending does not fit the format, the
      format cannot hold what is asked for, or a file cannot be written.
  """
  started = time.monotonic()
  written = FORMATS[kind]
  _check(kind, written, order)
  order.dials  # noqa: B018 - says what is wrong with them.
  written.check()
  model = model_lib.StylizedNerf.load(order.source)
  looks: Mapping[str, model_lib.Style] = {}
  if written.styles != "all":
    looks = _looks(model, order, several=written.styles == "several")
    _check_several(kind, written, order, looks)
    if any(style is not None for style in looks.values()):
      model = palette_transfer.with_maps(model, order.source, order.transfer)
  files = written.write(order, model, looks)
  size = sum(file.stat().st_size for file in files)
  took = progress.in_words(time.monotonic() - started)
  for file in files:
    progress.say(f"wrote {file}")
  progress.say(f"{size / 2**20:.1f} MiB in {took}. {written.then}")


def files_of(order: Order, names: Sequence[str], ending: str) -> list:
  """Returns the file of each style: `--out`, or one in that folder."""
  if not order.in_folder:
    return [order.out]
  return [order.out / f"{file_name(name)}{ending}" for name in names]


def file_name(called: str) -> str:
  """Returns what a style or a mix is called, as the name of a file."""
  parts = (pathlib.Path(part).name for part in called.split(","))
  return "+".join(parts).translate(_PLAIN)


def make_splats(
  order: Order,
  model: model_lib.StylizedNerf,
  looks: Mapping[str, model_lib.Style],
) -> splats_lib.PaintedSplats:
  """Makes the splats that are asked for, in the frame of the scene's file."""
  return splat_making.make(
    model, looks, most=order.most_splats, seed=order.seed, **_dials(order)
  )


def axes(order: Order, model: model_lib.StylizedNerf) -> np.ndarray:
  """Returns [4, 4], from the scene file's frame to what splat viewers show."""
  if order.scene_axes:
    return np.eye(4)
  return frames.upright(model.scene.cameras, model.space)


def _dials(order: Order) -> dict[str, Any]:
  return {
    "intensity": order.intensity,
    "palette": order.palette,
    "transfer": order.transfer,
  }


def _check(kind: str, written: Format, order: Order) -> None:
  """Says what can be said before anything is read."""
  ending = order.out.suffix.lower()
  usual = written.endings[0]
  if order.in_folder:
    if written.styles != "one":
      raise user_error.UserError(
        f"--out {order.out}: --format {kind} writes one file; name one that "
        f"ends in {usual}"
      )
  elif ending not in written.endings:
    raise user_error.UserError(
      f"--out {order.out}: --format {kind} writes files that end in {usual}; "
      f"name it {order.out.with_suffix(usual).name}, or choose the format of "
      f"{ending}"
    )
  if order.most_splats < 1:
    raise user_error.UserError(
      f"--max-splats is {order.most_splats}; expected at least 1"
    )
  plain = order.intensity == order.palette == 1.0 and order.transfer is None
  if written.styles == "all" and (order.styles or not plain):
    raise user_error.UserError(
      f"--format {kind} holds all styles of the model, whatever the dials: "
      "leave out --style, --intensity, --palette and --transfer"
    )


def _looks(
  model: model_lib.StylizedNerf, order: Order, *, several: bool
) -> dict[str, model_lib.Style]:
  """Reads the styles: by what they are called, None as photographed.

  Where none is named, these are the first one, or all that several can be of.
  """
  texts = list(order.styles)
  if not texts and several:
    texts = list(model.styles)
  elif not texts:
    texts = list(model.styles[:1]) or [splats_lib.PHOTOGRAPHED]
    if model.styles:
      style_choice.say_first(model)
  if ALL_STYLES in texts:
    model.latent(model.styles[0] if model.styles else None)
    place = texts.index(ALL_STYLES)
    texts[place : place + 1] = model.styles
  found = {}
  for text in texts:
    called, style = style_choice.choose(model, text, dials=order.dials)
    called = called or splats_lib.PHOTOGRAPHED
    if called in found:
      raise user_error.UserError(f"--style {called} is given twice")
    found[called] = style
  return found


def _check_several(kind, written: Format, order: Order, looks) -> None:
  if written.styles == "one" and len(looks) > 1 and not order.in_folder:
    raise user_error.UserError(
      f"{len(looks)} styles with --out {order.out}: a file of --format {kind} "
      "holds one; name a folder, which gets a file of each"
    )


def _write_splats(order: Order, model, looks) -> list[pathlib.Path]:
  return write_splats(order, model, make_splats(order, model, looks))


def write_splats(
  order: Order,
  model: model_lib.StylizedNerf,
  painted: splats_lib.PaintedSplats,
) -> list[pathlib.Path]:
  """Writes a file of splats for each look; returns them in their order."""
  splats = frames.moved(painted.splats, axes(order, model))
  files = files_of(order, list(painted.colors), ".ply")
  for file, name in zip(files, painted.colors):
    ply_writer.write_splats(file, splats, painted.colors[name])
  progress.say(f"{len(splats.means):,} splats of degree 0")
  return files


def _write_points(order: Order, model, looks) -> list[pathlib.Path]:
  """Writes where splats would begin, in the colours that are seen there."""
  seen = splat_making.see(model)
  found = splat_making.seeds(
    model, seen, order.most_splats, pixels_each=splat_making.POINT_PIXELS
  )
  splats = frames.moved(found.seeds.splats, frames.to_file(model.space))
  splats = frames.moved(splats, axes(order, model))
  turned = projection.rotation_matrices(splats.rotations)
  normals = np.stack([np.asarray(row[2]) for row in turned], axis=-1)
  files = files_of(order, list(looks), ".ply")
  for file, style in zip(files, looks.values()):
    pictures = splat_making.paint(model, seen, [style], **_dials(order))
    colors = found.colors(pictures)
    ply_writer.write_points(file, splats.means, normals, colors)
  progress.say(f"{len(splats.means):,} points")
  return files


def _write_page(order: Order, model, looks) -> list[pathlib.Path]:
  looks = {splats_lib.PHOTOGRAPHED: None, **looks}
  painted = make_splats(order, model, looks)
  scene_page.write(model, painted, order.out, looks, source=order.source)
  return [order.out]


def _write_meshes(order: Order, model, looks) -> list[pathlib.Path]:
  files = files_of(order, list(looks), ".glb")
  styles = dict(zip(files, looks.values()))
  scene_mesh.write(model, styles, **_dials(order))
  return files


def _write_model(order: Order, model, looks) -> list[pathlib.Path]:
  model.save(order.out)
  return [order.out]


FORMATS = {
  "ply": Format(
    (".ply",),
    _write_splats,
    "one",
    "Open it in SuperSplat (superspl.at/editor), Blender, Unity or Unreal",
  ),
  "points": Format(
    (".ply",),
    _write_points,
    "one",
    "Open it in MeshLab, CloudCompare or Blender",
  ),
  "html": Format(
    (".html", ".htm"),
    _write_page,
    "several",
    "Any browser opens it, without a network: send it to a friend",
  ),
  "glb": Format(
    (".glb",),
    _write_meshes,
    "one",
    "Open it in Blender, an engine or any viewer of glTF",
    check=surface.check_available,
  ),
  "npz": Format(
    (".npz",),
    _write_model,
    "all",
    "Read it with StylizedNerf.load, or render it like a run",
  ),
}
