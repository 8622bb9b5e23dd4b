"""Reader of COLMAP's sparse models beside folders of photographs.

Models lie in `sparse`, `sparse/*`, `colmap/sparse` or `colmap/sparse/*`, binary
or text: that of the most images is read. The photographs are in `images` or,
reduced, in `images_N`, as mip-NeRF 360 has them, and their masks, as COLMAP
takes them, in `masks`: `a.jpg.png` for `a.jpg`, black where nothing is to be
used. COLMAP's world is the file frame. Bounds come from the triangulated
points. COLMAP ignores EXIF orientation, and so do its poses. `test.txt` beside
the model names pictures that are held out, as 3D Gaussian splatting reads it
(`dataset_readers.py` of graphdeco-inria's gaussian-splatting).
"""

import pathlib
from collections.abc import Sequence

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import (
  file_names,
  leftovers,
  pose_geometry,
  text_files,
)
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import (
  beside_pictures,
  image_reader,
  mask_files,
  upright_files,
)
from stylized_nerf_jax.scenes.readers import (
  camera_bounds,
  colmap_binary,
  colmap_model,
  colmap_text,
  image_folder,
  transforms_json,
)

_FOLDERS = ("sparse", "colmap/sparse")
_MASKS, _HELD_OUT = "masks", "test.txt"
_READERS = {"bin": colmap_binary, "txt": colmap_text}
# Surfaces without texture have no points, and may lie nearer or farther.
_NEAR_SLACK, _FAR_SLACK = 0.5, 10.0


def find_model(root: pathlib.Path) -> tuple[pathlib.Path, str] | None:
  """Returns the folder of a model and its ending, "bin" or "txt", or None."""
  models = _find_models(root)
  return models[0][:2] if models else None


def read_names(root: pathlib.Path) -> list[str]:
  """Returns the names of the images that a model has placed, if there is one.

  Raises:
    ValueError: the model is damaged; the message names its file.
  """
  found = find_model(root)
  if found is None:
    return []
  folder, ending = found
  source = folder / f"images.{ending}"
  pictures = _READERS[ending].read_pictures(source).values()
  return [picture.name for picture in pictures]


def _find_models(root: pathlib.Path) -> list[tuple[pathlib.Path, str, int]]:
  """Returns folder, ending and count of images of models, most images first."""
  models = []
  for name in _FOLDERS:
    inner = []
    if (root / name).is_dir():
      inner = [path for path in (root / name).iterdir() if path.is_dir()]
      inner.sort(key=lambda path: image_reader.natural_key(path.name))
    for folder in (*inner, root / name):
      for ending, reader in _READERS.items():
        files = [folder / f"{part}.{ending}" for part in ("cameras", "images")]
        if all(file_names.is_file(file) for file in files):
          models.append((folder, ending, reader.count_pictures(files[1])))
          break
  return sorted(models, key=lambda model: -model[2])


