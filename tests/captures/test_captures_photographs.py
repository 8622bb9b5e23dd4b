"""Photographs come upright, keep their focal length, and share cameras."""

import icc_profiles
import numpy as np
import pytest
from PIL import ExifTags, Image

from stylized_nerf_jax.captures import photographs, sources

_ORIENTATION = ExifTags.Base.Orientation


def _ignore(_):
  """In place of a progress bar."""


def _picture(height=12, width=16, seed=0):
  random = np.random.default_rng(seed)
  small = random.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
  return np.kron(small, np.ones((4, 4, 1), np.uint8))


def _save(path, pixels=None, *, orientation=None, focal=None, make="Acme"):
  """Writes a picture with EXIF data."""
  exif = Image.Exif()
  exif[ExifTags.Base.Make] = make
  if orientation:
    exif[_ORIENTATION] = orientation
  if focal:
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.FocalLengthIn35mmFilm] = focal
  pixels = _picture() if pixels is None else pixels
  options = {"quality": 98, "subsampling": 0} if path.suffix == ".jpg" else {}
  Image.fromarray(pixels).save(path, exif=exif, **options)


# How each orientation is stored: the upright picture to the stored one.
_STORED = {
  1: lambda p: p,
  2: lambda p: p[:, ::-1],
  3: lambda p: p[::-1, ::-1],
  4: lambda p: p[::-1],
  5: lambda p: p.transpose(1, 0, 2),
  6: lambda p: np.rot90(p),
  7: lambda p: np.rot90(p, 2).transpose(1, 0, 2),
  8: lambda p: np.rot90(p, 3),
}


@pytest.mark.parametrize("orientation", list(_STORED))
def test_every_orientation_comes_upright(orientation, tmp_path):
  source = tmp_path / "photos"
  source.mkdir()
  stored = np.ascontiguousarray(_STORED[orientation](_picture()))
  _save(source / "a.jpg", stored, orientation=orientation, focal=28)
  found = photographs.find(source)
  assert found[0].size == (16, 12)
  (name,) = photographs.bring(found, tmp_path / "images", _ignore)
  with Image.open(tmp_path / "images" / name) as image:
    assert image.getexif().get(_ORIENTATION, 1) == 1
    details = image.getexif().get_ifd(ExifTags.IFD.Exif)
    assert details[ExifTags.Base.FocalLengthIn35mmFilm] == 28
    pixels = np.asarray(image).astype(int)
  assert np.abs(pixels - _picture()).mean() < 12
  same = (source / "a.jpg").read_bytes()
  assert ((tmp_path / "images" / name).read_bytes() == same) == (
    orientation == 1
  )


def test_other_formats_become_png_and_names_stay_apart(tmp_path):
  source = tmp_path / "photos"
  source.mkdir()
  pixels = _picture()
  Image.fromarray(pixels).save(source / "my view (1).jpg")
  for name in ("a.png", "a.bmp", "a.tif", "a.webp"):
    options = {"lossless": True} if name == "a.webp" else {}
    Image.fromarray(pixels).save(source / name, **options)
  Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(source / "b.png")
  Image.fromarray(pixels).convert("CMYK").save(source / "c.jpeg")
  Image.fromarray(pixels).save(source / "d.jpg", "PNG")
  found = photographs.find(source)
  names = photographs.bring(found, tmp_path / "images", _ignore)
  assert names == [
    "a.png", "a_2.png", "a_3.png", "a_4.png", "b.png", "c.jpg", "d.png",
    "my_view__1_.jpg",
  ]  # fmt: skip
  for name in names:
    with Image.open(tmp_path / "images" / name) as image:
      assert image.format == {"png": "PNG", "jpg": "JPEG"}[name[-3:]]
      shown = np.asarray(image.convert("RGB")).astype(int)
    expected = pixels[..., :1] if name == "b.png" else pixels
    limit = 25 if name.endswith("jpg") else 1
    assert np.abs(shown - expected).mean() <= limit


@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_other_colours_are_stored_as_srgb(orientation, ending, tmp_path):
  """Whatever reads the stored file: it says nothing of colours, and is sRGB."""
  source = tmp_path / "photos"
  source.mkdir()
  profile = icc_profiles.rgb("prophoto", 1.8)
  exif = Image.Exif()
  exif[_ORIENTATION] = orientation
  stored = np.full((12, 16, 3), (148, 111, 59), np.uint8)
  for i in range(3):
    Image.fromarray(stored).save(
      source / f"{i}.{ending}", icc_profile=profile, exif=exif,
      **({"quality": 98, "subsampling": 0} if ending == "jpg" else {}),
    )  # fmt: skip
  found = sources.open_source(source)
  assert found.messages == ["converted from prophoto to sRGB: 3 photographs"]
  ((name, *_),) = found.bring(tmp_path / "images")
  with Image.open(tmp_path / "images" / name) as image:
    assert "icc_profile" not in image.info
    assert image.size == ((16, 12) if orientation == 1 else (12, 16))
    assert np.abs(np.asarray(image) - (200.0, 120, 60)).max() <= 4


