"""Writes scenes and style sets as TensorFlow datasets."""

import pathlib
from collections.abc import Callable

from stylized_nerf_jax.datasets import posed_scene, preparing, style_images
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes import tfds_address
from stylized_nerf_jax.scenes.pictures import styles


def export_scene(
  scene: scene_lib.Scene,
  folder: str | pathlib.Path,
  *,
  name: str = "",
  advance: Callable[[], None] | None = None,
) -> tfds_address.Address:
  """Writes a scene as `posed_scene/NAME`.

  Args:
    scene: any scene.
    folder: TFDS's data_dir, which may hold other datasets.
    name: of the configuration; default: that of the scene.
    advance: called after every view.

  Returns:
    Where it lies; `formats.load_scene` reads it.

  Raises:
    ValueError: it is there already, an image cannot be read, or a file not be
      written.
  """
  builder = posed_scene.PosedScene(scene)
  return preparing.prepare(builder, name or scene.name, folder, advance=advance)


def export_styles(
  source: str,
  folder: str | pathlib.Path,
  *,
  name: str = "",
  advance: Callable[[], None] | None = None,
) -> tfds_address.Address:
  """Writes a style set as `style_images/NAME`, its pictures at their own size.

  Args:
    source: as `styles.load_style_set` takes it.
    folder: TFDS's data_dir, which may hold other datasets.
    name: of the configuration; default: that of the folder or file.
    advance: called after every picture.

  Returns:
    Where it lies; `styles.load_style_set` reads it.

  Raises:
    ValueError: as `export_scene`, or two styles have one name.
  """
  found, _ = styles.find_styles(source)
  builder = style_images.StyleImages(found)
  return preparing.prepare(
    builder, name or _name(source), folder, advance=advance
  )


def _name(source: str) -> str:
  """Names a set after its folder or file, or as it was asked for."""
  path = pathlib.Path(source).expanduser()
  if path.exists():
    return path.resolve().stem
  return source.removeprefix(tfds_address.PREFIX).partition("?")[0]
