"""transforms.json: masks of every dialect, and pictures on their side."""

import json

import jax
import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes.readers.formats import load_scene
from stylized_nerf_jax.tasks import scene_inspection

_CORNER = np.ones((12, 16), bool)
_CORNER[:6, :8] = False


def _save(path, array):
  path.parent.mkdir(exist_ok=True)
  Image.fromarray(array.astype(np.uint8)).save(path)


@pytest.mark.parametrize("white", [1, 255])
def test_labels_of_0_and_1_are_masks(write_transforms, white):
  frames = [(f"{i}.png", {"mask_path": f"masks/{i}.png"}) for i in range(3)]
  root = write_transforms(frames)
  for i in range(3):
    _save(root / f"masks/{i}.png", _CORNER * white)
  for downsample in (1, 2):
    masks = load_scene(root, downsample=downsample).masks
    assert [mask.mean() for mask in masks] == [0.75] * 3
  facts = scene_inspection.describe(load_scene(root))
  assert facts["usable"] == "75.0% of the pixels"


def test_smaller_masks_of_smaller_pictures(write_transforms):
  frames = [(f"{i}.png", {"mask_path": f"masks/{i}.png"}) for i in range(3)]
  root = write_transforms(frames)
  for i in range(3):
    _save(root / f"masks_2/{i}.png", _CORNER[::2, ::2])
  np.testing.assert_array_equal(load_scene(root).masks[1], _CORNER)
  _save(root / "masks_2/1.png", np.ones((16, 12)))
  with pytest.raises(ValueError, match="frame 1 .*the mask 1.png is 12x16"):
    load_scene(root)


def test_masks_of_what_moves_lie_beside_the_pictures(write_transforms):
  frames = [(f"images/{i}.png", {}) for i in range(3)]
  root = write_transforms(frames)
  assert load_scene(root).masks is None
  _save(root / "images/dynamic_mask_1.png", ~_CORNER * 7)
  scene = load_scene(root)
  assert not scene.messages
  assert [mask.mean() for mask in scene.masks] == [1, 0.75, 1]
  np.testing.assert_array_equal(scene.masks[1], _CORNER)
  # That of the whole picture goes with a smaller copy.
  (root / "images_2").mkdir()
  with Image.open(root / "images/1.png") as image:
    image.resize((8, 6)).save(root / "images_2/1.png")
  scene = load_scene(root, downsample=2)
  np.testing.assert_array_equal(scene.masks[1], _CORNER[::2, ::2])


def test_the_disc_of_a_fisheye(write_transforms, write_picture):
  root = write_transforms(
    [("a.png", {}), ("b.png", {})],
    fisheye_crop_radius=40.0,
    camera_model="OPENCV_FISHEYE",
    **{"w": 200, "h": 160, "fl_x": 90.0},
  )
  for name in ("a.png", "b.png"):
    write_picture(root / name, 100, 80)
  for downsample in (1, 2):
    masks = load_scene(root, downsample=downsample, holdout=0).masks
    radius = 20 / downsample
    assert masks[0].sum() == pytest.approx(np.pi * radius**2, rel=0.03)
    assert masks[0][40 // downsample, 50 // downsample]
  path = root / "transforms.json"
  content = json.loads(path.read_text())
  path.write_text(json.dumps({**content, "camera_model": "OPENCV"}))
  assert load_scene(root, holdout=0).masks is None  # As nerfstudio has it.
  path.write_text(json.dumps({**content, "fisheye_crop_radius": 0}))
  with pytest.raises(ValueError, match='"fisheye_crop_radius" is 0; expected'):
    load_scene(root)


def _on_their_side(root, names, orientation=6):
  """Stores pictures turned, as a camera does that is held upright."""
  upright = []
  for name in names:
    path = root / name
    with Image.open(path) as image:
      pixels = np.asarray(image.convert("RGB").resize((12, 16)))
    stored = np.rot90(pixels, 1 if orientation == 6 else -1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(path, "JPEG", exif=exif, quality=100)
    with Image.open(path) as image:
      turned = np.rot90(np.asarray(image), -1 if orientation == 6 else 1)
    upright.append(turned / 255)
  return upright


@pytest.mark.parametrize("orientation", [6, 8])
def test_pictures_on_their_side_under_upright_cameras(
  write_transforms, orientation
):
  names = ["1.jpg", "2.jpg"]
  root = write_transforms(
    [(name, {}) for name in names],
    **{"w": 12, "h": 16, "fl_x": 20.0, "cx": 5.0, "cy": 9.0},
  )
  upright = _on_their_side(root, names, orientation)
  scene = load_scene(root, holdout=0)
  for image, expected in zip(scene.images, upright, strict=True):
    np.testing.assert_allclose(image, expected, atol=1e-6)
  camera = scene.cameras[0]
  assert (camera.width, camera.height) == (12, 16)
  assert (camera.cx, camera.cy) == (5, 9)
  assert "turned upright" in scene.messages[0]
  half = load_scene(root, holdout=0, downsample=2)
  assert half.images[0].shape == (8, 6, 3)
  assert half.content_hash != scene.content_hash


def test_pictures_on_their_side_under_cameras_of_stored_pixels(
  write_transforms,
):
  names = ["1.jpg", "2.jpg"]
  frames = [(name, {}) for name in names]
  for fields in ({}, {"w": None, "h": None}):
    root = write_transforms(frames, **fields)
    upright = _on_their_side(root, names)
    scene = load_scene(root, holdout=0)
    stored = np.rot90(upright[0], 1)
    np.testing.assert_allclose(scene.images[0], stored, atol=1e-6)
    assert "EXIF orientation is not followed" in scene.messages[0]


def test_rays_of_an_r8_are_those_of_its_polynomial(write_transforms):
  """The pixel that the polynomial leads a direction to looks along it."""
  k, p = (-0.1, 0.06, -0.04, 0.3), (1e-3, -2e-3)
  assert 20 * k[3] * 0.5**9 > 0.01  # It matters.
  terms = {"k1": k[0], "k2": k[1], "k3": k[2], "k4": k[3], "p1": p[0]}
  root = write_transforms(**terms, p2=p[1])
  camera = load_scene(root).cameras
  random = np.random.default_rng(0)
  x, y = random.uniform(-0.35, 0.35, (2, 50))
  r = x**2 + y**2
  radial = 1 + k[0] * r + k[1] * r**2 + k[2] * r**3 + k[3] * r**4
  bent = np.stack(
    [
      x * radial + 2 * p[0] * x * y + p[1] * (r + 2 * x**2),
      y * radial + 2 * p[1] * x * y + p[0] * (r + 2 * y**2),
    ],
    axis=-1,
  )
  arrays = rays_lib.camera_arrays(camera[:1], None)
  points = (
    np.stack([x, -y, -np.ones(50)], -1) @ camera[0].camera_to_world[:3, :3].T
    + camera.centers[0]
  )
  found, seen = jax.jit(rays_lib.project)(points.astype(np.float32), arrays)
  assert np.asarray(seen).all()
  np.testing.assert_allclose(found, bent * 20 + [8, 6], atol=1e-4)
