"""From the scene file's coordinates to those a field is trained in.

A `Normalization` is one similarity, x_model = scale * (R x_file + t), and the
`RaySpace` in which the ray parameter runs. It is computed once, from all
cameras and bounds of a scene, and stored with the run.

| layout | space | similarity | near, far |
|---|---|---|---|
| forward-facing | ndc | average pose to the origin, scale 1 / (0.75 x smallest bound) | 0, 1 |
| bounded, with a box | box | none | the scene's |
| bounded, without | box | focus to the origin, up to +z, root mean square camera distance to 1 | 0.9 x near, far |
| asked for | planes | none | the scene's, along the optical axis |
| unbounded | contracted | focus to the origin, up to +z, farthest camera to 1 | the scene's |

LLFF bounds are depths that points were measured at, so spaces other than NDC
start at 0.9 of the smallest.
"""  # noqa: E501

import dataclasses

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import pose_geometry
from stylized_nerf_jax.scenes import scene as scene_lib

KINDS = ("ndc", "box", "contracted", "planes")
_BOUND_FACTOR = 0.75
_NEAR_SLACK = 0.9
# Rays along each side of a picture that stand for its frustum. The corners
# bound a frustum between planes; between spheres, its inside may bulge.
_GRID = 9


@dataclasses.dataclass(frozen=True)
class RaySpace:
  """What the ray parameter runs through; hashable, static under jit.

  Attributes:
    kind: "ndc", "box", "contracted" or "planes".
    near: of the ray parameter; NDC: 0. Otherwise model units from the camera;
      planes: along its optical axis.
    far: likewise; NDC: 1.
    half_width: W / (2 fl_x) of the training images, NDC only, otherwise 1.
    half_height: H / (2 fl_y), likewise.
    lower: corner of the box around what the training rays cross, in ray
      space; contracted: all -2.
    upper: the opposite corner.
  """

  kind: str
  near: float
  far: float
  half_width: float
  half_height: float
  lower: tuple[float, float, float]
  upper: tuple[float, float, float]


@dataclasses.dataclass(frozen=True, eq=False)
class Normalization:
  """Similarity from file to model frame, and the ray space of the model.

  Attributes:
    world_to_model: [4, 4] float64, scale times a rigid motion in its first
      three rows.
    scale: model units in one file unit, positive.
    space: the ray space.
  """

  world_to_model: np.ndarray
  scale: float
  space: RaySpace

  def __eq__(self, other: object) -> bool:
    if not isinstance(other, Normalization):
      return NotImplemented
    return self._facts() == other._facts()

  def __hash__(self) -> int:
    return hash(self._facts())

  def _facts(self) -> tuple:
    """What is equal of equal ones: they are static under jit."""
    return self.world_to_model.tobytes(), self.scale, self.space

  @property
  def rotation(self) -> np.ndarray:
    """The rotation from file to model axes: [3, 3]."""
    return self.world_to_model[:3, :3] / self.scale

  def points_to_model(self, points: np.ndarray) -> np.ndarray:
    """Maps points [..., 3] from the file to the model frame."""
    return points @ self.world_to_model[:3, :3].T + self.world_to_model[:3, 3]

  def points_to_file(self, points: np.ndarray) -> np.ndarray:
    """Maps points [..., 3] from the model to the file frame."""
    return (points - self.world_to_model[:3, 3]) / self.scale @ self.rotation

  def cameras_to_model(self, cameras: camera_lib.Cameras) -> np.ndarray:
    """Returns camera-to-model matrices: [V, 3, 4] float64.

    Rotations stay rotations; the scale acts on the centres only.
    """
    axes = self.rotation @ cameras.camera_to_world[:, :3, :3]
    centers = self.points_to_model(cameras.centers)
    return np.concatenate([axes, centers[..., None]], axis=-1)

  def cameras_to_file(self, camera_to_model: np.ndarray) -> np.ndarray:
    """Returns camera-to-world matrices [V, 4, 4] of `cameras_to_model`'s."""
    poses = np.tile(np.eye(4), (len(camera_to_model), 1, 1))
    poses[:, :3, :3] = self.rotation.T @ camera_to_model[:, :3, :3]
    poses[:, :3, 3] = self.points_to_file(camera_to_model[:, :3, 3])
    return poses

  def to_dict(self) -> dict:
    """Returns what JSON can hold; `from_dict` restores it exactly."""
    return {
      "world_to_model": self.world_to_model.tolist(),
      "scale": self.scale,
      "space": dataclasses.asdict(self.space),
    }

  def agrees_with(self, other: "Normalization") -> bool:
    """Tells whether nothing but rounding sets two apart.

    The last bits of a mean pose, and of whatever else is solved for, depend on
    the processor that computes them.
    """
    one, two = (dataclasses.asdict(item.space) for item in (self, other))
    if one.pop("kind") != two.pop("kind"):
      return False
    pairs = [
      (self.world_to_model, other.world_to_model),
      (self.scale, other.scale),
      *((one[name], two[name]) for name in one),
    ]
    return all(np.allclose(a, b, rtol=1e-9, atol=1e-9) for a, b in pairs)

  @classmethod
  def from_dict(cls, values: dict) -> "Normalization":
    """Restores what `to_dict` returned, also through JSON."""
    space = dict(values["space"])
    for corner in ("lower", "upper"):
      space[corner] = tuple(space[corner])
    return cls(
      world_to_model=np.asarray(values["world_to_model"], dtype=np.float64),
      scale=float(values["scale"]),
      space=RaySpace(**space),
    )


