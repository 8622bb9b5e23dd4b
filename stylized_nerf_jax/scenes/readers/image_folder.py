"""Folders of one capture's photographs at several sizes: images, images_N."""

import pathlib
import re

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import leftovers


def find(root: pathlib.Path, downsample: float) -> tuple[pathlib.Path, int]:
  """Chooses the folder whose pictures are decoded.

  Args:
    root: folder of the scene.
    downsample: wanted reduction, at least 1.

  Returns:
    `images_N` of the largest N up to `downsample` (`images` is 1), and N.

  Raises:
    ValueError: there is none; the message says what there is.
  """
  found = find_all(root)
  usable = [factor for factor in found if factor <= downsample]
  if not usable:
    have = ", ".join(found[factor].name for factor in sorted(found)) or "none"
    hint = f"; set downsample to {min(found)}" if found else ""
    raise user_error.UserError(
      f"{root}: no folder `images` or `images_N` with N up to downsample "
      f"{downsample:g} (found: {have}){hint}"
    )
  return found[max(usable)], max(usable)


def find_all(root: pathlib.Path) -> dict[int, pathlib.Path]:
  """Returns all folders of photographs by their N."""
  found = {}
  for folder in root.iterdir():
    match = re.fullmatch(r"images(?:_([1-9][0-9]*))?", folder.name)
    if match and folder.is_dir():
      found[int(match[1] or 1)] = folder
  return found


def others(root: pathlib.Path, chosen: pathlib.Path) -> list[str]:
  """Returns a message of the folders that were not chosen; or none."""
  found = find_all(root)
  names = [found[n].name for n in sorted(found) if found[n] != chosen]
  if not names:
    return []
  return [
    f"pictures are read from {chosen.name}, not from {leftovers.some(names)}"
  ]
