"""Pictures on their side against Pillow's own turning."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from stylized_nerf_jax.scenes.pictures import upright_files


def _write(path, orientation, mode="RGB", size=(12, 8), **options):
  random = np.random.default_rng(orientation)
  pixels = random.integers(0, 256, (size[1], size[0], len(mode)), np.uint8)
  exif = Image.Exif()
  exif[0x0112] = orientation
  Image.fromarray(pixels).save(path, exif=exif, **options)
  with Image.open(path) as image:
    return np.asarray(ImageOps.exif_transpose(image)) / 255


@pytest.mark.parametrize("orientation", upright_files.SIDEWAYS)
@pytest.mark.parametrize("ending", ["jpg", "webp"])
def test_turned_as_pillow_turns(tmp_path, orientation, ending):
  path = tmp_path / f"a.{ending}"
  expected = _write(path, orientation)
  assert upright_files.orientation(path) == orientation
  images = upright_files.UprightFiles([path], [(8, 12)], [orientation])
  np.testing.assert_allclose(images[0], expected, atol=1e-6)
  half = upright_files.UprightFiles([path], [(4, 6)], [orientation])[0]
  blocks = expected.reshape(6, 2, 4, 2, 3).mean((1, 3))
  np.testing.assert_allclose(half, blocks, atol=1e-6)


def test_pillow_turns_tiff_itself(tmp_path):
  path = tmp_path / "a.tif"
  _write(path, 6)
  with Image.open(path) as image:
    assert image.size == (8, 12) == np.asarray(image).shape[1::-1]
  assert upright_files.orientation(path) == 1


def test_alpha_is_turned_with_its_colours(tmp_path):
  path = tmp_path / "a.webp"
  expected = _write(path, 6, mode="RGBA", lossless=True, exact=True)
  images = upright_files.UprightFiles(
    [path], [(8, 12)], [6], background="black"
  )
  alphas = upright_files.UprightAlphas(images)
  np.testing.assert_allclose(alphas[0], expected[..., 3], atol=1e-6)
  np.testing.assert_allclose(
    images[0], expected[..., :3] * expected[..., 3:], atol=1e-6
  )


def test_upright_pictures_stay(tmp_path):
  path = tmp_path / "a.png"
  pixels = _write(path, 1)
  assert upright_files.orientation(path) == 1
  images = upright_files.UprightFiles([path] * 2, [(12, 8)] * 2, [1, 1])
  np.testing.assert_allclose(images[1], pixels, atol=1e-6)
  turned = upright_files.UprightFiles([path], [(12, 8)], [6])
  assert turned.file_digest(0) != images.file_digest(0)


@pytest.mark.parametrize(
  ("orientation", "stated", "chosen"),
  [
    (6, (8, 12), ((8, 12), 6)),
    (6, (80, 121), ((8, 12), 6)),
    (6, (12, 8), ((12, 8), 1)),
    (6, (None, None), ((12, 8), 1)),
    (3, (12, 8), ((12, 8), 1)),
    (1, (8, 12), ((12, 8), 1)),
  ],
)
def test_which_pixels_are_meant(tmp_path, orientation, stated, chosen):
  path = tmp_path / "a.jpg"
  _write(path, orientation)
  size, turned, note = upright_files.choose(path, (12, 8), stated)
  assert (size, turned) == chosen
  assert bool(note) == (orientation != 1)
