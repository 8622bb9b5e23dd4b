"""Maps to the palettes of a run's styles: fitted to its field, kept on disk."""

import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.fields import style_mixing
from stylized_nerf_jax.networks import modules, ray_blocks
from stylized_nerf_jax.phases import mutual_state
from stylized_nerf_jax.rendering import image_rendering
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.scenes.selection import small_views
from stylized_nerf_jax.stylizer import style_maps, weights_file

_FILE = "palettes.npz"  # beside the checkpoints of phase 3


def fit(
  config,
  record: scene_record.SceneRecord,
  params,
  codes: np.ndarray,
  paintings: Sequence[np.ndarray],
  *,
  transfer: str = style_maps.TABLE,
  advance: Callable[[], None] = lambda: None,
) -> style_maps.StyleMaps:
  """Fits maps from what styles look like on small views to their paintings.

  Args:
    config: of the run.
    record: of the scene.
    params: {"field", "style_field"}, and "finished" where styles have fields of
      their own.
    codes: [S, L], the styles' mean codes.
    paintings: of each style, [H, W, 3] in [0, 1].
    transfer: of the maps, applied where nobody says.
    advance: called after each style.
  """
  setting = modules.ray_setting(record)
  render = image_rendering.make_image_renderer(
    modules.radiance_field(config.field, setting.space),
    modules.style_field_of(config.style_field, setting.space),
    setting,
    in_styles=True,
    own_fields="finished" in params,
    rays_per_chunk=ray_blocks.per_chunk(config),
    rays_at_once=ray_blocks.for_stylized_rendering(config),
  )
  variables = {
    "field": params["field"],
    "style_field": style_mixing.of_each(params),
    "latents": np.asarray(codes, np.float32),
  }
  views = []
  for camera in small_views.small_cameras(record):
    arrays = rays_lib.camera_arrays(camera, record.normalization)
    views.append(render(variables, arrays, camera.height, camera.width))

  def colors_of(place: int) -> style_maps.Colors:
    parts = [
      style_maps.own_colors(
        view.rgb[:, :, place], view.opacity, record.background
      )
      for view in views
    ]
    colors, weights = zip(*parts)
    return np.concatenate(colors), np.concatenate(weights)

  return style_maps.fit_style_maps(
    colors_of, paintings, transfer=transfer, advance=advance
  )


def write(
  run: run_folder.RunFolder,
  maps: style_maps.StyleMaps,
  style_hashes: Sequence[str],
) -> None:
  """Keeps the maps of a run's styles, in the order of the hashes."""
  arrays = {name: getattr(maps, name) for name in style_maps.ARRAYS}
  facts = {"transfer": maps.transfer, "styles": list(style_hashes)}
  weights_file.save_weights(_path(run), arrays, facts)


def read(
  run: run_folder.RunFolder, style_hashes: Sequence[str]
) -> style_maps.StyleMaps | None:
  """Reads the maps of a run's styles; None where it keeps none.

  Raises:
    ValueError: the file is damaged, or of other styles.
  """
  path = _path(run)
  if not path.is_file():
    return None
  advice = "remove it, and colours stay as the style field paints them"
  try:
    arrays, facts = weights_file.load_weights(path)
    found = style_maps.StyleMaps(
      *(arrays[name] for name in style_maps.ARRAYS), transfer=facts["transfer"]
    )
  except (user_error.UserError, KeyError) as error:
    raise user_error.UserError(
      f"{path} is damaged ({error}): {advice}"
    ) from None
  if facts.get("styles") != list(style_hashes):
    raise user_error.UserError(
      f"{path} is of other styles than the run's: {advice}"
    )
  return found


def _path(run: run_folder.RunFolder) -> pathlib.Path:
  return run.phase_path(mutual_state.PHASE) / _FILE
