"""Small scenes of splats, and the plainest way to render them."""

import numpy as np

from stylized_nerf_jax.outputs import splat_page
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes.synthetic import embedded
from stylized_nerf_jax.splatting import splats as splats_lib

STYLES = ("van-gogh_starry-night-1889", "mosaic")
SIZE = (160, 120)


def painted_splats(count: int = 300, seed: int = 0):
  """Long and flat splats around the origin, in three looks."""
  random = np.random.default_rng(seed)
  splats = splats_lib.Splats(
    means=random.normal(scale=(0.8, 0.8, 0.4), size=(count, 3)),
    log_scales=np.log(0.1) + random.normal(scale=0.8, size=(count, 3)),
    rotations=_unit(random.normal(size=(count, 4))),
    logits=random.normal(loc=0.5, scale=1.5, size=count),
  )
  names = (splats_lib.PHOTOGRAPHED, *STYLES)
  colors = {name: random.uniform(size=(count, 3)) for name in names}
  return splats_lib.PaintedSplats(splats, colors)


def cameras(count: int = 6) -> camera_lib.Cameras:
  """Cameras on a part of a circle, whose picture's middle is elsewhere."""
  found = []
  for i, angle in enumerate(np.linspace(-1, 1, count)):
    center = 3 * np.array([np.sin(angle), -np.cos(angle), 0.3 + 0.05 * i])
    found.append(
      camera_lib.Camera(
        embedded.look_at(center, np.zeros(3)),
        *(150.0, 145.0, 78.0, 63.0, *SIZE),
        name=f"{i}.jpg",
      )
    )
  return camera_lib.Cameras.from_list(found)


def scene_page(painted=None, **changes) -> splat_page.ScenePage:
  """A page of such a scene, from five cameras."""
  seen = cameras()
  random = np.random.default_rng(1)
  painted = painted or painted_splats()
  fields = {
    "title": 'A "test" & <scene>',
    "painted": painted,
    "cameras": seen,
    "home": seen[2],
    "tour": seen,
    "up": np.array([0.0, 0.0, 1.0]),
    "focus": np.zeros(3),
    "reach": 1.0,
    "photographs": {i: random.uniform(size=(30, 40, 3)) for i in range(6)},
    "paintings": {
      name: random.uniform(size=(50, 60, 3)) for name in painted.colors
    },
    "background": (1.0, 1.0, 1.0),
    **changes,
  }
  return splat_page.ScenePage(**fields)


def render(
  splats: splats_lib.Splats,
  colors: np.ndarray,
  camera: camera_lib.Camera,
  background,
) -> np.ndarray:
  """Renders splats one after the other, far ones first: [H, W, 3].

  Zwicker et al. 2001, section 4, with the widening of 0.3 pixels^2, the largest
  alpha of 0.99, and the end at sqrt(8) standard deviations of viewers of Kerbl
  et al. 2023.
  """
  pose = camera.camera_to_world
  axes = pose[:3, :3] * [1, -1, -1]  # x right, y down, z ahead
  local = (np.asarray(splats.means) - pose[:3, 3]) @ axes
  turns = _matrices(np.asarray(splats.rotations))
  shapes = turns * np.exp(np.asarray(splats.log_scales))[:, None, :]
  spreads = shapes @ shapes.transpose(0, 2, 1)
  x, y = np.meshgrid(
    np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5
  )
  picture = np.tile(
    np.asarray(background, float), (camera.height, camera.width, 1)
  )
  for i in np.argsort(-local[:, 2]):
    u, v, z = local[i]
    if z <= 0:
      continue
    slopes = np.array(
      [[camera.fl_x / z, 0, -camera.fl_x * u / z**2],
       [0, camera.fl_y / z, -camera.fl_y * v / z**2]]
    )  # fmt: skip
    flat = slopes @ axes.T
    spread = flat @ spreads[i] @ flat.T + 0.3 * np.eye(2)
    dx = x - (camera.fl_x * u / z + camera.cx)
    dy = y - (camera.fl_y * v / z + camera.cy)
    (a, b), (_, c) = np.linalg.inv(spread)
    away = a * dx**2 + 2 * b * dx * dy + c * dy**2
    alpha = np.exp(-0.5 * away) / (1 + np.exp(-splats.logits[i]))
    alpha = np.where((alpha < 1 / 255) | (away > 8), 0, np.minimum(alpha, 0.99))
    alpha = alpha[..., None]
    picture = (1 - alpha) * picture + alpha * colors[i]
  return picture


def _matrices(quaternions: np.ndarray) -> np.ndarray:
  w, x, y, z = _unit(quaternions).T
  return np.stack(
    [
      *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
      *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
      *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ],
    axis=-1,
  ).reshape(-1, 3, 3)


def _unit(vectors: np.ndarray) -> np.ndarray:
  return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
