"""Reader of `transforms.json` as instant-ngp, nerfstudio and others write it.

Intrinsics stand in the file or in a frame (which wins), for images of w x h
pixels; they are scaled to the images' own size (`intrinsic_fields`). Poses are
kept in the file's coordinates: what `applied_transform` led to. Bounds and
layout are the file's "near", "far" and "layout", which this project writes;
without them, the scene is unbounded and `camera_bounds` guesses.
"""

import collections
import pathlib
from collections.abc import Sequence

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import (
  file_names,
  intrinsic_fields,
  leftovers,
  pose_geometry,
)
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import (
  image_reader,
  mask_files,
  posed_pictures,
  upright_files,
)
from stylized_nerf_jax.scenes.readers import (
  camera_bounds,
  image_folder,
  transforms_json,
)

# ScanNet++ undistorts into files of its own.
FILES = ("transforms.json", "transforms_undistorted.json")
# DL3DV's benchmark and ScanNet++ have the file in a folder of the scene.
FOLDERS = ("", "nerfstudio", "dslr/nerfstudio")
# Folders beside that of the file (ScanNet++): of pictures as the camera took
# them, of undistorted ones, and of masks.
_BESIDE_FISHEYE = ("resized_images",)
_BESIDE_PINHOLE = ("resized_undistorted_images", "resized_images")
_BESIDE_MASKS = ("resized_anon_masks", "resized_undistorted_masks")
_DYNAMIC_MASK = "dynamic_mask_"
# What `capture` writes beside its transforms.json.
_OF_CAPTURE = {"capture.json", "capture.png", "colmap", "lock"}
Frame = posed_pictures.PosedPicture


def find_file(root: pathlib.Path) -> pathlib.Path | None:
  """Returns the file that has the poses of a folder, or None."""
  for folder in FOLDERS:
    for name in FILES:
      if file_names.is_file(root / folder / name):
        return root / folder / name
  return None


def load_transforms(
  path: str | pathlib.Path,
  *,
  downsample: float = 1,
  background: str = "white",
  holdout: int = 8,
) -> scene_lib.Scene:
  """Reads an instant-ngp or nerfstudio scene.

  Frames without an image are left out and reported in the messages.

  Args:
    path: folder with transforms.json, in itself, in `nerfstudio` or in
      `dslr/nerfstudio`; or the file, under any name.
    downsample: width and height are divided by this when decoded; of images
      named images/... a smaller copy in `images_N` is taken where there is one.
    background: "white" or "black", under images with alpha.
    holdout: every holdout-th image is "test" unless the file lists
      train_filenames, val_filenames or test_filenames, or "test_frames"; 0
      holds none out.

  Raises:
    ValueError: a file is missing or wrong; the message names it.
  """
  root = pathlib.Path(path)
  image_reader.check_downsample(downsample)
  source = find_file(root) or root / FILES[0]
  if root.is_file():
    root, source = root.parent, root
  content = transforms_json.read_json(source)
  frames, left_out, messages = read_frames(
    content, source, downsample=downsample
  )
  of_poses = [source, *(source.with_name(name) for name in FILES)]
  messages += unused_files(of_poses, [content], frames)
  others = [n for n in FILES if n != source.name]
  messages += leftovers.left_out(
    [n for n in others if file_names.is_file(source.with_name(n))],
    "file of poses",
    f"lies beside {source.name}; name it to read it instead",
  )
  cameras, pictures = posed_pictures.scene_parts(frames, background)
  layout, near, far = transforms_json.read_bounds(content, source) or (
    "unbounded",
    *camera_bounds.near_and_far(cameras),
  )
  return scene_lib.Scene(
    name=root.resolve().name,
    format="transforms",
    path=str(root),
    cameras=cameras,
    **pictures,
    depths=None,
    layout=layout,
    near=near,
    far=far,
    bounding_box=None,
    splits=transforms_json.listed_splits(
      content,
      {frame.listed_as: i for i, frame in enumerate(frames)},
      left_out,
      [i for i, frame in enumerate(frames) if frame.is_test],
      source,
    )
    or scene_lib.holdout_splits(len(frames), holdout),
    messages=tuple(messages),
  )


