"""What a scene's files hold, and whether its poses fit its photographs.

Rotations and handedness are looked at, and neighbouring views are compared by
a plane sweep (`evaluation/plane_sweep.py`): under the poses as they are, under
the same poses given to other photographs, and under the mistakes that
converters make. Sound is what agrees better than chance, and no worse than
under any of these mistakes. Pictures that are so smooth or small that views
match under any poses tell nothing.
"""

import collections
import dataclasses
from collections.abc import Sequence

import numpy as np

from stylized_nerf_jax.evaluation import plane_sweep
from stylized_nerf_jax.scenes import normalization
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import image_reader
from stylized_nerf_jax.views import rendered_views

_LONG_SIDE = 80  # pixels of the pictures that are compared
_VIEWS, _NEIGHBOURS, _EXCHANGES = 5, 2, 2
_MASKS = 50  # that are looked at, evenly spread
# Best correlations of true neighbours are 0.3 above chance, and of smooth
# pictures, which match under other poses as well, 0.4 to 0.8 of what there is
# left to gain; shuffled poses differ from chance by up to 0.05.
_LEAST_GAIN, _LEAST_SHARE, _NOISE = 0.1, 0.25, 0.05
_MISTAKE_GAIN = 0.03
# Signs of the camera axes x, y, z, and what poses that need them turned are.
_AXES = {
  "mirrored, x pointing left": (-1, 1, 1),
  "mirrored, y pointing down": (1, -1, 1),
  "mirrored, z pointing forward": (1, 1, -1),
  "of OpenCV's axes (y down, z forward)": (1, -1, -1),
  "turned half about y": (-1, 1, -1),
  "turned half about z": (-1, -1, 1),
  "mirrored, all axes turned": (-1, -1, -1),
}


@dataclasses.dataclass(frozen=True)
class Check:
  """One check.

  Attributes:
    name: of what is checked.
    passed: whether it is good; None where that cannot be told.
    found: in words.
  """

  name: str
  passed: bool | None
  found: str


def describe(scene: scene_lib.Scene, *, space: str = "auto") -> dict[str, str]:
  """Returns what was found in the files, by name, for people.

  Args:
    scene: the whole scene.
    space: as `normalization.normalize_scene` takes it.

  Raises:
    ValueError: the space cannot hold the scene, or a mask cannot be decoded.
  """
  cameras = scene.cameras
  sizes = collections.Counter(zip(cameras.width, cameras.height, strict=True))
  models = collections.Counter(cameras.models)
  low, high = cameras.fl_x.min(), cameras.fl_x.max()
  focal = f"{low:.1f}" if low == high else f"{low:.1f} to {high:.1f}"
  has = [name for name in ("masks", "alphas") if getattr(scene, name)]
  kind = normalization.normalize_scene(scene, space=space).space.kind
  masks = {"usable": _usable(scene.masks)} if scene.masks is not None else {}
  return {
    "scene": f"{scene.name} ({scene.path})" if scene.path else scene.name,
    "format": scene.format,
    "images": f"{len(scene)}" + "".join(f", with {name}" for name in has),
    "sizes": _counts({f"{w}x{h}": n for (w, h), n in sizes.items()}),
    **masks,
    "splits": ", ".join(f"{k} {len(v)}" for k, v in scene.splits.items()),
    "cameras": f"{_counts(models)}, focal length {focal} pixels",
    "layout": scene.layout,
    "space": kind,
    "bounds": f"near {scene.near:.4g}, far {scene.far:.4g} file units",
  }


def check(scene: scene_lib.Scene) -> list[Check]:
  """Checks rotations, handedness, and that neighbouring views agree.

  Raises:
    ValueError: an image cannot be decoded.
  """
  rotations = scene.cameras.camera_to_world[:, :3, :3]
  products = np.einsum("vji,vjk->vik", rotations, rotations)
  error = np.abs(products - np.eye(3)).max()
  determinants = np.linalg.det(rotations)
  return [
    Check("rotations", error < 1e-3, f"orthonormal to {error:.1e}"),
    Check(
      "handedness",
      bool((determinants > 0).all()),
      f"{(determinants > 0).sum()} of {len(scene)} right-handed",
    ),
    _check_agreement(scene),
  ]


