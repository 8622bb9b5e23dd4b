"""Batches and held-out pictures for the general training of the stylizer."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import ahead, progress
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import (
  picture_collections,
  picture_crops,
  picture_sources,
  styles,
)
from stylized_nerf_jax.scenes.synthetic import generated_styles

# That make batches ahead of the steps that need them.
WORKERS = min(os.cpu_count() or 1, 8)
_HELD_OUT_PHOTOS = 8


@dataclasses.dataclass(frozen=True, eq=False)
class TrainingPictures:
  """What is trained on.

  Attributes:
    photos: content pictures.
    paintings: style pictures.
    generated: style pictures that the project painted itself; may be empty.
    generated_share: probability that a style crop is of one of these.
    recolour: probability that the colours of a style crop are shifted.
  """

  photos: picture_crops.PictureCrops
  paintings: picture_crops.PictureCrops
  generated: picture_crops.PictureCrops
  generated_share: float
  recolour: float

  def batch(
    self, generator: np.random.Generator, *, count: int, size: int
  ) -> dict[str, np.ndarray]:
    """Draw "photos" and "paintings", each uint8 [count, size, size, 3]."""
    photos = [self.photos.draw(generator, size) for _ in range(count)]
    paintings = [self.style_crop(generator, size) for _ in range(count)]
    return {"photos": np.stack(photos), "paintings": np.stack(paintings)}

  def style_crop(self, generator: np.random.Generator, size: int) -> np.ndarray:
    """Draw one style crop, uint8 [size, size, 3]."""
    painted = generator.random() < self.generated_share
    source = self.generated if painted and self.generated else self.paintings
    return source.draw(generator, size, closest=0.6, recolour=self.recolour)


@dataclasses.dataclass(frozen=True, eq=False)
class ScoredPairs:
  """What is scored and not trained on; pair i is photo i and painting i.

  Attributes:
    photos: uint8 [P, S, S, 3].
    photo_names: P names.
    paintings: P pictures, uint8 [H, W, 3], with repetitions.
    painting_names: P names.
  """

  photos: np.ndarray
  photo_names: tuple[str, ...]
  paintings: tuple[np.ndarray, ...]
  painting_names: tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Sources:
  """The pictures that a config names, found and not decoded.

  Attributes:
    photos: that are trained on.
    paintings: that are trained on.
    scored_photos: that are scored.
    scored_paintings: that are scored.
    messages: what a user should be told about them.
  """

  photos: Sequence[picture_sources.Picture]
  paintings: Sequence[picture_sources.Picture]
  scored_photos: Sequence[picture_sources.Picture]
  scored_paintings: Sequence[picture_sources.Picture]
  messages: tuple[str, ...]


def find_pictures(config: Any) -> Sources:
  """Finds the pictures of a `train-stylizer` config; writes nothing.

  Args:
    config: as `pretraining_defaults.get_config` makes it.

  Raises:
    ValueError: a source of pictures is not named, missing or empty.
  """
  photos = _find(config.content.path, "content.path", "photos")
  found = _find(config.styles.path, "styles.path", "paintings")
  held, kept = _divide(found, config.styles.holdout)
  if not len(kept):
    raise user_error.UserError(
      "config field styles.holdout leaves no painting to train on; name fewer"
    )
  scored, messages = photos, []
  if not len(held):
    messages.append(
      "none of the paintings is held out (styles.holdout): scores are on"
      " paintings that are trained on"
    )
    held = kept
  if config.content.holdout:
    scored = _find(config.content.holdout, "content.holdout", "photos")
  else:
    messages.append(
      "no photos are held out (content.holdout): scores are on photos that"
      " are trained on"
    )
  return Sources(photos, kept, scored, held, tuple(messages))


def open_pictures(
  config: Any, workdir: pathlib.Path, sources: Sources | None = None
) -> tuple[TrainingPictures, ScoredPairs]:
  """Opens the pictures of a `train-stylizer` config.

  Args:
    config: as `pretraining_defaults.get_config` makes it.
    workdir: generated pictures are kept in it.
    sources: what `find_pictures` found; None: looks for it.

  Returns:
    Training pictures and held-out pictures.

  Raises:
    ValueError: a source of pictures is missing, empty or damaged.
  """
  sources = sources or find_pictures(config)
  for message in sources.messages:
    progress.say(message)
  pairs = _hold_out(config, sources.scored_photos, sources.scored_paintings)
  painted = _generated(workdir / "generated", config.styles.generated)
  training = TrainingPictures(
    photos=picture_crops.PictureCrops(sources.photos),
    paintings=picture_crops.PictureCrops(sources.paintings),
    generated=picture_crops.PictureCrops(painted),
    generated_share=config.styles.generated_share,
    recolour=config.styles.recolour,
  )
  return training, pairs


def prefetch(
  make: Callable[[int], Any], start: int, stop: int
) -> Iterator[Any]:
  """Yield make(start), ..., make(stop - 1), made ahead in `WORKERS` threads."""
  steps = range(start, stop)
  return ahead.ahead(make, steps, workers=WORKERS, depth=2 * WORKERS)


def _find(
  sources: str, field: str, what: str
) -> Sequence[picture_sources.Picture]:
  if not sources.strip(" ,"):
    raise user_error.UserError(
      f"--config.{field} is empty; expected {what}: {picture_collections.KINDS}"
    )
  try:
    return picture_collections.find_all(sources)
  except ValueError as error:
    raise user_error.UserError(f"config field {field}: {error}") from None


def _divide(
  pictures: Sequence[picture_sources.Picture], parts: tuple[str, ...]
) -> tuple[Sequence, Sequence]:
  """Divides pictures by what their names hold: (these, the others)."""
  if not parts:
    return (), pictures
  chosen, rest = [], []
  for index, picture in enumerate(pictures):
    matches = any(part in picture.stem for part in parts)
    (chosen if matches else rest).append(index)
  return tuple(
    scene_lib.Selection(pictures, indices) for indices in (chosen, rest)
  )


def _generated(
  folder: pathlib.Path, variants: int
) -> list[picture_sources.PictureFile]:
  """Paint pictures once; later runs in the same folder read them."""
  files = []
  for name in generated_styles.NAMES:
    for seed in range(variants):
      path = folder / f"{name}-{seed}.png"
      if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        picture = Image.fromarray(generated_styles.variations(name, seed))
        picture.save(partial, format="PNG")
        partial.replace(path)
      files.append(picture_sources.PictureFile(path))
  return files


def _hold_out(
  config: Any,
  photos: Sequence[picture_sources.Picture],
  paintings: Sequence[picture_sources.Picture],
) -> ScoredPairs:
  """Read a few photos spread over those held out, and pair them."""
  step = max(len(photos) // _HELD_OUT_PHOTOS, 1)
  places = range(len(photos))[::step][:_HELD_OUT_PHOTOS]
  photos = [photos[i] for i in places]
  paintings = [paintings[i % len(paintings)] for i in range(len(photos))]
  read = {
    picture: styles.resize_short_side(
      picture.read(), config.evaluation_style_size
    )
    for picture in dict.fromkeys(paintings)
  }
  squares = [_square(p, config.evaluation_size) for p in photos]
  return ScoredPairs(
    photos=np.stack(squares),
    photo_names=tuple(p.name for p in photos),
    paintings=tuple(read[p] for p in paintings),
    painting_names=tuple(p.name for p in paintings),
  )


def _square(photo: picture_sources.Picture, size: int) -> np.ndarray:
  """Read the middle of a photo, uint8 [size, size, 3]."""
  picture = styles.resize_short_side(photo.read(), size)
  top = (picture.shape[0] - size) // 2
  left = (picture.shape[1] - size) // 2
  return picture[top : top + size, left : left + size]