def load_colmap(
  path: str | pathlib.Path,
  *,
  downsample: float = 1,
  background: str = "white",
  holdout: int = 8,
) -> scene_lib.Scene:
  """Reads a COLMAP scene.

  Registered images without a file are left out and reported in the messages.

  Args:
    path: folder with a sparse model and `images` or `images_N`.
    downsample: N takes `images_N` where it exists, and otherwise shrinks the
      nearest larger folder when its pictures are decoded.
    background: "white" or "black", under pictures with alpha.
    holdout: every holdout-th image is "test" where no `test.txt` is; 0 holds
      none out.

  Raises:
    ValueError: a file is missing or wrong; the message names it.
  """
  root = pathlib.Path(path)
  image_reader.check_downsample(downsample)
  models = _find_models(root)
  if not models:
    raise user_error.UserError(
      f"{root}: no COLMAP model; expected cameras.bin and images.bin (or .txt) "
      f"in {', '.join(_FOLDERS)}, or a folder of one of these"
    )
  folder, ending, _ = models[0]
  reader = _READERS[ending]
  lenses = reader.read_lenses(folder / f"cameras.{ending}")
  source = folder / f"images.{ending}"
  pictures = reader.read_pictures(source)
  pictures_folder, factor = image_folder.find(root, downsample)
  numbers, files, missing = _match(pictures, pictures_folder, source)
  headers = [image_reader.read_header(file) for file in files]
  turned = {file for file in files if upright_files.orientation(file) != 1}
  others = beside_pictures.unnamed(pictures_folder, files)
  masks, spare_masks = beside_pictures.find_masks(
    root / _MASKS,
    [file_names.clean(pictures[number].name) for number in numbers],
    others,
  )
  image_reader.check_files([*files, *filter(None, masks)])
  cameras, sizes = [], []
  for number, file, mask, (size, _) in zip(
    numbers, files, masks, headers, strict=True
  ):
    where = f"{source}, image {number}"
    camera = _camera(pictures[number], lenses, size, where, file in turned)
    if mask:
      mask_files.check(mask, size, where=str(mask.parent))
    sizes.append(image_reader.downsampled_size(size, downsample / factor))
    cameras.append(camera.resized(*sizes[-1]))
  cameras = camera_lib.Cameras.from_list(cameras)
  used = {pictures[number].lens for number in numbers}
  splits, unknown = _splits(folder / _HELD_OUT, cameras.names, holdout)
  messages = [
    *_other_models(root, models),
    *colmap_model.fitted(lenses[number] for number in sorted(used)),
    *_missing(source, missing, len(pictures), pictures_folder),
    *leftovers.left_out(others, "picture", "has no camera"),
    *leftovers.left_out(
      unknown, "held-out name", f"stands in {_HELD_OUT} and is of no picture"
    ),
    *leftovers.left_out(
      spare_masks, "mask", "belongs to no picture that is read"
    ),
    *_turned([file for file in files if file in turned]),
    *image_folder.others(root, pictures_folder),
    *leftovers.unread_entries(root, _read_entries(root)),
  ]
  if any(masks) and not all(masks):
    messages.append(
      f"{masks.count(None)} of {len(masks)} pictures have no mask and are used "
      "everywhere"
    )
  points_file = folder / f"points3D.{ending}"
  points = None
  if file_names.is_file(points_file):
    points = reader.read_points(points_file)
  layout, near, far = _layout_and_bounds(points, numbers, cameras)
  if layout is None:
    layout = "unbounded"
    messages.append(
      f"{folder}: no points that the images see; bounds are guessed from where "
      "the cameras stand"
    )
  return scene_lib.Scene(
    name=root.resolve().name,
    format="colmap",
    path=str(root),
    cameras=cameras,
    images=image_reader.ImageFiles(files, sizes, background=background),
    masks=mask_files.MaskFiles(masks, sizes) if any(masks) else None,
    alphas=(
      image_reader.AlphaFiles(files, sizes)
      if any(header[1] for header in headers)
      else None
    ),
    depths=None,
    layout=layout,
    near=near,
    far=far,
    bounding_box=None,
    splits=splits,
    messages=tuple(messages),
  )


def _splits(
  source: pathlib.Path, names: Sequence[str], holdout: int
) -> tuple[dict[str, tuple[int, ...]], list[str]]:
  """Returns the splits, and what the list of them names in vain."""
  if not file_names.is_file(source):
    return scene_lib.holdout_splits(len(names), holdout), []
  listed = text_files.read_names(source)
  held = set(listed)
  train = tuple(i for i, name in enumerate(names) if name not in held)
  if not train:
    raise user_error.UserError(
      f"{source}: it holds all {len(names)} pictures out; expected some to "
      "train on: correct or remove the list"
    )
  test = tuple(i for i, name in enumerate(names) if name in held)
  unknown = [name for name in listed if name not in set(names)]
  return {"train": train, "test": test}, unknown


def _match(
  pictures: dict[int, colmap_model.Picture],
  folder: pathlib.Path,
  source: pathlib.Path,
) -> tuple[list[int], list[pathlib.Path], list[str]]:
  """Finds the files of registered images.

  Returns:
    numbers: of the images that have a file, in natural order of names.
    files: theirs.
    missing: names of the others.
  """
  found, missing, seen = [], [], {}
  for number, picture in pictures.items():
    where = f"{source}, image {number}: name"
    name = file_names.clean(picture.name)
    file = transforms_json.find_image(folder, name, where=where)
    if file is None:
      # Reduced copies may be of another format.
      stem = str(pathlib.PurePosixPath(name).with_suffix(""))
      file = transforms_json.find_image(folder, stem, where=where)
    if file is None:
      missing.append(name)
      continue
    if file in seen:
      raise user_error.UserError(
        f"{where} is {name!r}, as that of image {seen[file]}; expected every "
        "image once: export the model again"
      )
    seen[file] = number
    found.append((image_reader.natural_key(name), number, file))
  if not found:
    raise user_error.UserError(
      f"{source}: none of its {len(pictures)} images is in {folder} (looked "
      f"for {', '.join(missing[:3]) or 'nothing'}); copy them there"
    )
  found.sort(key=lambda item: item[0])
  return [item[1] for item in found], [item[2] for item in found], missing


