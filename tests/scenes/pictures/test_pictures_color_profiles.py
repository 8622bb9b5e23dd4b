"""Pictures of other colours than sRGB, against the formulas of their spaces."""

import hashlib
import struct
import zlib

import icc_profiles
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, features

from stylized_nerf_jax.outputs import scene_pictures
from stylized_nerf_jax.scenes.pictures import (
  color_profiles,
  image_reader,
  mask_files,
  picture_files,
  picture_sources,
  styles,
)
from stylized_nerf_jax.scenes.readers import formats

_STORED = ((187, 123, 73), (104, 147, 96), (255, 255, 255), (12, 40, 33))


def _patches(colors=_STORED, size=8):
  """A row of squares."""
  row = np.array(colors, np.uint8)[None]
  return np.kron(row, np.ones((size, size, 1), np.uint8))


def _read(path):
  """Colours of the patches of a file as photograph and as style, in [0, 255].

  Both have to be read.
  """
  size, _ = image_reader.read_header(path)
  photograph = 255 * image_reader.ImageFiles([path], [size])[0]
  style = picture_files.read_picture(path)
  return photograph[4, 4::8], style[4, 4::8].astype(float)


def _check(path, expected, atol):
  for found in _read(path):
    assert np.abs(found - expected).max() <= atol


@pytest.mark.parametrize("ending", ["png", "tif", "jpg", "webp", "avif"])
@pytest.mark.parametrize(
  ("name", "gamma"),
  [("display_p3", 2.2), ("adobe_rgb", 2.2), ("prophoto", 1.8)],
)
def test_profiles_equal_their_formulas(tmp_path, name, gamma, ending):
  if ending == "avif" and not features.check("avif"):
    pytest.skip("this Pillow cannot read AVIF")
  path = tmp_path / f"a.{ending}"
  options = {
    "jpg": {"quality": 100, "subsampling": 0},
    "webp": {"lossless": True},
    "avif": {"quality": 100, "subsampling": "4:4:4"},
  }.get(ending, {})
  profile = icc_profiles.rgb(name, gamma)
  Image.fromarray(_patches()).save(path, icc_profile=profile, **options)
  expected = [icc_profiles.to_srgb(name, gamma, c) for c in _STORED]
  assert np.abs(np.array(_STORED) - expected).max() > 8
  _check(path, expected, 5 if ending == "avif" else 3)
  said = image_reader.describe_colors([path], "images")
  assert said == [f"converted from {name} to sRGB: 1 image"]


def test_what_is_srgb_keeps_its_bits_and_its_hash(tmp_path):
  """The hash of a scene must stay where its pixels do."""
  pixels = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8)
  made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
  table = icc_profiles.srgb_by_table(1024)
  for number, profile in enumerate((None, made, table, b"no profile")):
    path = tmp_path / f"{number}.png"
    Image.fromarray(pixels).save(path, icc_profile=profile)
    images = image_reader.ImageFiles([path], [(9, 8)])
    assert np.array_equal(images[0], pixels.astype(np.float32) / 255)
    assert np.array_equal(picture_files.read_picture(path), pixels)
    plain = hashlib.sha256(path.read_bytes())
    plain.update(repr(("ImageFiles", (9, 8))).encode())
    assert images.file_digest(0) == plain.digest()
  path = tmp_path / "p3.png"
  Image.fromarray(pixels).save(
    path, icc_profile=icc_profiles.rgb("display_p3", 2.2)
  )
  images = image_reader.ImageFiles([path], [(9, 8)])
  plain = hashlib.sha256(path.read_bytes())
  plain.update(repr(("ImageFiles", (9, 8))).encode())
  assert images.file_digest(0) != plain.digest()
  # The values of a mask are no colours.
  masks = mask_files.MaskFiles([path], [(9, 8)])
  assert np.array_equal(masks[0], pixels.any(axis=-1))
  plain = hashlib.sha256(path.read_bytes())
  plain.update(repr(("MaskFiles", (9, 8))).encode())
  assert masks.file_digest(0) == plain.digest()


