"""The embedded scene: a small plaza, rendered when it is asked for.

`plaza` holds what is seen and the exact answers about it; here
stand the cameras. Everything a training ray meets lies in `bounding_box`, the
painted sky included.
"""

from collections.abc import Callable, Sequence

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import pose_geometry
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.synthetic import analytic, plaza

DOME_RADIUS = plaza.DOME_RADIUS
render = plaza.render
depth = plaza.depth
visible = plaza.visible
object_mask = plaza.object_mask

# To be raised whenever pixels change, for content hashes.
_VERSION = 1
_FOCUS = np.array([0.0, 0.0, 0.42])


def make_scene(
  *,
  num_train: int = 24,
  num_test: int = 4,
  width: int = 160,
  height: int = 120,
  layout: str = "orbit",
) -> scene_lib.Scene:
  """Build the scene; each view is rendered when it is first asked for.

  Args:
    num_train: views to train on, at least 1.
    num_test: views held out, spread evenly among the others; may be 0.
    width: pixels.
    height: pixels.
    layout: "orbit", cameras around 200 degrees of a circle at changing
      heights (the scene's layout is "bounded"), or "forward", cameras that
      look one way from a square ("forward_facing").

  Returns:
    A scene with exact depths, and alphas that are 0 in the sky.

  Raises:
    ValueError: a count, a size or the layout is out of range.
  """
  if num_train < 1 or num_test < 0 or width < 2 or height < 2:
    raise user_error.UserError(
      f"synthetic scene of {num_train} training and {num_test} test views of "
      f"{width} x {height} pixels; expected at least 1, 0 and 2 x 2"
    )
  if layout not in _LAYOUTS:
    raise user_error.UserError(
      f"unknown layout {layout!r} of the synthetic scene; expected one of "
      f"{', '.join(_LAYOUTS)}"
    )
  count = num_train + num_test
  poses, scene_layout = _LAYOUTS[layout]
  focal = 1.0 * max(width, height * 4 / 3)
  cameras = scene_lib.Cameras.from_list(
    [
      scene_lib.Camera(
        pose, focal, focal, width / 2, height / 2, width, height,
        name=f"{i:03d}.png",
      )
      for i, pose in enumerate(poses(count))
    ]
  )  # fmt: skip
  test = tuple(int((i + 0.5) * count / num_test) for i in range(num_test))
  near, far, top = _extent(cameras)
  views = _Views(cameras)
  limit = DOME_RADIUS + 0.05
  return scene_lib.Scene(
    name="synthetic",
    format="synthetic",
    path="",
    cameras=cameras,
    images=_Channel(views.image, count),
    masks=None,
    alphas=_Channel(views.alpha, count),
    depths=_Channel(views.depth, count),
    layout=scene_layout,
    near=near,
    far=far,
    bounding_box=((-limit, -limit, -0.1), (limit, limit, top)),
    splits={
      "train": tuple(i for i in range(count) if i not in test),
      "test": test,
    },
    fingerprint=f"synthetic plaza, version {_VERSION}",
  )


def look_at(center: np.ndarray, target: np.ndarray) -> np.ndarray:
  """Return the OpenGL camera-to-world [4, 4] that looks at a target, z up."""
  back = np.asarray(center, np.float64) - target
  pose = pose_geometry.look_along(back, np.array([0.0, 0.0, 1.0]), center)
  # Equal on machines whose sines differ in the last bit; hashes depend on it.
  return np.round(pose, 12)


def _orbit_poses(count: int) -> list[np.ndarray]:
  """Sweep 200 degrees while rising and sinking three times."""
  poses = []
  for part in (np.arange(count) + 0.5) / count:
    azimuth = np.deg2rad(-90 + 200 * (part - 0.5))
    elevation = np.deg2rad(17 + 9 * np.sin(6 * np.pi * part))
    radius = 2.75 + 0.12 * np.cos(10 * np.pi * part)
    away = radius * np.array(
      [
        np.cos(elevation) * np.cos(azimuth),
        np.cos(elevation) * np.sin(azimuth),
        np.sin(elevation),
      ]
    )
    poses.append(look_at(_FOCUS + away, _FOCUS))
  return poses


def _forward_poses(count: int) -> list[np.ndarray]:
  """Spread over a square in a spiral of sunflower seeds, looking along +y."""
  poses = []
  for i in range(count):
    radius = 0.5 * np.sqrt((i + 0.5) / count)
    turn = 2.399963 * i
    shift = np.array([np.cos(turn), 0.0, 0.8 * np.sin(turn)]) * radius
    centre = np.array([0.0, -2.75, 1.05]) + shift
    poses.append(look_at(centre, centre + [-0.1 * shift[0], 1.0, -0.2]))
  return poses


_LAYOUTS: dict[str, tuple[Callable[[int], list[np.ndarray]], str]] = {
  "orbit": (_orbit_poses, "bounded"),
  "forward": (_forward_poses, "forward_facing"),
}


def _extent(cameras: scene_lib.Cameras) -> tuple[float, float, float]:
  """Bounds of the distances seen, and of the height, from coarse views."""
  near, far, top = np.inf, 0.0, 0.0
  for camera in cameras:
    coarse = camera.resized(24, 18)
    for corner in (0.0, 1.0):
      origins, directions = plaza.cast_rays(coarse, corner, corner)
      first, _ = analytic.trace(plaza.SHAPES, origins, directions)
      last = plaza.dome_distance(origins, directions)
      near, far = min(near, first.min()), max(far, last.max())
      top = max(top, (origins + last[:, None] * directions)[:, 2].max())
  # Coarse rays may pass beside what is nearest.
  return tuple(round(float(v), 6) for v in (0.85 * near, 1.02 * far, top + 0.1))


class _Views:
  """Renders views of cameras, each once; pixels are kept as uint8."""

  def __init__(self, cameras: scene_lib.Cameras):
    self._cameras = cameras
    self._pixels = {}
    self._depths = {}

  def _render(self, index: int) -> tuple[np.ndarray, np.ndarray]:
    if index not in self._pixels:
      self._pixels[index] = tuple(
        np.round(channel * 255).astype(np.uint8)
        for channel in render(self._cameras[index])
      )
    return self._pixels[index]

  def image(self, index: int) -> np.ndarray:
    """float32 [H, W, 3]."""
    return self._render(index)[0].astype(np.float32) / np.float32(255)

  def alpha(self, index: int) -> np.ndarray:
    """float32 [H, W]."""
    return self._render(index)[1].astype(np.float32) / np.float32(255)

  def depth(self, index: int) -> np.ndarray:
    """float32 [H, W]."""
    if index not in self._depths:
      self._depths[index] = depth(self._cameras[index])
    return self._depths[index].copy()


class _Channel(Sequence):
  """One channel of all views as a sequence."""

  def __init__(self, fetch: Callable[[int], np.ndarray], count: int):
    self._fetch = fetch
    self._count = count

  def __len__(self) -> int:
    return self._count

  def __getitem__(self, index: int) -> np.ndarray:
    # Negative indices count from the end; others out of range raise.
    return self._fetch(range(self._count)[index])