def _turned(turned: list[pathlib.Path]) -> list[str]:
  """Says which pictures EXIF would turn."""
  if not turned:
    return []
  names = leftovers.some(file.name for file in turned)
  return [
    f"the EXIF orientation of {names} is not used, as COLMAP does not: these "
    "pictures are as they are stored"
  ]


def _missing(
  source: pathlib.Path, missing: list[str], total: int, folder: pathlib.Path
) -> list[str]:
  """Says which registered images have no file."""
  if not missing:
    return []
  return [
    f"{source.name}: {len(missing)} of {total} registered images are not in "
    f"{folder.name} and are left out ({leftovers.some(missing)})"
  ]


def _other_models(
  root: pathlib.Path, models: list[tuple[pathlib.Path, str, int]]
) -> list[str]:
  """Says which models are not read, and what lies beside the one that is."""
  (folder, ending, count), *others = models
  messages = []
  if others:
    names = leftovers.some(
      f"{path.relative_to(root).as_posix()} ({n})" for path, _, n in others
    )
    messages.append(
      f"{folder.relative_to(root).as_posix()} with {count} images is read; "
      f"other models, which share no frame with it, are not: {names}"
    )
  if ending == "bin" and file_names.is_file(folder / "images.txt"):
    messages.append(f"{folder.name}: binary files are read, text files are not")
  return messages


def _read_entries(root: pathlib.Path) -> set[str]:
  """Names what is read in the folder of a scene, or said otherwise."""
  folders = image_folder.sizes(root).values()
  return {"sparse", "colmap", _MASKS, *(folder.name for folder in folders)}


def _camera(
  picture: colmap_model.Picture,
  lenses: dict[int, colmap_model.Lens],
  size: tuple[int, int],
  where: str,
  turned: bool,
) -> camera_lib.Camera:
  """Builds a camera at the size of its image file, which EXIF may turn."""
  where = f"{where} ({picture.name})"
  if picture.lens not in lenses:
    raise user_error.UserError(
      f"{where}: camera {picture.lens} is not among the cameras; expected one "
      f"of {', '.join(map(str, list(lenses)[:8])) or 'at least one'}"
    )
  lens = lenses[picture.lens]
  if not image_reader.same_aspect(
    size, (lens.width, lens.height), reduced=True
  ):
    exif = " as stored, though EXIF turns it" if turned else ""
    raise user_error.UserError(
      f"{where}: camera {picture.lens} is for {lens.width}x{lens.height} but "
      f"the image is {size[0]}x{size[1]}{exif}; expected one aspect ratio: "
      "restore the image that COLMAP was given"
    )
  pose = camera_lib.check_pose(picture.camera_to_world(where), where=where)
  fl_x, fl_y, cx, cy = lens.intrinsics
  fit = lens.counterpart
  return camera_lib.Camera(
    pose,
    fl_x * fit.scale,
    fl_y * fit.scale,
    cx,
    cy,
    lens.width,
    lens.height,
    distortion=fit.terms,
    model=fit.model,
    name=file_names.clean(picture.name),
  ).resized(*size)


def _layout_and_bounds(
  points: colmap_model.Points | None,
  numbers: list[int],
  cameras: camera_lib.Cameras,
) -> tuple[str | None, float, float]:
  """Returns layout, near and far; no layout where there are no points.

  NDC has to know what is nearest, and holds no fisheye.
  """
  forward_facing = (
    "fisheye" not in cameras.models
    and pose_geometry.is_forward_facing(cameras)[0]
  )
  bounds = None
  if points is not None:
    bounds = camera_bounds.of_points(
      points, numbers, cameras, along_axis=forward_facing
    )
  if bounds is None:
    return None, *camera_bounds.near_and_far(cameras)
  if forward_facing:
    return "forward_facing", *bounds
  return "unbounded", _NEAR_SLACK * bounds[0], _FAR_SLACK * bounds[1]