def ray_space(space: Normalization | RaySpace) -> RaySpace:
  """Returns the ray space of a model frame, or what is one already."""
  return space.space if isinstance(space, Normalization) else space


def normalize_scene(
  scene: scene_lib.Scene, *, space: str = "auto"
) -> Normalization:
  """Chooses the model frame and ray space of a scene.

  Args:
    scene: the whole scene, not one split of it.
    space: "ndc", "box", "contracted", "planes", or "auto" for what the layout
      asks for (table above); a forward-facing capture of which some camera
      stands beyond the NDC near plane is contracted.

  Raises:
    ValueError: the space is unknown, or NDC cannot hold the cameras.
  """
  if space not in (*KINDS, "auto"):
    raise user_error.UserError(
      f"scene.space is {space!r}; expected one of auto, {', '.join(KINDS)}"
    )
  if space == "auto":
    space = _automatic_space(scene)
  if space == "ndc":
    return _forward_facing(scene)
  if space == "contracted":
    return _contracted(scene)
  if space == "planes":
    return _between_planes(scene)
  if scene.bounding_box is not None:
    return _given_box(scene)
  if scene.layout == "unbounded":
    return _camera_cube(scene)
  return _spherified(scene)


def _automatic_space(scene: scene_lib.Scene) -> str:
  if scene.layout == "forward_facing":
    return "ndc" if _fits_ndc(scene) else "contracted"
  return "box" if scene.layout == "bounded" else "contracted"


def _similarity(
  rotation: np.ndarray, origin: np.ndarray, scale: float
) -> np.ndarray:
  """Returns [4, 4] of x -> scale * R (x - origin)."""
  matrix = np.eye(4)
  matrix[:3, :3] = scale * rotation
  matrix[:3, 3] = -scale * rotation @ origin
  return matrix


def _recentred(scene: scene_lib.Scene) -> tuple[np.ndarray, float]:
  """Returns the similarity of forward-facing scenes, and its scale."""
  pose = pose_geometry.average_pose(scene.cameras)
  scale = 1 / (_BOUND_FACTOR * scene.near)
  return _similarity(pose[:3, :3].T, pose[:3, 3], scale), scale


def _fits_ndc(scene: scene_lib.Scene) -> bool:
  """Tells whether all cameras stand on the origin's side of z = -1."""
  matrix, _ = _recentred(scene)
  depth = scene.cameras.centers @ matrix[2, :3] + matrix[2, 3]
  return bool((depth > -1).all())


def _forward_facing(scene: scene_lib.Scene) -> Normalization:
  if scene.layout != "forward_facing" or not _fits_ndc(scene):
    raise user_error.UserError(
      f'scene {scene.name!r}: scene.space is "ndc" but its cameras do not all '
      'look one way from behind one plane; use "auto"'
    )
  matrix, scale = _recentred(scene)
  cameras = scene.cameras
  half_width = float(np.mean(cameras.width / (2 * cameras.fl_x)))
  half_height = float(np.mean(cameras.height / (2 * cameras.fl_y)))
  draft = Normalization(
    matrix,
    scale,
    RaySpace("ndc", 0.0, 1.0, half_width, half_height, (-1,) * 3, (1,) * 3),
  )
  centers, directions = frustum_rays(cameras, draft)
  slopes = directions[..., :2] / directions[..., 2:]
  # On the near plane z = -1, and at infinity.
  entry = centers[..., :2] - (1 + centers[..., 2:]) * slopes
  across = np.concatenate([entry, -slopes]).reshape(-1, 2)
  across = across / [half_width, half_height]
  lower = _corner([*across.min(axis=0), -1.0])
  upper = _corner([*across.max(axis=0), 1.0])
  return dataclasses.replace(
    draft, space=dataclasses.replace(draft.space, lower=lower, upper=upper)
  )


