"""Style sets: decoding, naming, hashing, and what is refused."""

import pathlib
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.scenes.pictures import picture_files, styles
from stylized_nerf_jax.scenes.synthetic import generated_styles

RED_TOP = np.zeros((20, 30, 3), np.uint8)
RED_TOP[:10] = [200, 20, 10]
RED_TOP[10:] = [10, 30, 180]


def _save(path: pathlib.Path, pixels: np.ndarray = RED_TOP, **options):
  Image.fromarray(pixels).save(path, **options)
  return path


def test_exif_rotation_is_applied(tmp_path):
  exif = Image.Exif()
  exif[0x0112] = 6  # stored so that it must be turned 90 degrees clockwise
  stored = np.rot90(RED_TOP, 1)
  path = _save(tmp_path / "a.png", stored, exif=exif)
  np.testing.assert_array_equal(picture_files.read_picture(path), RED_TOP)


def test_cmyk_jpeg_keeps_its_colours(tmp_path):
  path = tmp_path / "a.jpg"
  Image.fromarray(RED_TOP).convert("CMYK").save(path, quality=95)
  with Image.open(path) as stored:
    assert stored.mode == "CMYK"
  found = picture_files.read_picture(path).astype(int)
  assert np.abs(found[4, 15] - RED_TOP[4, 15]).max() < 12
  assert np.abs(found[16, 15] - RED_TOP[16, 15]).max() < 12


def test_grey_of_8_and_16_bits(tmp_path):
  ramp = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
  eight = picture_files.read_picture(_save(tmp_path / "a.png", ramp))
  deep = ramp.astype(np.uint16) * 257
  sixteen = picture_files.read_picture(_save(tmp_path / "b.png", deep))
  expected = np.repeat(ramp[..., None], 3, axis=-1)
  np.testing.assert_array_equal(eight, expected)
  np.testing.assert_array_equal(sixteen, expected)


def test_one_bit_picture(tmp_path):
  path = tmp_path / "a.png"
  Image.fromarray(RED_TOP[..., 0] > 100).save(path)
  found = picture_files.read_picture(path)
  assert found[0, 0].tolist() == [255, 255, 255]
  assert found[-1, 0].tolist() == [0, 0, 0]


def test_alpha_is_laid_over_white(tmp_path):
  rgba = np.dstack([RED_TOP, np.full((20, 30), 128, np.uint8)])
  rgba[:, :5, 3] = 0
  found = picture_files.read_picture(_save(tmp_path / "a.png", rgba))
  assert found[0, 0].tolist() == [255, 255, 255]
  part = 128 / 255
  expected = RED_TOP[0, 10] * part + 255 * (1 - part)
  assert np.abs(found[0, 10] - expected).max() <= 1


def test_palette_with_a_transparent_entry(tmp_path):
  image = Image.fromarray(RED_TOP).quantize(2)
  index = image.getpixel((0, 0))
  image.save(tmp_path / "a.png", transparency=index)
  found = picture_files.read_picture(tmp_path / "a.png")
  assert found[0, 0].tolist() == [255, 255, 255]
  np.testing.assert_array_equal(found[-1, 0], RED_TOP[-1, 0])


def test_grey_with_alpha(tmp_path):
  la = np.dstack([RED_TOP[..., 0], np.full((20, 30), 255, np.uint8)])
  la[0, 0, 1] = 0
  found = picture_files.read_picture(_save(tmp_path / "a.png", la))
  assert found[0, 0].tolist() == [255, 255, 255]
  assert found[0, 1].tolist() == [200, 200, 200]


def test_webp(tmp_path):
  path = _save(tmp_path / "a.webp", lossless=True)
  np.testing.assert_array_equal(picture_files.read_picture(path), RED_TOP)


@pytest.mark.parametrize("shape", [(20, 30), (30, 20), (700, 600), (64, 64)])
def test_short_side_is_style_size(tmp_path, shape):
  pixels = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
  style = styles.load_style_image(_save(tmp_path / "a.png", pixels), 64)
  assert min(style.pixels.shape[:2]) == 64
  assert style.image.dtype == np.float32
  wide, high = style.pixels.shape[1], style.pixels.shape[0]
  assert abs(wide / high - shape[1] / shape[0]) < 0.02
  # Upright and not mirrored.
  small = np.asarray(Image.fromarray(pixels).resize((wide, high)), float)
  assert np.corrcoef(small.ravel(), style.image.ravel())[0, 1] > 0.5


