"""Maps to the palettes of a run's styles, made where they are asked for."""

import pathlib

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.phases import run_styles
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.stylizer import style_maps


def with_maps(
  model: model_lib.StylizedNerf,
  source: str | pathlib.Path,
  transfer: str | None,
) -> model_lib.StylizedNerf:
  """Returns a model that can map its styles' colours as it is asked to.

  Args:
    model: with styles.
    source: the folder of its run, whose paintings are read, or its file.
    transfer: what `--transfer` says.

  Raises:
    ValueError: maps have to be made, and the source is no folder of a run.
  """
  if model.palette_maps or transfer in (None, style_maps.NONE):
    return model
  if not pathlib.Path(source).is_dir():
    raise user_error.UserError(
      f"--transfer {transfer} with {source}: the file has no maps to its "
      "styles' palettes, which are made of their paintings: render the folder "
      "of its run, or save a model that `fit_style_maps` returned"
    )
  paintings = run_styles.stored(run_folder.RunFolder(source))
  with progress.progress(len(model.styles), "fitting palettes") as bar:
    return model.fit_style_maps(paintings, advance=bar.advance)
