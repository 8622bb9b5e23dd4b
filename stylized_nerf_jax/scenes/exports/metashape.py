"""Cameras that Agisoft Metashape exports as XML, beside photographs.

A camera has a sensor and a transform: camera-to-world [4, 4], camera axes x
right, y down, z forward, in coordinates of its component. Cameras of the
component that has the most stay as they are; where several components are
placed (rotation, translation and scale to one frame), the others are carried
into its coordinates. Conventions as in nerfstudio 1.1.5's `metashape_utils.py`,
which exchanges rows to turn z up, which is not done here, and reads p1 and p2
in the wrong order; lenses are in `metashape_lens`.
"""

import pathlib
import xml.etree.ElementTree as ElementTree

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import file_names, leftovers, text_files
from stylized_nerf_jax.scenes.exports import export, metashape_lens
from stylized_nerf_jax.scenes.pictures import image_reader

_PICTURES = "images"
_READ = ("sensors", "components", "cameras")
_FALSE = ("0", "false")
# Some ten thousand cameras.
_MOST_BYTES = 1 << 24
_HEAD = 4096
_NOWHERE = (1.0, np.eye(3), np.zeros(3))


def find(root: pathlib.Path) -> pathlib.Path | None:
  """Returns the one XML file of a folder that may be an export, or the file."""
  if root.is_file():
    return root if root.suffix.lower() == ".xml" else None
  files = [path for path in root.iterdir() if path.suffix.lower() == ".xml"]
  files = [path for path in files if _is_document(path)]
  return files[0] if len(files) == 1 else None


def _is_document(path: pathlib.Path) -> bool:
  try:
    with path.open("rb") as file:
      return b"<document" in file.read(_HEAD)
  except OSError:
    return False


def read(root: pathlib.Path) -> export.Export:
  """Reads the cameras that have a place and a photograph.

  Photographs lie in `images` or beside the file, and are called as the cameras
  are, whose labels may lack the ending.

  Args:
    root: folder of the file, or the file.

  Raises:
    ValueError: a file is missing or wrong; the message names it.
  """
  source = find(root)
  if source is None:
    raise user_error.UserError(
      f"{root}: no cameras of Metashape; expected one .xml file, as File > "
      "Export > Export Cameras writes it"
    )
  folder = source.parent
  chunk, messages = _chunk(source)
  sensors = {
    sensor.get("id"): sensor for sensor in chunk.findall("sensors/sensor")
  }
  pictures = folder / _PICTURES if (folder / _PICTURES).is_dir() else folder
  listed = image_reader.list_images(pictures)
  if root.is_dir():
    read = {source.name, _PICTURES, *(file.name for file in listed)}
    messages += leftovers.unread_entries(root, read)
  found, notes = _cameras(chunk, source, listed)
  found, places, note = _components(chunk, found, source)
  messages += [*notes, *note]
  lenses, cameras, files = {}, [], []
  for camera, file in found:
    where = f"{source}, camera {_shown(camera.get('label'))}"
    key = camera.get("sensor_id")
    if key not in lenses:
      lenses[key] = _lens(sensors.get(key), key, source)
      messages += lenses[key][-1]
    size, intrinsics, model, terms, _ = lenses[key]
    text = camera.findtext("transform")
    values = text_files.numbers(
      text.split(), 16, where=where, what="a 4x4 transform"
    )
    scale, turn, shift = places.get(camera.get("component_id"), _NOWHERE)
    pose = np.array(values).reshape(4, 4)
    with np.errstate(over="ignore", invalid="ignore"):
      pose[:3, 3] = scale * turn @ pose[:3, 3] + shift
      pose[:3, :3] = turn @ pose[:3, :3] * [1, -1, -1]
    cameras.append(
      export.camera(
        camera_lib.check_pose(pose, where=where),
        intrinsics,
        size,
        image_reader.read_header(file)[0],
        name=file.relative_to(folder).as_posix(),
        where=where,
        distortion=terms,
        model=model,
      )
    )
    files.append(file)
  messages += leftovers.unread_keys(
    (child.tag for child in chunk), _READ, source
  )
  return export.Export(cameras, files, messages)


def _chunk(source: pathlib.Path) -> tuple[ElementTree.Element, list[str]]:
  """Parses the file: its first chunk, and a message where there are more.

  Entities, by which small files become large ones, are declared in a DOCTYPE:
  Metashape writes none, and none is read.
  """
  text = text_files.read_text(source, _MOST_BYTES, "cameras of Metashape")
  if "<!DOCTYPE" in text:
    raise user_error.UserError(
      f"{source}: the file has a DOCTYPE, which Metashape does not write; "
      "expected its cameras: export them again"
    )
  try:
    root = ElementTree.fromstring(text)
  except (ElementTree.ParseError, ValueError) as error:
    raise user_error.UserError(
      f"{source}: not valid XML ({error}); export the cameras again"
    ) from error
  chunks = root.findall("chunk")
  if not chunks:
    raise user_error.UserError(
      f"{source}: no chunk; expected a document with a chunk of cameras: "
      "export them again"
    )
  labels = [_shown(chunk.get("label")) for chunk in chunks[1:]]
  return chunks[0], leftovers.left_out(labels, "chunk", "is not the first")


def _shown(text: str | None) -> str:
  """Returns what a file calls something, as one line may show it."""
  return " ".join(str(text).split())[:80]