def test_transparency_stays(tmp_path):
  alpha = np.linspace(0, 255, 32).astype(np.uint8)[None].repeat(8, axis=0)
  pixels = np.concatenate([_patches(), alpha[..., None]], axis=-1)
  path = tmp_path / "a.png"
  Image.fromarray(pixels).save(
    path, icc_profile=icc_profiles.rgb("adobe_rgb", 2.2)
  )
  color, found = image_reader.decode_rgba(path)
  np.testing.assert_allclose(found, alpha / 255, atol=1e-6)
  expected = np.array(
    [icc_profiles.to_srgb("adobe_rgb", 2.2, c) for c in _STORED]
  )
  expected = expected.repeat(8, axis=0) * alpha[0, :, None] / 255
  np.testing.assert_allclose(255 * color[4], expected, atol=3)


def test_palettes_and_grey_pictures_of_an_rgb_profile(tmp_path):
  profile = icc_profiles.rgb("prophoto", 1.8)
  few = [c for c in _STORED for _ in range(1)]
  palette = Image.fromarray(_patches()).quantize(8)
  palette.save(tmp_path / "p.png", icc_profile=profile)
  expected = [icc_profiles.to_srgb("prophoto", 1.8, c) for c in few]
  _check(tmp_path / "p.png", expected, 3)
  grey = _patches([(g, g, g) for g in (20, 90, 180, 250)])
  Image.fromarray(grey[..., 0]).save(tmp_path / "g.jpg", icc_profile=profile)
  expected = [
    icc_profiles.to_srgb("prophoto", 1.8, (g, g, g)) for g in (20, 90, 180, 250)
  ]
  _check(tmp_path / "g.jpg", expected, 3)


def _grey_in_srgb(values, gamma):
  return [icc_profiles.srgb_value(v**gamma) for v in np.ravel(values)]


def test_grey_profiles_and_sixteen_bits(tmp_path):
  profile = icc_profiles.grey(1.8)
  levels = np.array([10, 60, 128, 200], np.uint8)
  Image.fromarray(np.kron(levels, np.ones((8, 8), np.uint8))).save(
    tmp_path / "8.png", icc_profile=profile
  )
  expected = 255 * np.array(_grey_in_srgb(levels / 255, 1.8))
  _check(tmp_path / "8.png", expected[:, None], 1.5)
  deep = np.arange(700, 65536, 487).astype(np.uint16)[None]
  Image.fromarray(deep).save(tmp_path / "16.png", icc_profile=profile)
  Image.fromarray(deep).save(tmp_path / "plain.png")
  Image.fromarray(deep).save(tmp_path / "plain.tif")
  size = (deep.shape[1], 1)
  found = image_reader.ImageFiles([tmp_path / "16.png"], [size])[0]
  expected = _grey_in_srgb(deep / 65535, 1.8)
  # Finer than 8 bits by far, where the curve is not steep.
  np.testing.assert_allclose(found[0, :, 1], expected, atol=4e-4)
  for name in ("plain.png", "plain.tif"):
    plain = image_reader.ImageFiles([tmp_path / name], [size])[0]
    np.testing.assert_array_equal(plain[0, :, 0], np.float32(deep[0]) / 65535)
    style = picture_files.read_picture(tmp_path / name)
    assert np.abs(style[0, :, 0] - deep[0] / 257).max() <= 0.5


def test_inks(tmp_path):
  """The corners of a profile of CMYK are exact; between them it is a table."""
  random = np.random.default_rng(3)
  nodes = random.uniform([20, -30, -30], [90, 30, 30], (2, 2, 2, 2, 3))
  nodes[0, 0, 0, 0], nodes[1, 1, 1, 1] = (100, 0, 0), (0, 0, 0)
  corners = [(0, 0, 0, 0), (1, 1, 1, 1), (1, 0, 0, 0), (0, 1, 1, 0)]
  inks = _patches(255 * np.array(corners, np.uint8))
  path = tmp_path / "a.tif"
  picture = Image.frombytes("CMYK", inks.shape[1::-1], inks.tobytes())
  picture.save(path, icc_profile=icc_profiles.cmyk(nodes))
  expected = [_lab_to_srgb(nodes[corner]) for corner in corners]
  _check(path, expected, 4)


def _lab_to_srgb(lab):
  """CIE Lab of D50 to sRGB in [0, 255]; the profile's black is black."""
  lightness, a, b = lab
  f = (lightness + 16) / 116
  values = np.array([f + a / 500, f, f - b / 200])
  small = values <= 6 / 29
  xyz = np.where(small, 3 * (6 / 29) ** 2 * (values - 4 / 29), values**3)
  xyz = xyz * [0.9642, 1, 0.8249]
  light = np.linalg.solve(np.array(icc_profiles.PRIMARIES["srgb"]).T, xyz)
  return 255 * np.array(
    [icc_profiles.srgb_value(v) for v in np.clip(light, 0, 1)]
  )