def read_frames(
  content: dict,
  source: pathlib.Path,
  *,
  downsample: float,
  needed: bool = True,
) -> tuple[list[Frame], list[str], list[str]]:
  """Reads the frames of a file.

  Args:
    content: as `transforms_json.read_json` returns it.
    source: the file.
    downsample: width and height are divided by this when decoded.
    needed: whether there has to be an image.

  Returns:
    the frames that have an image, in natural order of names.
    names of those that are left out.
    messages for the user.

  Raises:
    ValueError: a field or a file is wrong; the message names it.
  """
  reader = _FrameReader(content, source, downsample)
  tests = content.get("test_frames") or []
  test_names = {file_names.clean(entry["file_path"]) for entry in tests}
  frames, missing, bad, seen = [], [], [], {}
  for i, entry in enumerate([*content["frames"], *tests]):
    of_test = i - len(content["frames"])
    label = f"frame {i}" if of_test < 0 else f"test frame {of_test}"
    listed_as = file_names.clean(entry["file_path"])
    where = f"{source}, {label} ({listed_as})"
    if entry.get("is_bad") is True:
      bad.append(listed_as)
      continue
    is_test = listed_as in test_names
    if of_test >= 0 and seen.get(listed_as, "").startswith("frame"):
      continue  # It is listed in both.
    frame = reader.read(entry, listed_as, is_test, where)
    if frame is None:
      missing.append(listed_as)
      continue
    if frame.camera.name in seen:
      raise user_error.UserError(
        f"{where}: the image is listed before, by {seen[frame.camera.name]}; "
        "expected every image once: remove one of the two"
      )
    seen[frame.camera.name] = seen[listed_as] = label
    frames.append(frame)
  total = len(frames) + len(missing)
  messages = leftovers.left_out(bad, "frame", '"is_bad"')
  if missing:
    messages.append(
      transforms_json.report_missing(source, missing, total, needed=needed)
    )
  elif not frames and needed:
    raise user_error.UserError(
      f'{source}: all of its frames are "is_bad"; expected some that are not'
    )
  if not any(frame.has_intrinsics for frame in frames):
    scene_lib.check_one_size(
      [frame.file for frame in frames],
      [(f.factor * f.camera.width, f.factor * f.camera.height) for f in frames],
      slack=max([1, *(frame.factor for frame in frames)]),
    )
  masks = [m for frame in frames for m in (frame.use, frame.avoid) if m]
  image_reader.check_files([*(frame.file for frame in frames), *masks])
  frames.sort(key=lambda frame: image_reader.natural_key(frame.camera.name))
  messages += reader.messages()
  return (
    frames,
    missing + bad,
    messages + transforms_json.unread_keys(content, source),
  )


