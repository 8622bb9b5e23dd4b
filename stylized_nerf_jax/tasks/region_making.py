"""Regions of a run: made, listed, looked at, removed."""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import region_file, user_error
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.models import region_paints
from stylized_nerf_jax.outputs import contact_sheet
from stylized_nerf_jax.phases import radiance_field
from stylized_nerf_jax.regions import (
  evidence as evidence_lib,
)
from stylized_nerf_jax.regions import fitting, growth, seeds, surfaces
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.views import rendered_views

_PREVIEWS = 6
_HALF = 0.5
# Of what is no region, in previews: how much of its light and colour is left.
_DIM, _GREY = 0.45, 0.85


def make(
  workdir: str | pathlib.Path,
  name: str,
  read: Callable[[scene_record.SceneRecord], evidence_lib.Evidence],
  *,
  replace: bool = False,
) -> region_file.Region:
  """Makes a region of a run and keeps it there.

  Args:
    workdir: of the run, of which phase 1 is finished.
    name: of the region.
    read: reads what is said of it, and checks that against the scene.
    replace: whether one of this name may be there.

  Raises:
    ValueError: as `read`; there is no such run; the name cannot be used; or
      nothing of the scene, or all of it, would be inside.
  """
  run = _open(workdir)
  path = region_file.path_of(workdir, name)
  if path.exists() and not replace:
    raise user_error.UserError(
      f"{workdir} has a region {name!r} already: choose another name, or make "
      "it anew with --replace"
    )
  evidence = read(run.scene())
  fingerprint = run.phase_fingerprint(radiance_field.PHASE)
  with run.lock():
    model = model_lib.StylizedNerf.load(workdir)
    views = _views(model, run, evidence.views)
    nodes = surfaces.find(views, model.space)
    inside = _inside(nodes, views, evidence)
    fitted = fitting.fit(nodes, inside)
    region = region_file.Region(
      name,
      fitted.params,
      fitted.options,
      fingerprint,
      _facts(model.scene, evidence, nodes, inside),
    )
    model = dataclasses.replace(model, regions={name: region})
    if evidence.masks:
      found = agreement(model, name, evidence.views, evidence.masks)
      region.facts["iou"] = [round(one, 4) for one in found]
    region_file.write(workdir, region)
  progress.say(f"wrote {path}, the region {in_words(region)}")
  return region


def remove(workdir: str | pathlib.Path, name: str) -> None:
  """Removes a region from a run.

  Raises:
    ValueError: there is none of this name.
  """
  run = _open(workdir)
  path = region_file.path_of(workdir, name)
  if not path.is_file():
    known = ", ".join(f.stem for f in sorted(path.parent.glob("*.npz")))
    raise user_error.UserError(
      f"{workdir} has no region {name!r}; known: {known or 'none'}"
    )
  with run.lock():
    path.unlink()
  progress.say(f"removed {path}")


def listing(workdir: str | pathlib.Path) -> list[str]:
  """Returns a line for every region of a run."""
  run = _open(workdir)
  fingerprint = run.phase_fingerprint(radiance_field.PHASE)
  found = region_file.read_all(workdir, fingerprint)
  return [in_words(region) for region in found.values()]


def in_words(region: region_file.Region) -> str:
  """Says in a line what a region was made of."""
  facts = region.facts
  said = f"{region.name}: {facts['inside']} of {facts['nodes']} surface points"
  if "views" in facts:
    said += f", from {facts['of']} of {', '.join(facts['views'])}"
  else:
    said += ", from a box"
  if "iou" in facts:
    said += f", IoU {', '.join(f'{one:.3f}' for one in facts['iou'])} on it"
  if region.stale:
    said += "; STALE: the field was trained anew, make it again"
  return said


def agreement(
  model: model_lib.StylizedNerf,
  name: str,
  views: Sequence[int],
  masks: Sequence[np.ndarray],
) -> list[float]:
  """Compares a region with masks of views: intersection over union of each.

  Args:
    model: that has it.
    name: of the region.
    views: numbers of views of the scene.
    masks: bool [H, W] each.
  """
  found = []
  for view, mask in zip(views, masks):
    own = model.region_mask(view, name) > _HALF
    union = np.sum(own | mask)
    found.append(float(np.sum(own & mask) / union) if union else 1.0)
  return found