def test_lab(tmp_path):
  colors = [(50, 0, 0), (70, 20, 30), (40, -25, 10), (100, 0, 0)]
  stored = [(round(2.55 * l), a % 256, b % 256) for l, a, b in colors]  # noqa: E741
  # Pillow keeps a and b with their signs' bit turned.
  values = _patches(stored) ^ np.array([0, 128, 128], np.uint8)
  picture = Image.merge(
    "LAB", [Image.fromarray(values[..., i]) for i in range(3)]
  )
  picture.save(tmp_path / "a.tif")
  _check(tmp_path / "a.tif", [_lab_to_srgb(c) for c in colors], 3)


def _png(path, pixels, chunks):
  """Writes a PNG with chunks before its data."""
  Image.fromarray(pixels).save(path)
  content = path.read_bytes()
  extra = b""
  for kind, data in chunks:
    crc = zlib.crc32(kind + data)
    extra += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)
  path.write_bytes(content[:33] + extra + content[33:])


_P3_XY = (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)


def test_png_says_gamma_and_primaries_by_itself(tmp_path):
  def gamma(value):
    return b"gAMA", struct.pack(">I", round(value * 100000))

  p3 = b"cHRM", struct.pack(">8I", *(round(v * 100000) for v in _P3_XY))
  path = tmp_path / "a.png"
  for chunks in ([], [gamma(1 / 2.2)], [gamma(1.0), p3, (b"sRGB", b"\0")]):
    _png(path, _patches(), chunks)
    _check(path, _STORED, 1e-4)
    assert image_reader.describe_colors([path], "images") == []
  _png(path, _patches(), [gamma(1.0)])
  expected = 255 * np.array(
    [[icc_profiles.srgb_value(v / 255) for v in c] for c in _STORED]
  )
  _check(path, expected, 0.6)
  _png(path, _patches(), [gamma(1 / 2.2), p3])
  # The curve is sRGB's: 2.2 is what PNG says of it.
  light = [[_linear(v / 255) for v in c] for c in _STORED]
  expected = [_p3_to_srgb(c) for c in light]
  _check(path, expected, 1)
  deep = np.arange(0, 65536, 257).astype(np.uint16)[None]
  _png(path, deep, [gamma(1.0)])
  found = image_reader.ImageFiles([path], [(256, 1)])[0][0, :, 2]
  expected = [icc_profiles.srgb_value(v / 65535) for v in deep[0]]
  np.testing.assert_allclose(found, expected, atol=1e-6)


def _linear(value):
  if value <= 0.04045:
    return value / 12.92
  return ((value + 0.055) / 1.055) ** 2.4


def _p3_to_srgb(light):
  """By the matrix that CSS Color 4 prints for linear Display P3 to sRGB."""
  matrix = [
    [1.2249401, -0.2249402, 0.0],
    [-0.0420569, 1.0420571, 0.0],
    [-0.0196376, -0.0786361, 1.0982735],
  ]
  mixed = np.clip(np.array(matrix) @ light, 0, 1)
  return 255 * np.array([icc_profiles.srgb_value(v) for v in mixed])


def test_adobe_rgb_that_only_exif_tells(tmp_path):
  exif = Image.Exif()
  details = exif.get_ifd(ExifTags.IFD.Exif)
  details[ExifTags.Base.ColorSpace] = 65535
  details[ExifTags.IFD.Interop] = {1: "R03"}
  path = tmp_path / "a.jpg"
  options = {"quality": 100, "subsampling": 0}
  Image.fromarray(_patches()).save(path, exif=exif, **options)
  expected = [icc_profiles.to_srgb("adobe_rgb", 563 / 256, c) for c in _STORED]
  _check(path, expected, 3)
  said = image_reader.describe_colors([path], "images")
  assert said == ["converted from Adobe RGB (by EXIF) to sRGB: 1 image"]
  # Uncalibrated alone says nothing: phones write it of Display P3, with ICC.
  del details[ExifTags.IFD.Interop]
  Image.fromarray(_patches()).save(path, exif=exif, **options)
  _check(path, _STORED, 2)


