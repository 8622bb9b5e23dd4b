"""Pictures, depth maps and contact sheets as they are written."""

import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.outputs import contact_sheet, image_writer


def test_png_rounds_and_clips(tmp_path):
  values = np.array([[-0.2, 0.0, 0.4 / 255, 0.6 / 255, 0.5, 1.0, 1.7]])
  image = np.repeat(values[..., None], 3, axis=-1).astype(np.float32)
  image_writer.save_image(tmp_path / "new" / "a.png", image)
  with Image.open(tmp_path / "new" / "a.png") as stored:
    found = np.asarray(stored)
  assert found[0, :, 0].tolist() == [0, 0, 0, 1, 128, 255, 255]


def test_png_keeps_channels_and_rows(tmp_path):
  image = np.random.default_rng(0).integers(0, 255, (5, 7, 3), np.uint8)
  image_writer.save_image(tmp_path / "a.png", image)
  with Image.open(tmp_path / "a.png") as stored:
    np.testing.assert_array_equal(np.asarray(stored), image)


@pytest.mark.parametrize(
  "image, word",
  [
    (np.full((2, 2, 3), np.nan), "NaN"),
    (np.zeros((2, 2, 4)), "shape"),
    (np.zeros((2, 2, 3), int), "dtype"),
  ],
)
def test_bad_pictures_are_not_written(tmp_path, image, word):
  with pytest.raises(ValueError, match=word):
    image_writer.save_image(tmp_path / "a.png", image)
  assert not (tmp_path / "a.png").exists()


def test_unwritable_place_is_one_sentence(tmp_path):
  (tmp_path / "file").write_text("")
  with pytest.raises(ValueError, match="cannot be written"):
    image_writer.save_image(tmp_path / "file" / "a.png", np.zeros((2, 2, 3)))
  with pytest.raises(ValueError, match="ends in"):
    image_writer.save_image(tmp_path / "a.gif", np.zeros((2, 2, 3)))


def test_depth_round_trip(tmp_path):
  depth = np.array([[0.0, 1.5], [2.5, 1e3]])
  image_writer.save_depth(tmp_path / "depth" / "00000.npy", depth)
  found = np.load(tmp_path / "depth" / "00000.npy")
  assert found.dtype == np.float32
  np.testing.assert_array_equal(found, depth.astype(np.float32))
  for bad in (np.array([[np.nan]]), np.array([[-1.0]]), np.zeros(3)):
    with pytest.raises(ValueError, match="depth"):
      image_writer.save_depth(tmp_path / "b.npy", bad)


def test_depth_colours_order_near_before_far():
  depth = np.array([[0.0, 1.0, 2.0, 4.0]])
  colours = image_writer.depth_to_colour(depth, near=1, far=4)
  assert colours.dtype == np.float32 and (colours[0, 0] == 0).all()
  light = colours[0, 1:].sum(-1)
  assert light[0] > light[1] > light[2] > 0
  flat = image_writer.depth_to_colour(np.full((2, 2), 3.0))
  assert np.isfinite(flat).all()
  assert not image_writer.depth_to_colour(np.zeros((2, 2))).any()
  with pytest.raises(ValueError, match="near"):
    image_writer.depth_to_colour(depth, near=5, far=4)


def test_side_by_side():
  left, right = np.zeros((2, 3, 3)), np.full((2, 4, 3), 255, np.uint8)
  joined = image_writer.side_by_side([left, right], gap=1)
  assert joined.shape == (2, 8, 3)
  assert joined[0, :, 0].tolist() == [0] * 3 + [255] * 5
  with pytest.raises(ValueError, match="heights"):
    image_writer.side_by_side([left, np.zeros((3, 3, 3))])
  with pytest.raises(ValueError, match="heights"):
    image_writer.side_by_side([])


def test_contact_sheet_places_tiles_in_reading_order():
  colours = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 1, 0]]
  pictures = [np.zeros((30, 40, 3)) + c for c in colours]
  sheet = contact_sheet.make_contact_sheet(
    pictures, columns=3, tile_width=20, gap=4
  )
  assert sheet.shape == (4 + 2 * 19, 4 + 3 * 24, 3)
  for number, colour in enumerate(colours):
    row, column = divmod(number, 3)
    pixel = sheet[4 + row * 19 + 7, 4 + column * 24 + 10]
    np.testing.assert_allclose(pixel, np.array(colour) * 255, atol=2)
  assert (sheet[30, 62] == 255).all()  # The sixth place is empty.


def test_labels_are_drawn_under_their_tile_and_cut_to_its_width():
  picture = np.zeros((30, 60, 3))
  plain = contact_sheet.make_contact_sheet([picture] * 2, columns=2)
  named = contact_sheet.make_contact_sheet(
    [picture] * 2, columns=2, labels=["", "w" * 90]
  )
  assert named.shape[0] > plain.shape[0]
  strip = named[plain.shape[0] - 5 :].min(axis=-1)
  middle = strip.shape[1] // 2
  assert (strip[:, :middle] == 255).all()
  assert (strip[:, middle:] < 128).any()
  assert (strip[:, -6:] == 255).all()
  with pytest.raises(ValueError, match="labels"):
    contact_sheet.make_contact_sheet([picture], labels=["a", "b"])
  with pytest.raises(ValueError, match="no pictures"):
    contact_sheet.make_contact_sheet([])


def test_frames_of_a_folder(tmp_path):
  for number in range(9):
    frame = np.full((4, 6, 3), number * 20, np.uint8)
    image_writer.save_image(tmp_path / f"{number:05d}.png", frame)
  (tmp_path / "cameras.json").write_text("{}")
  frames, labels = contact_sheet.load_frames(tmp_path, count=3)
  assert labels == ["00000", "00004", "00008"]
  assert [int(frame[0, 0, 0]) for frame in frames] == [0, 80, 160]
  contact_sheet.save_contact_sheet(tmp_path / "s.jpg", frames, labels=labels)
  with Image.open(tmp_path / "s.jpg") as stored:
    assert stored.format == "JPEG"
  (tmp_path / "empty").mkdir()
  with pytest.raises(ValueError, match="no pictures"):
    contact_sheet.load_frames(tmp_path / "empty")
