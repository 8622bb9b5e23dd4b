"""Reader of NeRF-synthetic scenes as Blender renders them (NeRF, section 6).

`transforms_train.json`, `transforms_val.json` and `transforms_test.json` name
RGBA pictures of one object, which lies within 1.5 units of the origin and
between 2 and 6 units from every camera. Where it lies within that box, its
silhouettes tell.
"""

import pathlib

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import file_names
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import image_reader
from stylized_nerf_jax.scenes.readers import transforms_json, visual_hull

SPLITS = ("train", "val", "test")
_NEAR, _FAR = 2.0, 6.0
_BOUNDING_BOX = ((-1.5, -1.5, -1.5), (1.5, 1.5, 1.5))


def load_blender(
  path: str | pathlib.Path,
  *,
  downsample: float = 1,
  background: str = "white",
) -> scene_lib.Scene:
  """Reads a NeRF-synthetic scene.

  Args:
    path: folder with transforms_train.json; those of val and test may be
      absent. Without test pictures, those of val are the "test" split.
    downsample: width and height are divided by this when decoded.
    background: "white" or "black", under transparent pixels.

  Returns:
    A scene with its images in the order train, val, test, each in natural
    order of names.

  Raises:
    ValueError: a file is missing or wrong; the message names it.
  """
  root = pathlib.Path(path)
  image_reader.check_downsample(downsample)
  cameras, files, splits, messages = [], [], {}, []
  for split in SPLITS:
    source = root / f"transforms_{split}.json"
    if split != "train" and not source.is_file():
      continue
    found, missing = _read_split(source)
    if missing:
      messages.append(
        transforms_json.report_missing(
          source, missing, len(missing) + len(found), needed=split == "train"
        )
      )
    splits[split] = tuple(range(len(files), len(files) + len(found)))
    cameras.extend(camera for camera, _ in found)
    files.extend(file for _, file in found)
  splits = scene_lib.with_test(splits)
  sizes = [(camera.width, camera.height) for camera in cameras]
  image_reader.check_files(files)
  scene_lib.check_one_size(files, sizes)
  size = image_reader.downsampled_size(sizes[0], downsample)
  sizes = [size] * len(files)
  cameras = camera_lib.Cameras.from_list(
    [camera.resized(*size) for camera in cameras]
  )
  has_alpha = any(image_reader.read_header(file)[1] for file in files)
  alphas = image_reader.AlphaFiles(files, sizes) if has_alpha else None
  return scene_lib.Scene(
    name=root.resolve().name,
    format="blender",
    path=str(root),
    cameras=cameras,
    images=image_reader.ImageFiles(files, sizes, background=background),
    masks=None,
    alphas=alphas,
    depths=None,
    layout="bounded",
    near=_NEAR,
    far=_FAR,
    bounding_box=_bounding_box(cameras, alphas, len(splits["train"])),
    splits=splits,
    messages=tuple(messages),
  )


def _bounding_box(cameras, alphas, num_train: int) -> visual_hull.Box:
  if alphas is None:
    return _BOUNDING_BOX
  # Those to train come first.
  return visual_hull.bounding_box(cameras[:num_train], alphas, _BOUNDING_BOX)


def _read_split(
  source: pathlib.Path,
) -> tuple[list[tuple[camera_lib.Camera, pathlib.Path]], list[str]]:
  """Reads one file: (camera, image) of its frames, and names without image."""
  content = transforms_json.read_json(source)
  root = source.parent
  found, missing, seen = [], [], {}
  for i, frame in enumerate(content["frames"]):
    name = file_names.clean(frame["file_path"])
    where = f"{source}, frame {i} ({name})"
    file = transforms_json.find_image(root, name, where=f"{where}: file_path")
    if file is None:
      missing.append(name)
      continue
    if file in seen:
      raise user_error.UserError(
        f"{where}: the image is listed before, by frame {seen[file]}; "
        "expected every image once: remove one of the two"
      )
    seen[file] = i
    pose = camera_lib.check_pose(frame["transform_matrix"], where=where)
    (width, height), _ = image_reader.read_header(file)
    focal = _focal_length(content, width, source)
    camera_lib.check_intrinsics(
      focal, focal, width / 2, height / 2, width, height, where=where
    )
    camera = camera_lib.Camera(
      pose,
      focal,
      focal,
      width / 2,
      height / 2,
      width,
      height,
      name=transforms_json.image_name(root, file),
    )
    found.append((camera, file))
  found.sort(key=lambda item: image_reader.natural_key(item[0].name))
  return found, missing


def _focal_length(content: dict, width: int, source: pathlib.Path) -> float:
  """Returns the focal length in pixels for images of a width."""
  key = "camera_angle_x"
  if key not in content:
    raise user_error.UserError(
      f'{source}: no "{key}"; expected the horizontal field of view in radians'
    )
  angle = transforms_json.number(content[key], where=str(source), key=key)
  return transforms_json.focal_from_angle(
    angle, width, where=str(source), key=key
  )