def _around_focus(
  scene: scene_lib.Scene,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Returns focus [3], rotation of up to +z [3, 3], camera distances [V]."""
  focus = pose_geometry.focus_point(scene.cameras)
  up = pose_geometry.mean_up(scene.cameras)
  distances = np.linalg.norm(scene.cameras.centers - focus, axis=-1)
  return focus, pose_geometry.rotation_to_z(up), distances


def _near(scene: scene_lib.Scene) -> float:
  return scene.near * (_NEAR_SLACK if scene.format == "llff" else 1.0)


def _contracted(scene: scene_lib.Scene) -> Normalization:
  focus, rotation, distances = _around_focus(scene)
  # One camera, or cameras that turn about a point, set no scale themselves.
  scale = 1 / max(float(distances.max()), scene.near)
  return Normalization(
    _similarity(rotation, focus, scale),
    scale,
    RaySpace(
      "contracted",
      _near(scene) * scale,
      scene.far * scale,
      1.0,
      1.0,
      (-2.0,) * 3,
      (2.0,) * 3,
    ),
  )


def _camera_cube(scene: scene_lib.Scene) -> Normalization:
  """Boxes an unbounded scene in the cube around the ball of its cameras."""
  contracted = _contracted(scene)
  near = contracted.space.near
  far = min(contracted.space.far, 2 * 3**0.5)
  space = RaySpace("box", near, far, 1.0, 1.0, (-1.0,) * 3, (1.0,) * 3)
  return dataclasses.replace(contracted, space=space)


def _corner(values) -> tuple[float, float, float]:
  x, y, z = map(float, values)
  return x, y, z


def _given_box(scene: scene_lib.Scene) -> Normalization:
  assert scene.bounding_box is not None
  lower, upper = map(_corner, scene.bounding_box)
  space = RaySpace("box", _near(scene), scene.far, 1.0, 1.0, lower, upper)
  return Normalization(np.eye(4), 1.0, space)


def _between_planes(scene: scene_lib.Scene) -> Normalization:
  """Stays in the file frame, as NeRF and JaxNeRF do with Blender's scenes.

  Their rays have directions of length 1 along the optical axis, so that near
  and far are planes before each camera.
  """
  near, far = scene.near, scene.far
  space = RaySpace("planes", near, far, 1.0, 1.0, (-1.0,) * 3, (1.0,) * 3)
  draft = Normalization(np.eye(4), 1.0, space)
  if scene.bounding_box is None:
    centers, directions = frustum_rays(scene.cameras, draft)
    ends = centers + near * directions, centers + far * directions
    lower, upper = _around(*ends)
  else:
    lower, upper = map(_corner, scene.bounding_box)
  return dataclasses.replace(
    draft, space=dataclasses.replace(space, lower=lower, upper=upper)
  )


def _around(*points: np.ndarray) -> tuple[tuple, tuple]:
  """Returns the opposite corners of the box around points [..., 3]."""
  together = np.concatenate([some.reshape(-1, 3) for some in points])
  return _corner(together.min(axis=0)), _corner(together.max(axis=0))


def _spherified(scene: scene_lib.Scene) -> Normalization:
  """Recentres at the focus, the cameras' rms distance scaled to 1 (NeRF)."""
  focus, rotation, distances = _around_focus(scene)
  radius = float(np.sqrt(np.mean(distances**2)))
  scale = 1 / max(radius, scene.near)
  near, far = _near(scene) * scale, scene.far * scale
  draft = Normalization(
    _similarity(rotation, focus, scale),
    scale,
    RaySpace("box", near, far, 1.0, 1.0, (-1,) * 3, (1,) * 3),
  )
  centers, directions = frustum_rays(scene.cameras, draft)
  directions = pose_geometry.unit(directions)
  lower, upper = _around(
    centers + near * directions, centers + far * directions
  )
  return dataclasses.replace(
    draft, space=dataclasses.replace(draft.space, lower=lower, upper=upper)
  )


def frustum_rays(
  cameras: camera_lib.Cameras, normalization: Normalization
) -> tuple[np.ndarray, np.ndarray]:
  """Casts a grid of rays through every picture, border included.

  Distortion is left out: these rays only bound volumes.

  Returns:
    centers: [V, P, 3], model frame.
    directions: [V, P, 3], model axes, of length 1 along the optical axis.
  """
  side = np.linspace(0, 1, _GRID)
  u, v = (grid.ravel() for grid in np.meshgrid(side, side))
  width, height, fl_x, fl_y, cx, cy = (
    getattr(cameras, name)[:, None]
    for name in ("width", "height", "fl_x", "fl_y", "cx", "cy")
  )
  x, y = (u * width - cx) / fl_x, (v * height - cy) / fl_y
  poses = normalization.cameras_to_model(cameras)
  local = np.stack([x, -y, -np.ones_like(x)], axis=-1)
  directions = np.einsum("vij,vpj->vpi", poses[:, :, :3], local)
  centers = np.broadcast_to(poses[:, None, :, 3], directions.shape)
  return centers, directions
