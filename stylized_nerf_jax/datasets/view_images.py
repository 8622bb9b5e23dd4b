"""How the images of a scene go into records, so that no bit of them is lost.

As PNG or JPEG where all of them are of 8 bits: files of the scene's own size
as they are, others encoded as PNG. As float32 where any is not, or where only
some have alpha.
"""

import dataclasses
import io
from typing import Any

import numpy as np
from PIL import Image

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import image_reader

_CHANNELS = {"RGB": 3, "RGBA": 4}


@dataclasses.dataclass(frozen=True)
class ViewImages:
  """One way of keeping the images of a scene.

  Attributes:
    scene: the scene.
    channels: of encoded images, 3 or 4; 0: images are floats.
    has_alpha: whether records hold alpha beside the image.
    transparent: whether colours are premultiplied by alpha.
  """

  scene: scene_lib.Scene
  channels: int
  has_alpha: bool
  transparent: bool

  @property
  def encoded(self) -> bool:
    """Whether images are kept as PNG or JPEG."""
    return self.channels > 0

  def record(self, index: int) -> dict[str, Any]:
    """Returns the fields "image" and, where there is one, "alpha"."""
    alpha = None
    if self.encoded:
      image = _file_bytes(self.scene, index)
      if image is None:
        image = _as_png(_colour(self.scene, index)[0])
    else:
      image, alpha = _colour(self.scene, index)
      image = np.asarray(image, np.float32)
    if not self.has_alpha:
      return {"image": image}
    if self.transparent:
      alpha = np.ones(image.shape[:2]) if alpha is None else alpha
    else:
      alpha = self.scene.alphas[index]
    return {"image": image, "alpha": np.asarray(alpha, np.float32)}


def choose(scene: scene_lib.Scene) -> ViewImages:
  """Looks at the images of a scene for the way that loses nothing.

  Raises:
    ValueError: an image cannot be decoded.
  """
  channels = 0
  for index in range(len(scene)):
    own = _file_channels(scene, index) or _whole_channels(scene, index)
    if not own or channels not in (0, own):
      channels = 0
      break
    channels = own
  return ViewImages(
    scene=scene,
    channels=channels,
    has_alpha=scene.alphas is not None and channels != 4,
    transparent=scene.transparent,
  )


def _file_channels(scene: scene_lib.Scene, index: int) -> int:
  """Returns the channels of a picture file that can be kept, or 0."""
  items, index = scene_lib.source(scene.images, index)
  if not isinstance(items, image_reader.ImageFiles):
    return 0
  kind, mode, size = image_reader.read_kind(items.paths[index])
  if kind not in ("PNG", "JPEG") or size != items.sizes[index]:
    return 0
  return _CHANNELS.get(mode, 0)


def _file_bytes(scene: scene_lib.Scene, index: int) -> bytes | None:
  """Returns the bytes of a picture file that can be kept."""
  if not _file_channels(scene, index):
    return None
  items, index = scene_lib.source(scene.images, index)
  return items.paths[index].read_bytes()


def _whole_channels(scene: scene_lib.Scene, index: int) -> int:
  """Returns 3 where the image is opaque and has whole 8-bit values, or 0."""
  color, alpha = _colour(scene, index)
  if alpha is not None:
    return 0
  same = np.array_equal(_whole(color).astype(np.float32) / 255, color)
  return 3 if same else 0


def _colour(
  scene: scene_lib.Scene, index: int
) -> tuple[np.ndarray, np.ndarray | None]:
  """Returns colour, premultiplied where there is alpha, and that alpha."""
  items, own = scene_lib.source(scene.images, index)
  if hasattr(items, "rgba"):
    color, alpha = items.rgba(own)
  else:
    color, alpha = np.asarray(items[own]), None
  if not np.isfinite(color).all():
    raise user_error.UserError(
      f"scene {scene.name!r}: image {index} holds NaN or infinity; expected "
      "values in [0, 1]: it is not exported"
    )
  return color, alpha


def _whole(color: np.ndarray) -> np.ndarray:
  return np.round(np.clip(color, 0, 1) * 255).astype(np.uint8)


def _as_png(color: np.ndarray) -> bytes:
  stream = io.BytesIO()
  Image.fromarray(_whole(color)).save(stream, format="PNG")
  return stream.getvalue()