class _FrameReader:
  """Reads one frame after the other; what it notes is said once."""

  def __init__(self, content: dict, source: pathlib.Path, downsample: float):
    self.content, self.source = content, source
    self.downsample = downsample
    self.numbers = transforms_json.camera_numbers(content, where=str(source))
    self.radius = _crop_radius(content, source)
    beside = _BESIDE_PINHOLE
    if self._model({}) == transforms_json.MODEL_NAMES["fisheye"]:
      beside = _BESIDE_FISHEYE
    root = source.parent
    self.pictures = image_folder.Finder(
      root, downsample=downsample, beside=beside
    )
    self.masks = image_folder.Finder(root, folder="masks", beside=_BESIDE_MASKS)
    self.notes = collections.Counter()
    self.examples = {}

  def messages(self) -> list[str]:
    """Returns what was noted, with the number of frames where it is so."""
    return [
      f"{self.source.name}, {count} frame{'s' if count > 1 else ''}: "
      f"{self.examples[key]}"
      for key, count in self.notes.items()
    ]

  def read(
    self, entry: dict, listed_as: str, is_test: bool, where: str
  ) -> Frame | None:
    """Reads a frame, or returns None where there is no image."""
    found = self.pictures.find(listed_as, where=f"{where}: file_path")
    if found is None:
      return None
    pose = self._pose(entry["transform_matrix"], where)
    own = transforms_json.camera_numbers(entry, where=where)
    size, has_alpha = image_reader.read_header(found.file)
    stated = intrinsic_fields.stated_size(self.numbers, own, where)
    size, orientation = self._turned(found.file, size, stated)
    # Without w and h the fields are of the whole picture.
    whole = tuple(
      s or side * found.factor for s, side in zip(stated, size, strict=True)
    )
    if not image_reader.same_aspect(size, whole, reduced=True):
      raise user_error.UserError(
        f"{where}: the file says {whole[0]:g}x{whole[1]:g} but the image is "
        f"{size[0]}x{size[1]}; expected one aspect ratio: rotate or restore "
        "the image"
      )
    model = self._model(entry)
    camera, notes = intrinsic_fields.read_camera(
      *(self.numbers, own, model, pose, whole),
      pixels=size,
      name=found.name,
      where=where,
    )
    for note in notes:
      self._note(note.partition("(")[0], note)
    radius = None
    if self.radius is not None and camera.model == "fisheye":
      radius = self.radius / whole[0]
    return Frame(
      camera=camera,
      file=found.file,
      factor=found.factor,
      size=image_reader.downsampled_size(
        size, max(1.0, self.downsample / found.factor)
      ),
      orientation=orientation,
      has_alpha=has_alpha,
      use=self._mask(entry, size, where),
      avoid=self._dynamic_mask(found, size, where),
      radius=radius,
      listed_as=listed_as,
      is_test=is_test,
      has_intrinsics=bool(own),
    )

  def _note(self, key: str, text: str) -> None:
    self.notes[key] += 1
    self.examples.setdefault(key, text)

  def _pose(self, matrix, where: str) -> np.ndarray:
    matrix, scaled = pose_geometry.without_scale(matrix)
    if scaled:
      self._note(
        "scale",
        "the camera's axes are not of length 1; their scale is left out",
      )
    return camera_lib.check_pose(matrix, where=where)

  def _model(self, entry: dict):
    """Returns what a frame or the file calls its camera model, or None."""
    values = {**self.content, **entry}
    if values.get("is_fisheye"):
      return transforms_json.MODEL_NAMES["fisheye"]
    return values.get("camera_model")

  def _turned(
    self, file: pathlib.Path, size: tuple[int, int], stated
  ) -> tuple[tuple[int, int], int]:
    """Returns the size of an image, and by which orientation it is turned."""
    size, orientation, note = upright_files.choose(file, size, stated)
    if note:
      self._note(note, note)
    return size, orientation

  def _mask(
    self, entry: dict, size: tuple[int, int], where: str
  ) -> pathlib.Path | None:
    """Returns the file of a frame's mask, where it names one."""
    if not entry.get("mask_path") or self.content.get("has_mask") is False:
      return None
    name, where = file_names.clean(str(entry["mask_path"])), f"{where}: "
    found = self.masks.find(name, where=f"{where}mask_path")
    if found is None:
      raise user_error.UserError(
        f'{where}"mask_path" names {name}, which is missing; copy it there or '
        "remove the entry"
      )
    mask_files.check(found.file, size, where=f"{where}mask_path")
    return found.file

  def _dynamic_mask(
    self, found: image_folder.Found, size: tuple[int, int], where: str
  ) -> pathlib.Path | None:
    """Returns the mask of instant-ngp's kind beside an image, or None."""
    named = self.source.parent / found.name
    for beside in (found.file, named):
      file = beside.with_name(f"{_DYNAMIC_MASK}{beside.stem}.png")
      if file_names.is_file(file):
        mask_files.check(file, size, where=where)
        return file
    return None


def _crop_radius(content: dict, source: pathlib.Path) -> float | None:
  """Returns nerfstudio's "fisheye_crop_radius" in pixels, or None."""
  key = "fisheye_crop_radius"
  if content.get(key) is None:
    return None
  radius = transforms_json.number(content[key], where=str(source), key=key)
  if radius <= 0:
    raise user_error.UserError(
      f'{source}: "{key}" is {radius:g}; expected a positive number of pixels'
    )
  return radius


def unused_files(
  sources: Sequence[pathlib.Path],
  contents: Sequence[dict],
  frames: Sequence[Frame],
) -> list[str]:
  """Says what lies beside the pictures of frames and is of none of them.

  Args:
    sources: files of poses, of one folder, that are read or told of otherwise.
    contents: of those that are read.
    frames: that were read from them.
  """
  root = sources[0].parent
  entries = [
    entry
    for content in contents
    for entry in [*content["frames"], *(content.get("test_frames") or [])]
  ]
  listed = [
    str(entry[key])
    for entry in entries
    for key in ("file_path", "mask_path", "depth_file_path", "depth_path")
    if entry.get(key)
  ]
  masks = [m for frame in frames for m in (frame.use, frame.avoid) if m]
  files = [frame.file for frame in frames]
  read = {
    path.absolute().relative_to(root.absolute()).parts[0]
    for path in (*files, *masks)
    if path.absolute().is_relative_to(root.absolute())
  }
  read.update(source.name for source in sources)
  return [
    *image_folder.unused(root, files, masks, listed),
    *leftovers.unread_entries(root, read | _OF_CAPTURE),
  ]
