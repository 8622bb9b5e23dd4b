"""Scenes: what every reader returns and everything else takes.

Cameras and all lengths here are in the *file frame* (see `cameras`). numpy
only.
"""

import dataclasses
import functools
import hashlib
import json
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes.cameras import Camera, Cameras

__all__ = [
  "LAYOUTS",
  "Camera",
  "Cameras",
  "Scene",
  "Selection",
  "check_one_size",
  "holdout_splits",
]

LAYOUTS = ("forward_facing", "bounded", "unbounded")


class Selection(Sequence):
  """Some items of a sequence, fetched from it when they are asked for."""

  def __init__(self, base: Sequence, indices: Sequence[int]):
    self.base = base
    self.indices = tuple(int(i) for i in indices)

  def __len__(self) -> int:
    return len(self.indices)

  def __getitem__(self, index):
    if isinstance(index, slice):
      return Selection(self.base, self.indices[index])
    return self.base[self.indices[index]]


def source(items: Sequence, index: int) -> tuple[Sequence, int]:
  """Looks through selections: the sequence that decodes, and its index."""
  while isinstance(items, Selection):
    index = items.indices[index]
    items = items.base
  return items, index


@dataclasses.dataclass(frozen=True, eq=False)
class Scene:
  """Posed photographs of one static scene.

  Attributes:
    name: short name, for people.
    format: of its reader, or "synthetic".
    path: folder it was read from, or "".
    cameras: all images' cameras, in file-name order, file frame.
    images: images[i] is float32 [H, W, 3] in [0, 1], decoded on access, alpha
      composited over the background the scene was loaded with.
    masks: masks[i] is bool [H, W], True where the pixel may be used; or None.
    alphas: alphas[i] is float32 [H, W] in [0, 1]; or None.
    depths: depths[i] is float32 [H, W], Euclidean distance from the camera
      centre in file units, 0 where nothing is hit; or None where unknown.
    layout: "forward_facing", "bounded" or "unbounded".
    near: file units along the ray: nothing lies nearer to a camera. LLFF:
      the smallest bound in the file.
    far: file units along the ray. LLFF: the largest bound in the file.
    bounding_box: ((x0, y0, z0), (x1, y1, z1)) in the file frame where the
      format guarantees one; or None.
    splits: indices of the images of "train", "test" (may be empty), ...
    messages: what a user should be told about the files.
    fingerprint: stands for the pixels in `content_hash` where the images are
      computed, not read; "" otherwise.
  """

  name: str
  format: str
  path: str
  cameras: Cameras
  images: Sequence
  masks: Sequence | None
  alphas: Sequence | None
  depths: Sequence | None
  layout: str
  near: float
  far: float
  bounding_box: tuple | None
  splits: Mapping[str, tuple[int, ...]]
  messages: tuple[str, ...] = ()
  fingerprint: str = ""

  def __post_init__(self):
    for field in ("images", "masks", "alphas", "depths"):
      items = getattr(self, field)
      if items is not None and len(items) != len(self.cameras):
        raise user_error.UserError(
          f"scene {self.name!r}: {len(items)} {field} for "
          f"{len(self.cameras)} cameras; expected as many of one as of the "
          "other"
        )
    if self.layout not in LAYOUTS:
      raise user_error.UserError(
        f"scene {self.name!r}: layout {self.layout!r} is unknown; expected "
        f"one of {', '.join(LAYOUTS)}"
      )
    if not 0 < self.near < self.far < math.inf:
      raise user_error.UserError(
        f"scene {self.name!r}: near is {self.near:g} and far {self.far:g}; "
        "expected 0 < near < far"
      )

  def __len__(self) -> int:
    return len(self.cameras)

  @property
  def transparent(self) -> bool:
    """Whether nothing stands where alpha is 0 but the background laid there.

    The synthetic scene's alpha marks its sky, which its images show.
    """
    images = self.images
    while isinstance(images, Selection):
      images = images.base
    return self.alphas is not None and hasattr(images, "rgba")

  @property
  def background(self) -> tuple[float, float, float] | None:
    """The colour that transparent images were laid over, in [0, 1].

    None where they are not transparent.
    """
    if not self.transparent:
      return None
    images: Any = self.images
    while isinstance(images, Selection):
      images = images.base
    return (1.0,) * 3 if images.background == "white" else (0.0,) * 3

  def split(self, name: str) -> "Scene":
    """Returns the images of one split as a scene.

    Raises:
      ValueError: there is no such split; the message lists the names known.
    """
    if name not in self.splits:
      raise user_error.UserError(
        f"scene {self.name!r} has no split {name!r}; expected one of "
        f"{', '.join(sorted(self.splits))}"
      )
    indices = self.splits[name]

    def select(items):
      return None if items is None else Selection(items, indices)

    return dataclasses.replace(
      self,
      cameras=self.cameras[np.asarray(indices, dtype=np.int64)],
      images=select(self.images),
      masks=select(self.masks),
      alphas=select(self.alphas),
      depths=select(self.depths),
      splits={name: tuple(range(len(indices)))},
    )

  @functools.cached_property
  def content_hash(self) -> str:
    """sha256 of what a model of this scene depends on, as hexadecimal.

    Covers the bytes of the image and mask files (or the fingerprint, or the
    pixels of images that are neither), cameras, bounds and splits; not the
    folder's name, so that a moved scene keeps its hash.
    """
    digest = hashlib.sha256()
    digest.update(
      json.dumps(
        {
          "layout": self.layout,
          "near": self.near,
          "far": self.far,
          "bounding_box": self.bounding_box,
          "splits": {key: list(self.splits[key]) for key in self.splits},
          "models": self.cameras.models,
          "names": self.cameras.names,
          "fingerprint": self.fingerprint,
        },
        sort_keys=True,
        default=float,
      ).encode()
    )
    for field in dataclasses.fields(self.cameras):
      values = getattr(self.cameras, field.name)
      if isinstance(values, np.ndarray):
        digest.update(np.ascontiguousarray(values).tobytes())
    if not self.fingerprint:
      _hash_items(digest, self.images)
      _hash_items(digest, self.masks)
    return digest.hexdigest()