def test_the_mark_of_adobe_rgb_is_not_kept(tmp_path):
  source = tmp_path / "photos"
  source.mkdir()
  exif = Image.Exif()
  details = exif.get_ifd(ExifTags.IFD.Exif)
  details[ExifTags.Base.ColorSpace] = 65535
  details[ExifTags.Base.FocalLengthIn35mmFilm] = 28
  details[ExifTags.IFD.Interop] = {1: "R03"}
  stored = Image.fromarray(np.full((12, 16, 3), (180, 119, 66), np.uint8))
  for i in range(3):
    stored.save(source / f"{i}.jpg", exif=exif, quality=98, subsampling=0)
  (names,) = sources.open_source(source).bring(tmp_path / "images")
  # Captured once more, nothing is converted once more.
  again = sources.open_source(tmp_path / "images")
  assert again.messages == []
  with Image.open(tmp_path / "images" / names[0]) as image:
    assert np.abs(np.asarray(image) - (200.0, 120, 60)).max() <= 4
    details = image.getexif().get_ifd(ExifTags.IFD.Exif)
  assert details[ExifTags.Base.FocalLengthIn35mmFilm] == 28
  assert details[ExifTags.Base.ColorSpace] == 1


def test_what_was_brought_is_not_brought_again(tmp_path):
  source = tmp_path / "photos"
  source.mkdir()
  for i in range(3):
    _save(source / f"{i}.png", orientation=6)
  found, folder = photographs.find(source), tmp_path / "images"
  folder.mkdir()
  (folder / "1.png").write_bytes(b"done before")
  counted = []
  photographs.bring(found, folder, counted.append)
  assert sum(counted) == 3
  assert (folder / "1.png").read_bytes() == b"done before"
  assert sorted(p.name for p in folder.iterdir()) == ["0.png", "1.png", "2.png"]


def test_one_camera_for_what_was_taken_alike(tmp_path):
  source = tmp_path / "photos"
  source.mkdir()
  _save(source / "0.jpg", focal=28)
  _save(source / "1.jpg", focal=28)
  _save(source / "2.jpg", focal=56)
  _save(source / "3.jpg", focal=28, make="Other")
  _save(source / "4.jpg", focal=28, orientation=6)
  _save(source / "5.jpg", focal=28)
  found = photographs.find(source)
  groups = photographs.group(found, [str(i) for i in range(6)])
  assert groups == [["0", "1", "5"], ["2"], ["3"], ["4"]]


def test_folders_and_files_that_cannot_be_used(tmp_path):
  empty = tmp_path / "empty"
  empty.mkdir()
  with pytest.raises(ValueError, match="empty: the folder is empty"):
    sources.open_source(empty)
  (empty / "IMG_1.DNG").write_bytes(b"x")
  with pytest.raises(ValueError, match=r"IMG_1\.DNG .*: export them as JPEG"):
    sources.open_source(empty)
  (empty / "IMG_1.DNG").rename(empty / "notes.txt")
  with pytest.raises(ValueError, match="empty: no photographs; expected"):
    sources.open_source(empty)
  _save(empty / "a.jpg")
  _save(empty / "b.jpg")
  with pytest.raises(ValueError, match="2 photographs; expected 3 at the very"):
    sources.open_source(empty)
  for content in (b"", b"no picture", (empty / "a.jpg").read_bytes()[:-200]):
    (empty / "c.jpg").write_bytes(content)
    with pytest.raises(ValueError, match=r"c\.jpg"):
      sources.open_source(empty)
  with pytest.raises(ValueError, match=r"a\.jpg: a single picture"):
    sources.open_source(empty / "a.jpg")
  with pytest.raises(ValueError, match="absent: no such file or folder"):
    sources.open_source(tmp_path / "absent")
  with pytest.raises(ValueError, match="--frames is 9, but .* photographs"):
    sources.open_source(empty, 9)


def test_broken_exif_data_is_no_exif_data(tmp_path):
  _save(tmp_path / "a.jpg", orientation=6, focal=28)
  content = (tmp_path / "a.jpg").read_bytes()
  start = content.find(b"Exif\0\0") + 6
  for seed in range(40):
    random = np.random.default_rng(seed)
    damaged = bytearray(content)
    for at in random.integers(start, start + 60, 5):
      damaged[at] = random.integers(256)
    for i in range(3):
      (tmp_path / f"{'abc'[i]}.jpg").write_bytes(damaged)
    found = photographs.find(tmp_path)
    names = photographs.bring(found, tmp_path / str(seed), _ignore)
    assert len(names) == 3
