"""One scene, written in every format, has the same rays whatever was read."""

import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scene_writers

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes.readers.formats import load_scene

_LENSES = {
  "opencv": (0.06, -0.08, -1e-3, 2e-3),
  "full_opencv": (0.3, 0.1, 1e-3, -2e-3, 0.01, 0.28, 0.1, 0.02),
  "fisheye": (-0.013, 0.021, -0.014, 0.002),
}
_unproject = jax.jit(rays_lib.unproject_depth)


def assert_same_rays(found, expected):
  """Compares directions, to 1e-4 of a pixel, and centres of all pixels."""
  assert len(found) == len(expected)
  for one, other in zip(found, expected, strict=True):
    assert (one.width, one.height) == (other.width, other.height)
    xy = rays_lib.pixel_grid(one.height, one.width)
    depth = jnp.ones(xy.shape[:-1])
    ends = []
    for camera in (one, other):
      arrays = rays_lib.camera_arrays(camera, None)
      arrays = arrays.replace(
        camera_to_model=arrays.camera_to_model.at[:, 3].set(0.0)
      )
      ends.append(np.asarray(_unproject(arrays, xy, depth)))
    assert np.abs(ends[0] - ends[1]).max() * other.fl_x < 1e-4
    np.testing.assert_allclose(
      one.camera_to_world[:3, 3], other.camera_to_world[:3, 3], atol=1e-9
    )


@pytest.mark.parametrize("name", list(scene_writers.WRITERS))
def test_every_format_gives_the_same_rays(name, tmp_path):
  given = scene_writers.make()
  root = scene_writers.WRITERS[name](given, tmp_path / "scene")
  scene = load_scene(root)
  assert scene.format == name.removesuffix("_text")
  assert_same_rays(scene.cameras, given.cameras)
  assert scene.cameras.models == ("pinhole",) * 5
  for image, pixels in zip(scene.images, given.pictures, strict=True):
    np.testing.assert_allclose(image * 255, pixels, atol=1e-3)
  half = load_scene(root, downsample=2)
  assert_same_rays(half.cameras, [c.scaled(0.5) for c in given.cameras])
  assert half.images[4].shape == (6, 8, 3)
  assert len(half.content_hash) == 64


@pytest.mark.parametrize("model", list(_LENSES))
@pytest.mark.parametrize("name", ["transforms", "colmap", "colmap_text"])
def test_every_lens_gives_the_same_rays(name, model, tmp_path):
  given = scene_writers.make(3, lens=(model, _LENSES[model]))
  root = scene_writers.WRITERS[name](given, tmp_path / "scene")
  scene = load_scene(root, holdout=0)
  assert scene.cameras.models == (model,) * 3
  assert_same_rays(scene.cameras, given.cameras)


@pytest.mark.parametrize(
  ("make", "expected"),
  [(scene_writers.make, "llff"), (scene_writers.make_ring, "colmap")],
)
def test_of_two_formats_all_round_captures_take_the_model(
  make, expected, tmp_path
):
  given = make()
  for name in ("llff", "colmap"):
    scene_writers.WRITERS[name](given, tmp_path / name)
  shutil.copytree(tmp_path / "colmap", tmp_path / "llff", dirs_exist_ok=True)
  scene = load_scene(tmp_path / "llff")
  assert scene.format == expected
  assert_same_rays(scene.cameras, given.cameras)
  assert load_scene(tmp_path / "llff", format="llff").format == "llff"