def _hash_items(digest, items: Sequence | None) -> None:
  """Feeds a sequence of pictures to a hash: their files, or their pixels."""
  if items is None:
    return
  base, indices = items, list(range(len(items)))
  while isinstance(base, Selection):
    indices = [base.indices[i] for i in indices]
    base = base.base
  for i in indices:
    if hasattr(base, "file_digest"):
      digest.update(base.file_digest(i))
    else:
      array = np.ascontiguousarray(base[i])
      digest.update(repr(array.shape).encode() + array.tobytes())


def check_one_size(
  files: Sequence[pathlib.Path],
  sizes: Sequence[tuple[int, int]],
  *,
  slack: int = 0,
) -> None:
  """Checks that images that share intrinsics are of one size.

  Args:
    files: of the images.
    sizes: (width, height) of each.
    slack: pixels by which they may differ, from rounding.

  Raises:
    ValueError: one differs from the first.
  """
  for file, size in zip(files, sizes, strict=True):
    if np.abs(np.subtract(size, sizes[0])).max() > slack:
      raise user_error.UserError(
        f"{file}: the image is {size[0]}x{size[1]} but {files[0].name} is "
        f"{sizes[0][0]}x{sizes[0][1]}; expected one size, because all images "
        "share one focal length: resize the image or remove it and its pose"
      )


def with_test(splits: dict[str, tuple[int, ...]]) -> dict:
  """Returns splits of which "val", if any, stands for a missing "test"."""
  return {**splits, "test": splits.get("test") or splits.get("val", ())}


def holdout_splits(count: int, every: int) -> dict[str, tuple[int, ...]]:
  """Holds out every `every`-th of `count` images, starting with the first.

  Args:
    count: number of images.
    every: at least 2; 0 holds nothing out, and "test" is empty.

  Raises:
    ValueError: `every` is 1 or negative, or no image is left to train on.
  """
  if every == 0:
    return {"train": tuple(range(count)), "test": ()}
  if every < 2:
    raise user_error.UserError(
      f"holdout is {every}; expected 0 (hold nothing out) or at least 2"
    )
  train = tuple(i for i in range(count) if i % every)
  if not train:
    raise user_error.UserError(
      f"{count} image(s) with holdout {every} leave none to train on: add "
      "images or pass holdout=0"
    )
  return {
    "train": train,
    "test": tuple(range(0, count, every)),
  }
