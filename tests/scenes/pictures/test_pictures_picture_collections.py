"""Collections of pictures: folders in folders, CSV lists, several sources."""

import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.scenes.pictures import picture_collections, styles


@pytest.fixture
def museum(tmp_path):
  """A folder of folders; returns it."""
  root = tmp_path / "museum"
  names = [
    "wave.png",
    "monet/water.png",
    "monet/late/poplars.png",
    "manet/Water.png",
    ".thumbnails/wave.png",
    "manet/.hidden.png",
  ]
  for seed, name in enumerate(names):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (20, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
  (root / "monet" / "sources.txt").write_text("museum")
  return root


def test_subfolders_are_read_and_shared_names_tell_them(museum):
  found = styles.load_style_set(museum, style_size=16)
  assert found.names == ("wave", "manet-Water", "monet-water", "poplars")
  assert len(found.messages) == 1 and "sources.txt" in found.messages[0]
  assert styles.load_style_set(museum / "monet", style_size=16).names == (
    "water",
    "poplars",
  )


def test_links_to_folders_are_not_followed(museum):
  (museum / "loop").symlink_to(museum, target_is_directory=True)
  assert len(picture_collections.find(museum).pictures) == 4


def test_lists_choose_order_and_name(museum):
  path = museum / "chosen.csv"
  path.write_text(
    "﻿artist, name ,file\n"
    'Manet,first,manet/Water.png\n"Monet, Claude",,.\\monet\\water.png\n'
    "Hokusai,Great Wave,wave.png\n",
    encoding="utf-8",
  )
  found = styles.load_style_set(path, style_size=16)
  assert found.names == ("first", "water", "Great Wave")
  whole = styles.load_style_set(museum, style_size=16)
  assert found["first"].content_hash == whole["manet-Water"].content_hash
  assert found["water"].content_hash == whole["monet-water"].content_hash


@pytest.mark.parametrize(
  "text, message",
  [
    ("", "names the columns none; expected file"),
    ("picture,name\nwave.png,a\n", "names the columns picture, name; expected"),
    ("file\n", "lists no picture"),
    ("file\nabsent.png\n", "line 2: no such file"),
    ("file\n\nwave.png\n\nmonet\n", "line 5: file is 'monet'; expected a name"),
    ("file\n../wave.png\n", "line 2: file is '../wave.png', which leads out"),
    ("file\n/etc/hosts.png\n", "line 2: file is '/etc/hosts.png', which leads"),
    ("name,file\na\n", "line 2: file"),
    ("file,name\nwave.png,../x\n", "'../x' cannot name a style"),
    ("file,name\nwave.png,a:1\n", "its name cannot name a style"),
    ("file,name\nwave.png,a\nmonet/water.png,A\n", "would both be the style"),
    ('file\n"wave.png\n', "not a readable list"),
    ("file\n" + "x" * 200_000 + "\n", "not a readable list"),
    (b"file\n\xff\xfe\n", "not a readable list"),
  ],
)
def test_lists_that_are_wrong(text, message, museum):
  path = museum / "list.csv"
  path.write_bytes(text if isinstance(text, bytes) else text.encode())
  with pytest.raises(ValueError) as caught:
    styles.find_styles(path)
  assert message in str(caught.value), str(caught.value)
  assert "\n" not in str(caught.value)
  assert "list.csv" in str(caught.value) or "museum" in str(caught.value)


def test_several_sources_are_one_sequence(museum):
  sources = f"{museum / 'monet'}, {museum / 'wave.png'},{museum / 'manet'}"
  found = picture_collections.find_all(sources)
  names = ["water.png", "poplars.png", "wave.png", "Water.png"]
  assert [picture.name for picture in found] == names
  assert found[-1].name == "Water.png" and len(found) == 4
  with pytest.raises(IndexError):
    found[4]
  with pytest.raises(ValueError, match="no pictures were given"):
    picture_collections.find_all(" , ")


def test_chains_index_as_lists_do():
  random = np.random.default_rng(0)
  for _ in range(20):
    parts = [list(random.integers(0, 99, n)) for n in random.integers(0, 4, 5)]
    flat = [value for part in parts for value in part]
    chain = picture_collections.Chain(parts)
    assert list(chain) == flat and len(chain) == len(flat)
    for index in range(-len(flat), len(flat)):
      assert chain[index] == flat[index]


def test_thousands_of_names_are_found_at_once(tmp_path):
  for index in range(3000):
    folder = tmp_path / f"{index % 30:02d}"
    folder.mkdir(exist_ok=True)
    (folder / f"{index // 60}.png").touch()
  with pytest.raises(ValueError, match="would both be the style"):
    # Two files of one folder that differ in case only cannot be told apart.
    (tmp_path / "00" / "X.png").touch()
    (tmp_path / "00" / "x.png").touch()
    styles.find_styles(tmp_path)
  (tmp_path / "00" / "x.png").unlink()
  assert len(styles.find_styles(tmp_path)[0]) == 1501