def test_order_messages_and_round_trip(tmp_path):
  folder = tmp_path / "paintings"
  folder.mkdir()
  _save(folder / "b.png")
  _save(folder / "a.jpg")
  (folder / "notes.txt").write_text("sources")
  (folder / "._a.jpg").write_bytes(b"left by another system")
  found = styles.load_style_set(folder, style_size=32)
  assert found.names == ("a", "b")
  assert len(found.messages) == 1 and "notes.txt" in found.messages[0]
  found.save_to(tmp_path / "run" / "styles")
  again = styles.load_style_set(tmp_path / "run" / "styles", style_size=32)
  assert again.names == found.names
  assert again.content_hashes == found.content_hashes
  other = styles.load_style_set(folder, style_size=48)
  assert not set(other.content_hashes) & set(found.content_hashes)


def test_saving_beside_a_stranger_is_refused(tmp_path):
  found = styles.load_style_set(_save(tmp_path / "a.png"), style_size=32)
  (tmp_path / "out").mkdir()
  _save(tmp_path / "out" / "old.png")
  with pytest.raises(ValueError, match="old.png"):
    found.save_to(tmp_path / "out")
  assert not (tmp_path / "out" / "a.png").exists()
  with pytest.raises(ValueError, match="cannot be saved"):
    found.save_to(tmp_path / "a.png")


def test_content_hash_does_not_depend_on_the_name(tmp_path):
  first = styles.load_style_image(_save(tmp_path / "a.png"), 32)
  second = styles.load_style_image(_save(tmp_path / "b.png"), 32)
  changed = RED_TOP.copy()
  changed[0, 0] = 255
  third = styles.load_style_image(_save(tmp_path / "c.png", changed), 32)
  assert first.content_hash == second.content_hash != third.content_hash


def test_same_picture_twice_is_left_out(tmp_path):
  _save(tmp_path / "a.png")
  _save(tmp_path / "b.png")
  found = styles.load_style_set(tmp_path, style_size=32)
  assert found.names == ("a",)
  assert "'b'" in found.messages[0] and "'a'" in found.messages[0]


def test_names_choose_and_order_without_decoding_others(tmp_path):
  _save(tmp_path / "a.png")
  _save(tmp_path / "b.png", RED_TOP[::-1])
  (tmp_path / "broken.png").write_bytes(b"no picture")
  found = styles.load_style_set(tmp_path, style_size=32, names="b, a")
  assert found.names == ("b", "a")
  assert found.subset(["a"]).names == ("a",)
  with pytest.raises(ValueError, match="broken.png"):
    styles.load_style_set(tmp_path, style_size=32)


