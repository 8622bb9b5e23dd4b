"""The formats of scenes: which one a folder is of, and who reads it."""

import dataclasses
import importlib
import pathlib

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import tfds_address
from stylized_nerf_jax.scenes.scene import Scene

SYNTHETIC = "synthetic"  # in place of a folder: the embedded scene

# These have a file in `scenes.exports`, and one reader here.
_EXPORTS = ("nsvf", "polycam", "record3d", "stray", "metashape")
FORMATS = (
  *("llff", "blender", "transforms", "colmap", "nerfpp", "npz"),
  *_EXPORTS,
)

# These say themselves which images are held out.
_OWN_SPLITS = ("blender", "nerfpp")
# Endings of files that are scenes by themselves.
_FILES = (".npz", ".xml")
# The file that tells the format, for those that have one.
_FORMAT_FILES = {
  "llff": "poses_bounds.npy",
  "blender": "transforms_train.json",
  "transforms": "transforms.json",
}


# Files of a format that may be named themselves, where another lies beside.
_POSE_FILES = ("transforms_undistorted.json",)


def load_scene(
  path: str | pathlib.Path,
  *,
  downsample: float = 1,
  background: str = "white",
  format: str = "auto",
  holdout: int = 8,
) -> Scene:
  """Reads a scene; its images are decoded when they are asked for.

  Args:
    path: folder of the scene (of "npz" and "metashape", the file or a folder
      that holds no other), "synthetic" for the embedded one, or the address of
      a scene in TensorFlow Datasets, "tfds:NAME?data_dir=DIR" (see
      `tfds_address`).
    downsample: width and height of the images are divided by this, at least 1.
    background: "white" or "black", under images with alpha; the embedded scene
      has a sky.
    format: "llff", "blender", "transforms" (instant-ngp, nerfstudio), "nsvf"
      (Tanks and Temples of ARF and TensoRF), "colmap" (mip-NeRF 360, too),
      "nerfpp" (Tanks and Temples of NeRF++), "npz", "polycam", "record3d",
      "stray", "metashape", or "auto", which looks at the files of the folder.
      It reads LLFF poses of an all-round capture as "colmap" where a COLMAP
      model lies beside them, as in the folders of mip-NeRF 360: an unbounded
      scene.
    holdout: every holdout-th image, from the first, is "test" where the
      format has no splits of its own; 0 holds none out.

  Raises:
    ValueError: a file is missing or wrong, or an argument is; the message
      names it and says what was expected.
  """
  if str(path) == SYNTHETIC:
    return _synthetic(downsample)
  if tfds_address.is_address(path):
    from stylized_nerf_jax.scenes.readers import tfds_scene

    if format not in ("auto", "tfds"):
      raise user_error.UserError(
        f"format is {format!r}; expected auto for {path}"
      )
    return tfds_scene.load_tfds(
      str(path), downsample=downsample, background=background
    )
  root = pathlib.Path(path).expanduser()
  if root.is_file() and root.name in _FORMAT_FILES.values():
    root = root.parent
  if not root.is_dir() and not (
    root.is_file() and (root.suffix in _FILES or root.name in _POSE_FILES)
  ):
    raise user_error.UserError(
      f"{root}: no such folder; expected the folder of a scene, or "
      '"synthetic" for the embedded one'
    )
  options = {"downsample": downsample, "background": background}
  if format == "auto":
    found = _detect(root)
    scene = _read(found, root, holdout, options)
    if found == "llff" and _is_better_as_colmap(scene, root):
      return _read("colmap", root, holdout, options)
    return scene
  if format not in FORMATS:
    raise user_error.UserError(
      f"format is {format!r}; expected auto, {', '.join(FORMATS)}"
    )
  return _read(format, root, holdout, options)


def _read(format: str, root: pathlib.Path, holdout: int, options) -> Scene:
  """Calls the reader of a format."""
  if format not in _OWN_SPLITS:
    options = {**options, "holdout": holdout}
  if format in _EXPORTS:
    from stylized_nerf_jax.scenes.readers import exports

    return _with_pictures(exports.load(root, format, **options))
  reader = importlib.import_module(f"{__package__}.{format}")
  return _with_pictures(getattr(reader, f"load_{format}")(root, **options))


def _with_pictures(scene: Scene) -> Scene:
  """Adds what lies beside the pictures, and what is done about colours."""
  from stylized_nerf_jax.scenes.pictures import beside_pictures, image_reader

  if not isinstance(scene.images, image_reader.ImageFiles):
    return scene
  paths, root = scene.images.paths, pathlib.Path(scene.path)
  said = [
    *beside_pictures.unread(paths, root if root.is_dir() else root.parent),
    *image_reader.describe_colors(paths, "images"),
  ]
  return dataclasses.replace(scene, messages=(*scene.messages, *said))


def _is_better_as_colmap(scene: Scene, root: pathlib.Path) -> bool:
  """Tells whether a COLMAP model beside LLFF poses is to be read instead."""
  from stylized_nerf_jax.scenes.readers import colmap

  all_round = scene.layout != "forward_facing"
  return all_round and colmap.find_model(root) is not None


def _synthetic(downsample: float) -> Scene:
  """Makes the embedded scene, whose pictures are computed at any size."""
  from stylized_nerf_jax.scenes.pictures import image_reader
  from stylized_nerf_jax.scenes.synthetic import embedded

  image_reader.check_downsample(downsample)
  scene = embedded.make_scene()
  if downsample == 1:
    return scene
  camera = scene.cameras[0]
  width, height = image_reader.downsampled_size(
    (camera.width, camera.height), downsample
  )
  return embedded.make_scene(width=width, height=height)


def _detect(root: pathlib.Path) -> str:
  """Names the format of a folder by the files that hold its poses."""
  from stylized_nerf_jax.scenes.readers import (
    colmap,
    exports,
    nerfpp,
    npz,
    transforms,
  )

  for name, file in _FORMAT_FILES.items():
    if (root / file).is_file():
      return name
  if root.name in _POSE_FILES or transforms.find_file(root) is not None:
    return "transforms"
  # Such a folder may hold the COLMAP model that it was made from.
  exported = exports.find_format(root)
  if exported == "nsvf":
    return exported
  if colmap.find_model(root) is not None:
    return "colmap"
  if nerfpp.is_nerfpp(root):
    return "nerfpp"
  if npz.find_file(root) is not None:
    return "npz"
  if exported is not None:
    return exported
  expected = (
    f"{', '.join(_FORMAT_FILES.values())}, intrinsics.txt with pose, a COLMAP "
    "model in sparse/0, train/pose, one .npz file, or what Polycam, Record3D, "
    "Stray Scanner or Metashape (.xml) exports"
  )
  if not any(root.iterdir()):
    raise user_error.UserError(
      f"{root}: the folder is empty; expected images and one of {expected}"
    )
  raise user_error.UserError(
    f"{root}: no camera poses; expected one of {expected}: estimate them "
    "with COLMAP"
  )
