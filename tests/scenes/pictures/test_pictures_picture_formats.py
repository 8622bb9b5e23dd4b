"""The formats of pictures: one list, read alike as photographs and styles."""

import sys

import icc_profiles
import numpy as np
import pytest
from PIL import Image, features

from stylized_nerf_jax.captures import photographs, sources
from stylized_nerf_jax.scenes.pictures import (
  image_reader,
  picture_collections,
  picture_files,
  picture_formats,
  styles,
)
from stylized_nerf_jax.scenes.readers import formats

_HEIC_SHELL = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)


def _ignore(_):
  """In place of a progress bar."""


def _pixels(height=16, width=24):
  ramp = np.linspace(30, 220, width).astype(np.uint8)
  return np.stack([np.tile(ramp, (height, 1))] * 3, axis=-1) // [1, 2, 3]


def _save(path, **options):
  """Writes the pixels as what the file's name says."""
  lossless = {
    ".webp": {"lossless": True},
    ".avif": {"quality": 100, "subsampling": "4:4:4"},
    ".heic": {"quality": -1, "chroma": 444, "matrix_coefficients": 0},
  }
  kind = {".jfif": "JPEG", ".mpo": "JPEG"}.get(path.suffix)
  if path.suffix in (".jpg", ".jpeg", ".jfif", ".mpo"):
    options = {"quality": 100, "subsampling": 0, **options}
  picture = Image.fromarray(_pixels().astype(np.uint8))
  picture.save(path, kind, **{**lossless.get(path.suffix, {}), **options})
  return path


@pytest.fixture
def no_heic(monkeypatch):
  """As where the extra is not installed."""
  monkeypatch.setitem(sys.modules, "pillow_heif", None)
  picture_formats._register_heif.cache_clear()
  yield
  picture_formats._register_heif.cache_clear()


@pytest.fixture
def heic():
  """Skips where the extra is not installed; Pillow writes HEIC, too."""
  pytest.importorskip("pillow_heif").register_heif_opener()


@pytest.mark.parametrize("suffix", picture_formats.SUFFIXES)
def test_every_ending_is_read_everywhere(suffix, tmp_path, request):
  if suffix in picture_formats.HEIF_SUFFIXES:
    request.getfixturevalue("heic")
  if suffix == ".avif" and not features.check("avif"):
    pytest.skip("this Pillow cannot read AVIF")
  path = _save(tmp_path / f"a{suffix.upper()}".replace(suffix.upper(), suffix))
  path = path.rename(path.with_suffix(suffix.upper()))
  assert image_reader.list_images(tmp_path) == [path]
  (size, alpha) = image_reader.read_header(path)
  assert size == (24, 16) and not alpha
  image_reader.check_files([path])
  photograph = image_reader.ImageFiles([path], [size])[0]
  style = picture_files.read_picture(path)
  assert np.abs(photograph - _pixels() / 255).max() < 0.02
  assert np.abs(style - _pixels()).max() <= 5
  assert list(styles.find_styles(tmp_path)[0]) == ["a"]
  (found,) = photographs.find(tmp_path)
  (name,) = photographs.bring([found], tmp_path / "images", _ignore)
  with Image.open(tmp_path / "images" / name) as image:
    assert image.format in ("PNG", "JPEG")
    assert np.abs(np.asarray(image) - _pixels()).max() <= 5


def test_the_contents_of_a_file_tell_its_format(tmp_path, no_heic):
  path = _save(tmp_path / "a.png").rename(tmp_path / "a.jpg")
  assert np.array_equal(picture_files.read_picture(path), _pixels())
  path = tmp_path / "export.jpg"
  path.write_bytes(_HEIC_SHELL)
  for read in (picture_files.read_picture, image_reader.read_header):
    with pytest.raises(ValueError, match=r"export\.jpg: .*extra `heic`: pip"):
      read(path)


