"""`stylized-nerf convert` to NSVF's layout and to COLMAP's model, and back."""

import json

import jax
import numpy as np
import pytest
import tiny_run
from PIL import Image

from stylized_nerf_jax.cli import main
from stylized_nerf_jax.outputs import scene_writer
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes.readers.formats import load_scene
from stylized_nerf_jax.scenes.synthetic import embedded

_LENSES = (
  {"k1": 0.0, "p2": 0.0},
  {"k1": 0.05, "k2": -0.02, "p1": 1e-3, "p2": -2e-3},
  {"camera_model": "OPENCV_FISHEYE", "k1": -0.01, "p2": 0, "k4": 0.002},
  {"camera_model": "FULL_OPENCV", "k3": 0.01, "k4": 0.02, "k6": 0.01},
)
_unproject = jax.jit(rays_lib.unproject_depth)


def _convert(scene, out, kind, *arguments):
  return main.main(
    ["convert", str(scene), f"--format={kind}", f"--out={out}", *arguments]
  )


def _ends(cameras) -> np.ndarray:
  """Points at distance 1 along rays of some pixels of each: [V, 9, 3]."""
  x, y = np.meshgrid([0.5, 7.5, 15.5], [0.5, 6.0, 11.5])
  xy = np.stack([x, y], -1).reshape(1, 9, 2).astype(np.float32)
  ends = [
    _unproject(rays_lib.camera_arrays(camera, None), xy, np.ones((1, 9)))
    for camera in cameras
  ]
  return np.concatenate(ends)


def _edit(root, **fields) -> dict:
  """Puts fields into transforms.json; fields of frames by "frames"."""
  path = root / "transforms.json"
  content = json.loads(path.read_text())
  for frame, own in zip(content["frames"], fields.pop("frames", ())):
    frame |= own
  content |= fields
  path.write_text(json.dumps(content))
  return content


def test_the_embedded_scene_as_nsvf(tmp_path):
  expected = embedded.make_scene(num_train=3, num_test=2, width=16, height=12)
  out = tmp_path / "out"
  assert scene_writer.write_scene(expected, out, format="nsvf") == ()
  scene = load_scene(out)
  assert scene.format == "nsvf" and scene.layout == "bounded"
  assert (scene.near, scene.far) == (expected.near, expected.far)
  assert scene.bounding_box == expected.bounding_box
  order = [*expected.splits["train"], *expected.splits["test"]]
  assert scene.splits == {"train": (0, 1, 2), "test": (3, 4)}
  np.testing.assert_array_equal(
    scene.cameras.camera_to_world, expected.cameras.camera_to_world[order]
  )
  for name in ("fl_x", "fl_y", "cx", "cy"):
    np.testing.assert_array_equal(
      getattr(scene.cameras, name), getattr(expected.cameras, name)
    )
  for i in range(5):
    np.testing.assert_allclose(
      scene.images[i], expected.images[order[i]], atol=0.51 / 255
    )


def test_nsvf_has_splits_in_names_and_masks_in_alpha(tmp_path, capsys):
  root = tiny_run.write_transforms(tmp_path / "capture", k1=0, p2=0, cx=7.5)
  mask = np.full((12, 16), 255, np.uint8)
  mask[:3] = 0
  Image.fromarray(mask).save(root / "mask.png")
  named = [f"images/{i}.png" for i in range(8)]
  _edit(
    root,
    frames=[{}, {"mask_path": "mask.png"}],
    train_filenames=named[:4],
    val_filenames=named[4:5],
    test_filenames=named[5:7],
  )
  out = tmp_path / "out"
  assert _convert(root, out, "nsvf") == 0
  told = capsys.readouterr().out
  for words in (
    "1 images of no split are left out",
    "masks are written as alpha",
    "there is no bbox.txt",
    "bounds are not kept",
  ):
    assert words in told
  expected, scene = load_scene(root), load_scene(out, background="black")
  assert scene.splits == {"train": (0, 1, 2, 3), "val": (4,), "test": (5, 6)}
  np.testing.assert_array_equal(
    scene.cameras.camera_to_world, expected.cameras.camera_to_world[:7]
  )
  assert scene.cameras.cx.tolist() == [7.5] * 7
  np.testing.assert_array_equal(scene.alphas[0], 1)
  np.testing.assert_array_equal(scene.alphas[1], mask / 255)
  for i in range(7):
    kept = expected.masks[i][..., None] * expected.images[i]
    np.testing.assert_allclose(scene.images[i], kept, atol=0.51 / 255)