def _usable(masks: Sequence[np.ndarray]) -> str:
  """Says which share of the pixels masks leave."""
  chosen = np.linspace(0, len(masks) - 1, min(_MASKS, len(masks))).round()
  usable = total = 0
  for i in chosen.astype(int):
    mask = masks[int(i)]
    usable, total = usable + int(mask.sum()), total + mask.size
  of = "" if len(chosen) == len(masks) else f" of {len(chosen)} images"
  return f"{100 * usable / total:.1f}% of the pixels{of}"


def _counts(items: dict[str, int]) -> str:
  """Names what there is, and how often where it is not all one."""
  if len(items) == 1:
    return next(iter(items))
  return ", ".join(f"{count} {name}" for name, count in items.items())


def _check_agreement(scene: scene_lib.Scene) -> Check:
  name = "agreement"
  if len(scene) < 2:
    return Check(name, None, "one image has no neighbour to compare it with")
  small = [
    camera.scaled(min(1, _LONG_SIDE / max(camera.width, camera.height)))
    for camera in scene.cameras
  ]
  cameras = scene_lib.Cameras.from_list(small)
  chosen = np.linspace(0, len(scene) - 1, min(_VIEWS, len(scene)))
  near_by = rendered_views.neighbours(cameras, _NEIGHBOURS)
  pairs = [(int(v), int(w)) for v in chosen.round() for w in near_by[int(v)]]
  used = sorted({view for pair in pairs for view in pair})
  pictures = {}
  for view in used:
    size = (small[view].width, small[view].height)
    pictures[view] = image_reader.resize(scene.images[view], size).mean(axis=-1)

  def score(poses, pairs):
    posed = dataclasses.replace(cameras, camera_to_world=poses)
    return plane_sweep.score_pairs(
      pictures, posed, pairs, near=scene.near, far=scene.far
    )

  poses = cameras.camera_to_world
  scores = score(poses, pairs)
  given = scores.mean()
  chance = max(
    score(*_exchanged(poses, used, pairs, seed)).mean()
    for seed in range(_EXCHANGES)
  )
  found = (
    f"neighbouring views correlate {given:.2f} at their best depths, "
    f"{chance:.2f} under poses of other views"
  )
  # What a mistake undoes shows in half of the pairs as well.
  mistakes = {name: poses * [*signs, 1] for name, signs in _AXES.items()}
  mistakes["transposed"] = _transposed(poses)
  gains = {
    name: (score(turned, pairs[::2]) - scores[::2]).mean()
    for name, turned in mistakes.items()
  }
  likely = max(gains, key=gains.get)
  best = given + gains[likely]
  if max(given, chance, best) == 0:
    found = "neighbouring views share no texture, whatever the poses"
    return Check(name, None, found)
  if gains[likely] > _MISTAKE_GAIN and _agrees(best, chance):
    found += f", and {best:.2f} taken as {likely}"
    return Check(name, False, found)
  return Check(name, _agrees(given, chance), found)


def _agrees(given: float, chance: float) -> bool | None:
  """Tells whether a mean correlation is above chance; None: who knows."""
  least = min(_LEAST_GAIN, _LEAST_SHARE * (1 - chance))
  if given - chance >= max(least, _NOISE):
    return True
  return None if least < _NOISE else False


def _exchanged(poses, used, pairs, seed: int):
  """Gives every used view the pose of another; pairs follow the poses.

  Returns:
    poses: [V, 4, 4].
    pairs: of views that now have the poses of the given ones.
  """
  order = np.random.default_rng(seed).permutation(used)
  holder = dict(zip(order, np.roll(order, 1), strict=True))
  moved = poses.copy()
  for view, other in holder.items():
    moved[other] = poses[view]
  return moved, [(int(holder[v]), int(holder[w])) for v, w in pairs]


def _transposed(poses: np.ndarray) -> np.ndarray:
  turned = poses.copy()
  turned[:, :3, :3] = np.swapaxes(poses[:, :3, :3], 1, 2)
  return turned
