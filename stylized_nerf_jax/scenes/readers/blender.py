"""Reader of object captures as Blender renders them (NeRF, section 6).

`transforms_train.json`, `transforms_val.json` and `transforms_test.json` name
RGBA pictures of one object, with the intrinsics of every other transforms file
(`intrinsic_fields`). In NeRF-synthetic it lies within 1.5 units of the origin
and between 2 and 6 units from every camera. Elsewhere its silhouettes tell
where it lies, as they do within that box.
"""

import pathlib

import numpy as np

from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import pose_geometry
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import image_reader, posed_pictures
from stylized_nerf_jax.scenes.readers import (
  camera_bounds,
  transforms,
  transforms_json,
  visual_hull,
)

SPLITS = ("train", "val", "test")
_NEAR, _FAR = 2.0, 6.0
_BOUNDING_BOX = ((-1.5,) * 3, (1.5,) * 3)
# How much nearer or farther than 4 a camera may be, for both to hold.
_SLACK = 0.5


def load_blender(
  path: str | pathlib.Path,
  *,
  downsample: float = 1,
  background: str = "white",
) -> scene_lib.Scene:
  """Reads a scene of NeRF-synthetic's layout.

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
  frames, sources, contents, splits, messages = [], [], [], {}, []
  for split in SPLITS:
    source = root / f"transforms_{split}.json"
    if split != "train" and not source.is_file():
      continue
    content = transforms_json.read_json(source)
    found, _, notes = transforms.read_frames(
      content, source, downsample=downsample, needed=split == "train"
    )
    splits[split] = tuple(range(len(frames), len(frames) + len(found)))
    frames += found
    sources.append(source)
    contents.append(content)
    messages += notes
  messages += transforms.unused_files(sources, contents, frames)
  cameras, pictures = posed_pictures.scene_parts(frames, background)
  layout, near, far, box = _bounds(
    cameras, pictures["alphas"], len(splits["train"])
  )
  if layout == "unbounded":
    messages.append(
      "bounds are guessed from where the cameras stand: they are not those of "
      "NeRF-synthetic, and no silhouette shows where the object is"
    )
  return scene_lib.Scene(
    name=root.resolve().name,
    format="blender",
    path=str(root),
    cameras=cameras,
    **pictures,
    depths=None,
    layout=layout,
    near=near,
    far=far,
    bounding_box=box,
    splits=scene_lib.with_test(splits),
    messages=tuple(messages),
  )


def _bounds(
  cameras: camera_lib.Cameras, alphas, num_train: int
) -> tuple[str, float, float, visual_hull.Box | None]:
  """Returns layout, near, far and the box around the object, where known."""
  # Those to train come first.
  train = cameras[:num_train]
  seen = alphas is not None and visual_hull.can_tell(train)
  distances = np.linalg.norm(cameras.centers, axis=-1)
  if (np.abs(distances - (_NEAR + _FAR) / 2) <= _SLACK).all():
    if not seen:
      return "bounded", _NEAR, _FAR, _BOUNDING_BOX
    if visual_hull.can_hold(_BOUNDING_BOX, train, alphas):
      box = visual_hull.bounding_box(train, alphas, _BOUNDING_BOX)
      return "bounded", _NEAR, _FAR, box
  if seen:
    focus = pose_geometry.focus_point(train)
    box = visual_hull.find_box(train, alphas, focus)
    if box is not None:
      return "bounded", *camera_bounds.of_box(cameras, box), box
  return "unbounded", *camera_bounds.near_and_far(cameras), None