def test_several_sources_and_a_comma_in_a_name_on_disk(tmp_path):
  folder = tmp_path / "one, two"
  folder.mkdir()
  _save(folder / "a.png")
  assert styles.load_style_set(folder, style_size=32).names == ("a",)
  _save(tmp_path / "b.png", RED_TOP[::-1])
  _save(tmp_path / "c.png", RED_TOP[:, ::-1] // 2)
  both = f"{tmp_path / 'b.png'}, {tmp_path / 'c.png'}"
  assert styles.load_style_set(both, style_size=32).names == ("b", "c")


def test_unknown_name_lists_known_and_nearest(tmp_path):
  for index, name in enumerate(("starry-night", "great-wave")):
    _save(tmp_path / f"{name}.png", RED_TOP // (index + 1))
  found = styles.load_style_set(tmp_path, style_size=32)
  with pytest.raises(ValueError, match="did you mean 'starry-night'") as caught:
    found.subset("stary-nigth")
  assert "great-wave" in str(caught.value)
  with pytest.raises(ValueError, match="twice"):
    found.subset("great-wave,great-wave")


@pytest.mark.parametrize("names", [("a.jpg", "a.png"), ("a.jpg", "A.png")])
def test_clashing_names_are_refused_with_both_files(tmp_path, names):
  for name in names:
    _save(tmp_path / name)
  with pytest.raises(ValueError, match="rename") as caught:
    styles.load_style_set(tmp_path, style_size=32)
  assert names[0] in str(caught.value) and names[1] in str(caught.value)


@pytest.mark.parametrize("name", ["a:0.5", "none", "a,b"])
def test_names_that_cannot_be_written_in_a_mix(tmp_path, name):
  _save(tmp_path / f"{name}.png")
  with pytest.raises(ValueError, match="rename the file"):
    styles.load_style_set(tmp_path, style_size=32)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
  check = zlib.crc32(kind + data)
  return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


@pytest.mark.parametrize("side", [10_001, 100_000])
def test_gigantic_claim_is_refused_before_decoding(tmp_path, side):
  header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
  path = tmp_path / "bomb.png"
  body = _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", b"")
  path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
  # Were it decoded, the missing data would be reported instead.
  with pytest.raises(ValueError, match="limit of 100 million"):
    styles.load_style_set(tmp_path, style_size=32)


def test_truncated_picture_names_the_file(tmp_path):
  noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
  path = _save(tmp_path / "a.jpg", noise)
  path.write_bytes(path.read_bytes()[:1500])
  with pytest.raises(ValueError, match=r"a\.jpg.*cannot be read"):
    styles.load_style_set(tmp_path, style_size=32)


def test_other_refusals(tmp_path):
  with pytest.raises(ValueError, match="no such file or folder"):
    styles.load_style_set(tmp_path / "absent")
  with pytest.raises(ValueError, match="no picture"):
    styles.load_style_set(tmp_path)
  with pytest.raises(ValueError, match="no style path"):
    styles.load_style_set("")
  with pytest.raises(ValueError, match="style_size is 0"):
    styles.load_style_set(tmp_path, style_size=0)
  _save(tmp_path / "strip.png", np.zeros((2, 90, 3), np.uint8))
  with pytest.raises(ValueError, match="strip"):
    styles.load_style_set(tmp_path)


def test_paintings_are_little_larger_than_the_views():
  for views, wanted in (((378,), 512), ((135,), 192), ((200, 20, 201), 256)):
    assert styles.size_for_views(views) == wanted
  # Of the size that the 2D stylizer knows, however small or large the views.
  assert styles.size_for_views((8,)) == 128
  assert styles.size_for_views((4000,)) == 512


def test_generated_styles_are_distinct_rich_and_repeatable():
  pictures = {
    name: generated_styles.generate(name, size=96)
    for name in generated_styles.NAMES
  }
  assert len(pictures) >= 6
  for name, picture in pictures.items():
    assert picture.shape == (96, 120, 3) and picture.dtype == np.uint8
    assert picture.std() > 25, name
    again = generated_styles.generate(name, size=96)
    np.testing.assert_array_equal(picture, again)
  means = np.array([p.reshape(-1, 3).mean(0) for p in pictures.values()])
  apart = np.linalg.norm(means[:, None] - means[None], axis=-1)
  assert apart[np.triu_indices(len(means), 1)].min() > 4


@pytest.mark.parametrize("name", generated_styles.NAMES)
def test_variations_differ_and_repeat(name):
  first = generated_styles.variations(name, 3, size=64)
  assert min(first.shape[:2]) == 64
  same = generated_styles.variations(name, 3, size=64)
  np.testing.assert_array_equal(first, same)
  other = generated_styles.variations(name, 4, size=64)
  assert first.shape != other.shape or (first != other).mean() > 0.2


def test_generated_set_paints_only_what_is_named():
  found = styles.load_style_set("generated", style_size=40, names="ink-wash")
  assert found.names == ("ink-wash",)
  assert min(found["ink-wash"].pixels.shape[:2]) == 40
  with pytest.raises(ValueError, match="ink-wash"):
    styles.load_style_set("generated", names="ink-wsh")
  with pytest.raises(ValueError, match="known: "):
    generated_styles.generate("oil")