def test_heic_without_the_extra(tmp_path, no_heic, write_llff):
  folder = tmp_path / "phone"
  folder.mkdir()
  for i in range(6):
    (folder / f"IMG_{i}.HEIC").write_bytes(_HEIC_SHELL)
  for look in (sources.open_source, styles.find_styles):
    with pytest.raises(ValueError, match=r"IMG_0\.HEIC: .*extra `heic`: pip"):
      look(folder)
  with pytest.raises(ValueError, match="extra `heic`"):
    image_reader.list_images(folder)
  for i in range(6, 10):
    _save(folder / f"IMG_{i}.jpg")
  source = sources.open_source(folder)
  assert len(source.items) == 4
  (line,) = source.messages
  assert line.startswith("6 HEIC file(s) such as IMG_0.HEIC are not read; ")
  assert "stylized-nerf-jax[heic]" in line
  found, (line,) = styles.find_styles(folder)
  assert len(found) == 4 and "6 HEIC file(s)" in line
  # Originals beside the photographs of a scene are no photographs of it.
  scene, _ = write_llff(3)
  (scene / "images" / "IMG_0.HEIC").write_bytes(_HEIC_SHELL)
  for name in ("IMG_0.MOV", "IMG_0.AAE", ".DS_Store"):
    (scene / "images" / name).touch()
  found = formats.load_scene(scene)
  assert len(found) == 3
  assert found.messages[-2].startswith("1 HEIC file(s) such as IMG_0.HEIC are")
  assert found.messages[-1] == "images: not read: IMG_0.AAE, IMG_0.MOV"


def test_of_two_files_of_one_picture_one_is_taken(tmp_path):
  for i in range(3):
    _save(tmp_path / f"IMG_{i}.jpg")
    (tmp_path / f"IMG_{i}.HEIC").write_bytes(_HEIC_SHELL)
  (tmp_path / "img_2.avif").write_bytes(b"x")
  (tmp_path / "IMG_0.MOV").touch()
  source = sources.open_source(tmp_path)
  assert [one.path.name for one in source.items] == [
    "IMG_0.jpg", "IMG_1.jpg", "IMG_2.jpg",
  ]  # fmt: skip
  assert source.messages == [
    "4 HEIC or AVIF file(s) such as IMG_0.HEIC stand beside another picture "
    "of the same name, which is taken",
    f"{tmp_path.name}: not read: IMG_0.MOV",
  ]
  collection = picture_collections.find(tmp_path)
  assert [p.name for p in collection.pictures] == [
    "IMG_0.jpg", "IMG_1.jpg", "IMG_2.jpg",
  ]  # fmt: skip
  assert len(collection.messages) == 2


def test_heic_is_upright_of_itself_and_converted(tmp_path, heic):
  """Orientation is a transform of the file; EXIF's is ignored, as by Apple."""
  for i in range(3):
    profile = icc_profiles.rgb("display_p3", 2.2)
    picture = Image.fromarray(_pixels().astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Acme"
    picture.info["exif"] = exif.tobytes()  # pillow-heif makes it a transform
    picture.save(
      tmp_path / f"{i}.heic", quality=-1, chroma=444, matrix_coefficients=0,
      icc_profile=profile,
    )  # fmt: skip
  path = tmp_path / "0.heic"
  assert image_reader.read_header(path)[0] == (16, 24)
  expected = icc_profiles.to_srgb("display_p3", 2.2, _pixels()[8, 12])
  turned = image_reader.ImageFiles([path], [(16, 24)])[0]
  style = picture_files.read_picture(path)
  for found in (255 * turned, style):
    assert np.abs(found[12, 8] - expected).max() <= 4
    # By a quarter turn to the right: the left edge is on top.
    assert found[0].mean() < 60 < 100 < found[-1].mean()
  source = sources.open_source(tmp_path)
  assert source.messages == ["converted from display_p3 to sRGB: 3 photographs"]
  assert source.items[0].size == (16, 24)
  assert source.items[0].camera[0] == "Acme"
  ((name, *_),) = source.bring(tmp_path / "images")
  with Image.open(tmp_path / "images" / name) as image:
    assert image.format == "JPEG" and image.size == (16, 24)
    assert image.getexif().get(0x0112, 1) == 1
    assert np.abs(np.asarray(image)[12, 8] - expected).max() <= 6


def test_heic_that_names_its_colours_by_numbers(tmp_path, heic):
  path = tmp_path / "a.heic"
  stored = np.full((16, 16, 3), (187, 123, 73), np.uint8)
  Image.fromarray(stored).save(
    path, quality=-1, chroma=444, color_primaries=12,
    transfer_characteristics=13, matrix_coefficients=6, full_range_flag=1,
  )  # fmt: skip
  assert image_reader.describe_colors([path], "images") == [
    "converted from Display P3 to sRGB: 1 image"
  ]
  found = picture_files.read_picture(path)[8, 8]
  assert np.abs(found - [200.0, 120, 60]).max() <= 4
