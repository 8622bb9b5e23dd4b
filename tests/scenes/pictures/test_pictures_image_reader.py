"""Picture files: order, decoding, resizing with alpha, damage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stylized_nerf_jax.scenes.pictures import image_reader


def test_names_are_ordered_as_people_count(tmp_path, write_picture):
  for name in ("r_10.png", "R_2.PNG", "r_1.jpg", ".r_0.png", "notes.txt"):
    write_picture(tmp_path / "x.png", 2, 2)
    (tmp_path / "x.png").rename(tmp_path / name)
  names = [path.name for path in image_reader.list_images(tmp_path)]
  assert names == ["r_1.jpg", "R_2.PNG", "r_10.png"]


@given(st.lists(st.text("a1²٣ ._-", max_size=6)))
def test_any_names_can_be_ordered(names):
  ordered = sorted(names, key=image_reader.natural_key)
  assert sorted(ordered) == sorted(names)


def _rgba_oracle(pixels, factor, background):
  """Averages premultiplied blocks pixel by pixel, then composites."""
  height, width = (size // factor for size in pixels.shape[:2])
  result = np.zeros((height, width, 3))
  for row in range(height):
    for column in range(width):
      for i in range(factor):
        for j in range(factor):
          *color, alpha = (
            pixels[row * factor + i, column * factor + j].astype(float) / 255
          )
          over = np.array(color) * alpha + (1 - alpha) * background
          result[row, column] += over / factor**2
  return result


@pytest.mark.parametrize(("background", "value"), [("white", 1), ("black", 0)])
def test_alpha_is_composited_before_colours_mix(
  tmp_path, write_picture, background, value
):
  path = tmp_path / "a.png"
  pixels = write_picture(path, 12, 8, mode="RGBA")
  images = image_reader.ImageFiles([path], [(3, 2)], background=background)
  expected = _rgba_oracle(pixels, 4, value)
  assert images[0].dtype == np.float32
  np.testing.assert_allclose(images[0], expected, atol=1e-5)
  alphas = image_reader.AlphaFiles([path], [(3, 2)])
  expected = pixels[..., 3].reshape(2, 4, 3, 4).mean(axis=(1, 3)) / 255
  np.testing.assert_allclose(alphas[0], expected, atol=1e-5)


def test_hidden_colours_do_not_bleed_into_a_smaller_picture(tmp_path):
  pixels = np.zeros((6, 6, 4), np.uint8)
  pixels[..., 0] = 255
  pixels[2:4, 2:4] = [0, 255, 0, 255]
  Image.fromarray(pixels).save(tmp_path / "a.png")
  for size in ((3, 3), (4, 4)):
    images = image_reader.ImageFiles(
      [tmp_path / "a.png"], [size], background="black"
    )
    assert images[0][..., 0].max() == 0
    assert images[0][..., 1].max() > 0.2


@settings(max_examples=25, deadline=None)
@given(
  width=st.integers(1, 20),
  height=st.integers(1, 20),
  value=st.floats(0, 1, width=32),
)
def test_resizing_keeps_a_constant_picture(width, height, value):
  pixels = np.full((20, 20, 3), value, np.float32)
  resized = image_reader.resize(pixels, (width, height))
  assert resized.shape == (height, width, 3)
  np.testing.assert_allclose(resized, value, atol=1e-5)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "CMYK", "I;16", "1"])
def test_every_kind_of_picture_becomes_rgb(tmp_path, mode):
  grey = np.tile(np.arange(0, 256, 32, dtype=np.uint8), (4, 1))
  picture = Image.fromarray(grey)
  if mode == "I;16":
    picture = Image.fromarray(grey.astype(np.uint16) * 257)
  elif mode == "CMYK":
    picture = picture.convert("RGB").convert("CMYK")
  elif mode == "1":
    grey = np.where(grey > 127, 255, 0).astype(np.uint8)
    picture = Image.fromarray(grey).convert("1")
  elif mode != "L":
    picture = picture.convert(mode)
  path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
  picture.save(path)
  image = image_reader.ImageFiles([path], [picture.size])[0]
  assert image.shape == (4, 8, 3)
  np.testing.assert_allclose(
    image, np.repeat(grey[..., None] / 255, 3, axis=-1), atol=1 / 255
  )


def test_damaged_files_are_named(tmp_path, write_picture):
  path = tmp_path / "a.png"
  with pytest.raises(ValueError, match="a.png: no such image"):
    image_reader.read_header(path)
  path.touch()
  with pytest.raises(ValueError, match=r"a.png.*empty \(0 bytes\)"):
    image_reader.read_header(path)
  path.write_bytes(b"<html>not found</html>")
  with pytest.raises(ValueError, match="a.png: not a readable image"):
    image_reader.read_header(path)
  write_picture(path, 64, 64)
  content = path.read_bytes()
  path.write_bytes(content[: len(content) // 2])
  assert image_reader.read_header(path) == ((64, 64), False)
  with pytest.raises(ValueError, match="a.png: the image is damaged"):
    image_reader.ImageFiles([path], [(64, 64)])[0]


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_damage_is_found_before_a_picture_is_wanted(
  tmp_path, write_picture, suffix
):
  good, bad = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
  write_picture(good, 64, 64)
  write_picture(bad, 64, 64)
  image_reader.check_files([good, bad])
  content = bad.read_bytes()
  bad.write_bytes(content[: int(0.7 * len(content))])
  with pytest.raises(ValueError, match=f"b.{suffix}: .*copy it again"):
    image_reader.check_files([good, bad])


def test_a_changed_byte_of_a_png_is_found(tmp_path, write_picture):
  path = tmp_path / "a.png"
  write_picture(path, 64, 64)
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  path.write_bytes(content)
  with pytest.raises(ValueError, match="a.png: the image is damaged"):
    image_reader.check_files([path])


def test_images_are_read_when_asked_for(tmp_path, write_picture):
  path = tmp_path / "a.png"
  images = image_reader.ImageFiles([path] * 1000, [(4, 4)] * 1000)
  assert len(images) == 1000
  pixels = write_picture(path, 4, 4)
  np.testing.assert_allclose(images[999], pixels / 255, atol=1e-6)
  with pytest.raises(IndexError):
    images[1000]
