"""Scores of anyone's renders of held-out views, on this program's metrics."""

import dataclasses
import pathlib

from stylized_nerf_jax import user_error
from stylized_nerf_jax.evaluation import (
  frames,
  lpips,
  novel_views,
  renders,
  report,
  style_scores,
)
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import style_set

# NeRF-synthetic's files count their frames as their names do.
_COUNTED_BY_FILE = "blender"


def evaluate_renders(
  folder: str | pathlib.Path,
  scene: scene_lib.Scene,
  *,
  split: str = "test",
  pattern: str = "",
  order: str = "",
  right_half: bool = False,
  json_path: str | pathlib.Path | None = None,
  wide: bool = False,
  style: style_set.StyleImage | None = None,
  encode: style_scores.Encode | None = None,
) -> dict:
  """Scores the renders of a split, and prints the table of its views.

  Renders in a style are also scored against the painting, and so are the
  photographs.

  Args:
    folder: with the renders, see `evaluation.renders`.
    scene: the photographs, at the renders' size.
    split: of the scene.
    pattern, order: as of `renders.find`.
    right_half: whether a photograph is to the left of each render in one
      picture.
    json_path: where to write the report.
    wide: prints all columns of the style's table.
    style: the painting that the renders should resemble.
    encode: the stylizer's encoder, of `style_scores.style_distance`.

  Returns:
    The report, see docs/evaluation.md.

  Raises:
    ValueError: the split is empty, or renders are missing, too many or of
      another size.
  """
  views = scene.split(split)
  if not len(views):
    raise user_error.UserError(
      f"scene {scene.name!r} holds no images of split {split!r}; expected one "
      "that does, or --config.scene.holdout=N"
    )
  names = views.cameras.names
  found = renders.find(
    folder,
    names,
    split=split,
    pattern=pattern,
    order=order,
    by_file=scene.format == _COUNTED_BY_FILE,
  )
  if right_half:
    found = dataclasses.replace(found, right_half=True)
  sizes = [(camera.width, camera.height) for camera in views.cameras]
  pictures = renders.Renders(found, sizes)
  lpips_params = lpips.load_lpips()
  with progress.progress(len(names), "scoring") as bar:
    held_out = novel_views.score_novel_views(
      pictures,
      views.images,
      names,
      lpips_params=lpips_params,
      advance=bar.advance,
    )
  rows = []
  if style is not None:
    scored = {"renders": (pictures, views.images)}
    scored["photographs"] = (views.images, None)
    with progress.progress(2 * len(names), "scoring the style") as bar:
      for name, (shown, content) in scored.items():
        scores = frames.score_pictures(
          shown,
          content,
          lpips_params,
          style=style.image,
          encode=encode,
          advance=bar.advance,
        )
        row = {"name": name, "style": style.name, "consistency": []}
        rows.append(row | scores)
  result = report.make_report(
    rows,
    protocol={
      "renders": str(folder),
      "program": found.program or None,
      "named_by": found.named_by,
      "scene": scene.name,
      "split": split,
      "width": sizes[0][0],
      "height": sizes[0][1],
      "gaps": [],
    },
    held_out=held_out,
  )
  if json_path is not None:
    report.write_report(result, json_path)
  print(report.plain_table(report.held_out_cells(result)))
  if rows:
    print(report.terminal_table(result, wide=wide))
  return result