def _cameras(
  chunk: ElementTree.Element,
  source: pathlib.Path,
  files: list[pathlib.Path],
) -> tuple[list[tuple[ElementTree.Element, pathlib.Path]], list[str]]:
  """Pairs cameras with photographs, in natural order of their names."""
  off, lost, bare, found = [], [], [], {}
  by_name = {file.name: [file] for file in files}
  by_stem = {}
  for file in files:
    by_stem.setdefault(file.stem, []).append(file)
  for camera in chunk.iter("camera"):
    label = _shown(camera.get("label"))
    file = _picture(camera, by_name, by_stem, source)
    if str(camera.get("enabled", "true")).lower() in _FALSE:
      off.append(label)
    elif not camera.findtext("transform"):
      lost.append(label)
    elif file is None:
      bare.append(label)
    elif file in found:
      raise user_error.UserError(
        f"{source}: cameras {_shown(found[file].get('label'))} and {label} "
        f"both have the photograph {file.name}; expected one each: rename them"
      )
    else:
      found[file] = camera
  if not found:
    raise user_error.UserError(
      f"{source}: none of {len(off) + len(lost) + len(bare)} cameras has a "
      f"place and a photograph in {files[0].parent} (looked for "
      f"{leftovers.some(bare) or 'nothing'}); copy them there"
    )
  unused = [file.name for file in files if file not in found]
  pairs = [(found[file], file) for file in files if file in found]
  return pairs, [
    *leftovers.left_out(off, "camera", "is disabled"),
    *leftovers.left_out(lost, "camera", "was not aligned"),
    *leftovers.left_out(bare, "camera", "has no photograph"),
    *leftovers.left_out(unused, "photograph", "has no camera"),
  ]


def _picture(
  camera: ElementTree.Element,
  by_name: dict[str, list[pathlib.Path]],
  by_stem: dict[str, list[pathlib.Path]],
  source: pathlib.Path,
) -> pathlib.Path | None:
  """Returns the photograph that a label names, with or without its ending."""
  label = file_names.clean(str(camera.get("label")))
  name = pathlib.PurePosixPath(label).name
  stem = pathlib.PurePosixPath(name).stem
  matches = by_name.get(name) or by_stem.get(name) or by_stem.get(stem) or []
  if len(matches) > 1:
    raise user_error.UserError(
      f"{source}: camera {_shown(label)} may be {matches[0].name} or "
      f"{matches[1].name}; expected one: remove the other"
    )
  return matches[0] if matches else None


def _components(chunk: ElementTree.Element, found, source: pathlib.Path):
  """Chooses the cameras that share a frame.

  Returns:
    those of `found` that do.
    scale, rotation and shift into it, by component.
    a message about the others, if any.
  """
  counts = {}
  for camera, _ in found:
    key = camera.get("component_id")
    counts[key] = counts.get(key, 0) + 1
  largest = max(counts, key=counts.get)
  placed = {}
  for component in chunk.findall("components/component"):
    transform = component.find("transform")
    if transform is not None and component.get("id") in counts:
      where = f"{source}, component {_shown(component.get('id'))}"
      placed[component.get("id")] = _similarity(transform, where)
  places = {largest: _NOWHERE}
  if largest in placed:
    scale, turn, shift = placed[largest]
    for key, (other_scale, other_turn, other_shift) in placed.items():
      if key != largest:
        places[key] = (
          other_scale / scale,
          turn.T @ other_turn,
          turn.T @ (other_shift - shift) / scale,
        )
  chosen = [pair for pair in found if pair[0].get("component_id") in places]
  others = [
    _shown(camera.get("label"))
    for camera, _ in found
    if camera.get("component_id") not in places
  ]
  why = "is in another component, which is not placed beside the largest"
  return chosen, places, leftovers.left_out(others, "camera", why)


def _similarity(transform: ElementTree.Element, where: str):
  """Reads scale, rotation [3, 3] and translation [3]."""

  def read(name, default, count):
    text = transform.findtext(name)
    if text is None:
      return default
    values = text_files.numbers(
      text.split(), count, where=f"{where}: {name}", what=f"a {name}"
    )
    return np.array(values)

  turn = read("rotation", np.eye(3), 9).reshape(3, 3)
  (scale,) = read("scale", np.ones(1), 1)
  if not scale > 0:
    raise user_error.UserError(
      f"{where}: the scale is {scale:g}; expected a positive number"
    )
  turn = export.pose(turn, np.zeros(3), where=where)[:3, :3]
  return float(scale), turn, read("translation", np.zeros(3), 3)


def _lens(sensor: ElementTree.Element | None, key, source: pathlib.Path):
  """Reads a sensor: size, intrinsics, model, terms and messages."""
  where = f"{source}, sensor {_shown(key)}"
  calibrations = [] if sensor is None else sensor.findall("calibration")
  if not calibrations:
    raise user_error.UserError(
      f"{where}: no calibration; expected one for every sensor whose cameras "
      "are aligned: optimize the cameras and export them again"
    )
  adjusted = [c for c in calibrations if c.get("class") == "adjusted"]
  calibration = [*adjusted, *calibrations][0]
  resolution = calibration.find("resolution")
  if resolution is None:
    resolution = sensor.find("resolution")
  if resolution is None:
    raise user_error.UserError(
      f"{where}: no resolution; expected width and height in pixels"
    )
  size = tuple(
    text_files.number(resolution.get(side), where=f"{where}: {side}")
    for side in ("width", "height")
  )
  terms = {
    name: text_files.number(
      calibration.findtext(name).strip(), where=f"{where}: {name}"
    )
    for name in metashape_lens.TERMS
    if calibration.find(name) is not None
  }
  kind = str(sensor.get("type", "frame"))
  return size, *metashape_lens.convert(kind, terms, size, where)