def write_preview(
  workdir: str | pathlib.Path, name: str, out: str | pathlib.Path
) -> None:
  """Writes views in which all but a region is dim and grey.

  Raises:
    ValueError: there is no such region, or the picture cannot be written.
  """
  model = model_lib.StylizedNerf.load(workdir)
  region = region_paints.find(model.regions, name)
  names = model.scene.cameras.names
  given = [names.index(view) for view in region.facts.get("views", ())]
  train = model.scene.splits["train"]
  spread = np.linspace(0, len(train) - 1, min(_PREVIEWS, len(train)))
  numbers = given + [
    train[i] for i in spread.round().astype(int) if train[i] not in given
  ]
  pictures, labels = [], []
  with progress.progress(len(numbers), "rendering the region") as bar:
    for number in numbers:
      share = model.region_mask(number, name)[..., None]
      rgb = model.render(number).rgb
      grey = rgb.mean(axis=-1, keepdims=True)
      dim = _DIM * (_GREY * grey + (1.0 - _GREY) * rgb)
      pictures.append(share * rgb + (1.0 - share) * dim)
      labels.append(names[number] + (" (given)" if number in given else ""))
      bar.advance()
  contact_sheet.save_contact_sheet(
    out, pictures, labels=labels, columns=4, tile_width=320
  )
  progress.say(f"wrote {out}")


def _open(workdir: str | pathlib.Path) -> run_folder.RunFolder:
  if pathlib.Path(workdir).is_file():
    raise user_error.UserError(
      f"--workdir {workdir} is a model file; regions are made in a run's "
      "folder, and kept in the files that it is saved to"
    )
  run = run_folder.RunFolder(workdir)
  run.scene()
  return run


def _views(model, run, more: Sequence[int]) -> list[surfaces.View]:
  """Gathers what the training views, and those that masks are of, see."""
  rendered = rendered_views.load_or_render(
    model.config, run, model.params["field"]
  )
  views = [
    surfaces.View(
      rendered.cameras[i], rendered.rgb(i), np.array(rendered.depth(i))
    )
    for i in range(len(rendered))
  ]
  train = list(model.scene.splits["train"])
  # Those that are asked for stand first, in their order.
  first = []
  for number in more:
    if number in train:
      first.append(views[train.index(number)])
    else:
      seen = model.render(number)
      first.append(
        surfaces.View(model.scene.cameras[number], seen.rgb, seen.depth)
      )
  rest = [view for i, view in enumerate(views) if train[i] not in more]
  return first + rest


def _inside(
  nodes: surfaces.Nodes,
  views: Sequence[surfaces.View],
  evidence: evidence_lib.Evidence,
) -> np.ndarray:
  """Tells which nodes belong to the region: bool [M]."""
  if evidence.box is not None:
    found = seeds.of_box(nodes, *evidence.box).inside > _HALF
    if not found.any():
      low, high = nodes.file_points.min(axis=0), nodes.file_points.max(axis=0)
      raise user_error.UserError(
        f"--box {_corners(*evidence.box)} holds no surface; what the training "
        f"views see lies in {_corners(low, high)}, the scene file's coordinates"
      )
    return found
  joined = growth.edges(nodes)
  if evidence.masks:
    known = seeds.of_masks(nodes, views, list(zip(views, evidence.masks)))
    if not np.any(known.inside * known.known > _HALF):
      raise user_error.UserError(
        "the mask marks no surface of the scene; it may be of another view"
      )
    return growth.spread(joined, known) > _HALF
  clicks = [
    _surface_points(views[0], pixels)
    for pixels in (evidence.inside, evidence.outside)
  ]
  return growth.around(joined, seeds.of_points(nodes, *clicks)) > _HALF


def _surface_points(view: surfaces.View, pixels) -> np.ndarray:
  """Finds what pixels (x, y) show: [N, 3], file frame."""
  camera = rays_lib.camera_arrays(view.camera, None)
  found = []
  for x, y in pixels:
    depth = view.depth[int(y), int(x)]
    if depth == 0:
      raise user_error.UserError(
        f"pixel {x:g},{y:g} of {view.camera.name} shows no surface; give one "
        "that does"
      )
    center = np.array([int(x) + 0.5, int(y) + 0.5], np.float32)
    found.append(np.asarray(rays_lib.unproject_depth(camera, center, depth)))
  return np.array(found).reshape(-1, 3)


def _facts(record, evidence: evidence_lib.Evidence, nodes, inside) -> dict:
  facts = {"nodes": len(inside), "inside": int(inside.sum())}
  if evidence.box is not None:
    facts["box"] = [list(corner) for corner in evidence.box]
    return facts
  facts["views"] = [record.cameras.names[view] for view in evidence.views]
  facts["of"] = "masks" if evidence.masks else "clicks"
  if evidence.masks:
    facts["mask_shares"] = [round(float(m.mean()), 4) for m in evidence.masks]
  else:
    facts["points"] = [list(point) for point in evidence.inside]
    facts["not_points"] = [list(point) for point in evidence.outside]
  return facts


def _corners(lower, upper) -> str:
  return ",".join(f"{value:.4g}" for value in (*lower, *upper))