def test_a_broken_profile_is_said_and_taken_as_srgb(tmp_path):
  paths = []
  whole = icc_profiles.rgb("display_p3", 2.2)
  inks = icc_profiles.cmyk(np.zeros((2, 2, 2, 2, 3)))
  for number, profile in enumerate((b"x", whole[:300], inks, None)):
    paths.append(tmp_path / f"{number}.png")
    Image.fromarray(_patches()).save(paths[-1], icc_profile=profile)
    _check(paths[-1], _STORED, 1e-4)
  said = image_reader.describe_colors(paths, "photographs")
  assert said == [
    "taken as sRGB for a broken colour profile: 3 of 4 photographs"
  ]


def test_styles_and_scenes_say_what_was_converted(tmp_path, write_llff):
  profile = icc_profiles.rgb("display_p3", 2.2)
  folder = tmp_path / "paintings"
  folder.mkdir()
  Image.fromarray(_patches()).resize((64, 64)).save(folder / "a.png")
  Image.fromarray(_patches()[:, :16]).resize((64, 64)).save(
    folder / "b.jpg", icc_profile=profile
  )
  found = styles.load_style_set(folder, style_size=32)
  line = "converted from display_p3 to sRGB: 1 of 2 pictures"
  assert found.messages == (line,)
  # The files of such pictures are not handed on as if they were sRGB.
  pictures, _ = styles.find_styles(folder)
  assert [p.encoded() is None for p in pictures.values()] == [False, True]
  assert picture_sources.describe_colors(pictures.values()) == [line]
  scene, _ = write_llff(3)
  picture = next((scene / "images").iterdir())
  with Image.open(picture) as image:
    image.load()
  image.convert("RGB").save(picture, icc_profile=profile)
  messages = formats.load_scene(scene).messages
  assert "converted from display_p3 to sRGB: 1 of 3 images" in messages


def test_scenes_are_written_in_srgb(tmp_path, write_llff):
  """What is handed on as its own file is what other programs show."""
  folder, _ = write_llff(3)
  first, second, _ = sorted((folder / "images").iterdir())
  profile = icc_profiles.rgb("display_p3", 2.2)
  pixels = np.tile(_patches(size=4), (3, 1, 1))
  Image.fromarray(pixels).save(first, icc_profile=profile)
  scene = formats.load_scene(folder, holdout=0)
  out = tmp_path / "out"
  out.mkdir()
  name = scene_pictures.write(scene, 0, out, "a.jpg")
  with Image.open(out / name) as image:
    assert "icc_profile" not in image.info
    found = np.asarray(image)
  np.testing.assert_allclose(found / 255, scene.images[0], atol=1e-6)
  name = scene_pictures.write(scene, 1, out, "b.jpg")
  assert (out / name).read_bytes() == second.read_bytes()


def test_gain_maps_of_heic_are_said():
  picture = Image.new("RGB", (2, 2))
  picture.info["aux"] = {"urn:com:apple:photo:2020:aux:hdrgainmap": [3]}
  (line,) = color_profiles.describe([picture], "images")
  assert "gain map" in line
  picture.info["aux"] = {"urn:mpeg:hevc:2015:auxid:1": [2]}
  assert color_profiles.describe([picture], "images") == []


def test_numbers_of_h_273_in_heic():
  """PQ and HLG photographs of cameras; a profile comes before the numbers."""
  picture = Image.new("RGB", (2, 2), (148, 148, 148))
  picture.info["nclx_profile"] = {
    "color_primaries": 9,
    "transfer_characteristics": 16,
  }
  space = color_profiles.find(picture)
  assert space.name == "PQ in BT.2020 (HDR)"
  # 58% of PQ's range is white.
  assert space.to_srgb(picture).getpixel((0, 0)) == (255, 255, 255)
  picture.info["icc_profile"] = icc_profiles.rgb("srgb", 1.0)
  assert color_profiles.find(picture).name == "srgb"
  picture.info["icc_profile"] = 7
  assert color_profiles.find(picture).broken


def test_a_second_picture_in_a_file_is_said(tmp_path):
  path = tmp_path / "a.jpg"
  first, second = Image.fromarray(_patches()), Image.new("L", (4, 4))
  first.save(
    path, "MPO", save_all=True, append_images=[second.convert("RGB")],
    quality=100, subsampling=0,
  )  # fmt: skip
  _check(path, _STORED, 2)
  (line,) = image_reader.describe_colors([path], "images")
  assert "files that hold a gain map (HDR) or another one: 1 image" in line
