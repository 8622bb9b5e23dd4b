"""Frames of a run's evaluation, each matched to a painting by itself."""

import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.evaluation import reach
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.outputs import image_writer
from stylized_nerf_jax.scenes.pictures import style_set
from stylized_nerf_jax.stylizer import pretrained

NAME = "matched single frame"


def choose(count: int, total: int) -> list[int]:
  """Chooses frames of a path, evenly, its ends left out where it can be.

  Args:
    count: how many.
    total: how many there are.

  Raises:
    ValueError: count is less than 1 or more than there are.
  """
  if not 1 <= count <= total:
    raise user_error.UserError(
      f"--reach {count}: expected 1 to {total}, the frames of the evaluation"
    )
  places = (np.arange(count) + 0.5) * total / count
  return [int(place) for place in places]


def match(
  content: Sequence[np.ndarray],
  chosen: Sequence[int],
  folders: Mapping[str, pathlib.Path],
  paintings: style_set.StyleSet,
  encoder: str,
) -> Iterator[tuple[str, list[np.ndarray]]]:
  """Matches some frames to each painting, and writes them.

  Args:
    content: unstylized frames, [H, W, 3] in [0, 1].
    chosen: numbers of those that are matched.
    folders: by name of the style, where NNNNN.png of the frames' numbers go.
    paintings: by name of the style, at the size that they were learned in.
    encoder: `config.weights.encoder`.

  Yields:
    Name of the style, and its matched frames.
  """
  weights = pretrained.load_stroke_encoder(encoder)
  total = len(folders) * len(chosen) * reach.count_steps()
  height, width = content[chosen[0]].shape[:2]
  progress.say(
    f"{NAME}: frames of {width} x {height} pixels in {len(folders)} styles "
    f"({len(chosen)} of each), {total} steps; on a CPU minutes for each frame"
  )
  with progress.progress(total, NAME) as bar:
    for style, folder in folders.items():
      matched = []
      for index in chosen:
        matched.append(
          reach.match_frame(
            content[index],
            paintings[style].image,
            weights,
            advance=bar.advance,
          )
        )
        image_writer.save_image(folder / f"{index:05d}.png", matched[-1])
      yield style, matched
