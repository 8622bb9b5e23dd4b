"""One scene, written in every format, has the same rays whatever was read."""

import shutil

import export_writers
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scene_writers

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes.readers.formats import load_scene
from stylized_nerf_jax.scenes.synthetic import embedded

_LENSES = {
  "opencv": (0.06, -0.08, -1e-3, 2e-3),
  "full_opencv": (0.3, 0.1, 1e-3, -2e-3, 0.01, 0.28, 0.1, 0.02),
  "fisheye": (-0.013, 0.021, -0.014, 0.002),
}
_WRITERS = {**scene_writers.WRITERS, **export_writers.WRITERS}
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


@pytest.mark.parametrize("name", list(_WRITERS))
def test_every_format_gives_the_same_rays(name, tmp_path):
  given = scene_writers.make()
  root = _WRITERS[name](given, tmp_path / "scene")
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


@pytest.fixture(scope="module")
def plaza():
  """Four views of the embedded scene, the first and third held out."""
  scene = embedded.make_scene(num_train=2, num_test=2, width=16, height=12)
  pictures = np.stack([np.round(255 * image) for image in scene.images])
  given = scene_writers.Given(
    scene.cameras, pictures.astype(np.uint8), np.ones((1, 3))
  )
  return scene, given


@pytest.mark.parametrize("name", list(export_writers.WRITERS))
def test_the_embedded_scene_comes_back(name, plaza, tmp_path):
  scene, given = plaza
  options = {}
  order = list(range(len(scene)))
  if name == "nsvf":
    prefixes = ["2_" if i in scene.splits["test"] else "0_" for i in order]
    options = {"prefixes": prefixes, "box": np.ravel(scene.bounding_box)}
    order = [*scene.splits["train"], *scene.splits["test"]]
  root = export_writers.WRITERS[name](given, tmp_path / "plaza", **options)
  found = load_scene(root, holdout=0)
  np.testing.assert_allclose(
    found.cameras.camera_to_world,
    scene.cameras.camera_to_world[order],
    atol=1e-12,
  )
  for field in ("fl_x", "fl_y", "cx", "cy", "width", "height"):
    np.testing.assert_array_equal(
      getattr(found.cameras, field), getattr(scene.cameras, field)
    )
  for i, image in zip(order, found.images, strict=True):
    np.testing.assert_allclose(image, scene.images[i], atol=1e-6)
  if name == "nsvf":
    assert found.splits == {"train": (0, 1), "test": (2, 3)}
    assert found.bounding_box == scene.bounding_box


@pytest.mark.parametrize("model", list(_LENSES))
@pytest.mark.parametrize(
  "name", ["transforms", "colmap", "colmap_text", "metashape"]
)
def test_every_lens_gives_the_same_rays(name, model, tmp_path):
  terms = _LENSES[model]
  if name == "metashape" and model == "full_opencv":
    terms = (*terms[:5], 0.0, 0.0, 0.0)  # Its k4 is another term.
  given = scene_writers.make(3, lens=(model, terms))
  root = _WRITERS[name](given, tmp_path / "scene")
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