def test_white_of_nsvf_becomes_alpha_elsewhere(tmp_path):
  root = tiny_run.write_transforms(tmp_path / "capture", 3, k1=0, p2=0)
  for path in (root / "images").iterdir():
    pixels = np.full((12, 16, 3), 255, np.uint8)
    pixels[4:8, 4:12] = 90
    Image.fromarray(pixels).save(path)
  assert _convert(root, tmp_path / "nsvf", "nsvf") == 0
  assert load_scene(tmp_path / "nsvf").transparent
  assert _convert(tmp_path / "nsvf", tmp_path / "out", "transforms") == 0
  scene = load_scene(tmp_path / "out", background="black")
  assert scene.transparent
  np.testing.assert_array_equal(scene.alphas[2][4:8, 4:12], 1)
  assert scene.alphas[2].sum() == 4 * 8
  assert scene.images[2].sum() == pytest.approx(3 * 32 * 90 / 255, abs=1e-3)


@pytest.mark.parametrize(
  ("fields", "frame", "words"),
  [
    ({}, {}, "NSVF cannot hold 'images/0.png': its lens is opencv"),
    ({"k1": 0, "p2": 0}, {"fl_x": 21}, "'images/1.png': its focal lengths or"),
    ({"k1": 0, "p2": 0}, {"cx": 6}, "are not those of 'images/0.png'"),
    ({"k1": 0, "p2": 0, "cx": 17}, {}, "the principal point is (17, 6)"),
  ],
)
def test_what_nsvf_cannot_hold(fields, frame, words, tmp_path, capsys):
  root = tiny_run.write_transforms(tmp_path / "capture", 3, **fields)
  if frame:
    size = {"w": 16, "h": 12}
    _edit(root, frames=[{"fl_x": 20, **size}, {**frame, **size}])
  out = tmp_path / "out"
  assert _convert(root, out, "nsvf") == 2
  error = capsys.readouterr().err
  assert words in error and error.count("\n") == 1 and not out.exists()


@pytest.fixture(scope="module")
def lenses(tmp_path_factory):
  """A capture with four lenses and a mask, and what it became in COLMAP."""
  folder = tmp_path_factory.mktemp("lenses")
  root = tiny_run.write_transforms(folder / "capture", 8, k1=0, p2=0)
  Image.new("L", (16, 12)).save(root / "mask.png")
  size = {"w": 16, "h": 12, "fl_y": 21.0, "cx": 7.25, "cy": 6.5}
  frames = [{**_LENSES[i // 2], **size} for i in range(8)]
  frames[3]["mask_path"] = "mask.png"
  named = [f"images/{i}.png" for i in (2, 5)]
  _edit(root, frames=frames, test_filenames=named)
  assert _convert(root, folder / "out", "colmap") == 0
  return root, folder / "out"


def test_colmap_holds_every_lens(lenses, capsys):
  root, out = lenses
  expected, scene = load_scene(root), load_scene(out)
  assert scene.format == "colmap"
  assert expected.cameras.models == scene.cameras.models
  assert set(scene.cameras.models) == {
    "pinhole", "opencv", "fisheye", "full_opencv",
  }  # fmt: skip
  np.testing.assert_allclose(
    _ends(scene.cameras), _ends(expected.cameras), atol=1e-5
  )
  for one, other in zip(scene.images, expected.images, strict=True):
    np.testing.assert_array_equal(one, other)
  assert (out / "sparse/0/test.txt").read_text() == "2.png\n5.png\n"
  assert scene.splits == expected.splits and scene.splits["test"] == (2, 5)
  masks = sorted(path.name for path in (out / "masks").iterdir())
  assert masks == [f"{i}.png.png" for i in range(8)]
  assert np.asarray(Image.open(out / "masks" / "3.png.png")).max() == 0
  assert np.asarray(Image.open(out / "masks" / "2.png.png")).min() == 255


def test_pycolmap_sees_through_the_same_cameras(lenses):
  pycolmap = pytest.importorskip("pycolmap")
  root, out = lenses
  cameras = load_scene(root).cameras
  model = pycolmap.Reconstruction(str(out / "sparse" / "0"))
  assert len(model.cameras) == 4 and model.num_reg_images() == 8
  by_name = {image.name: image for image in model.images.values()}
  x, y = np.meshgrid([0.5, 7.5, 15.5], [0.5, 6.0, 11.5])
  expected = np.stack([x, y], -1).reshape(9, 2)
  for camera, ends in zip(cameras, _ends(cameras), strict=True):
    image = by_name[camera.name.removeprefix("images/")]
    np.testing.assert_allclose(
      image.projection_center(), camera.camera_to_world[:3, 3], atol=1e-9
    )
    found = [image.project_point(end) for end in ends]
    np.testing.assert_allclose(found, expected, atol=1e-3)
