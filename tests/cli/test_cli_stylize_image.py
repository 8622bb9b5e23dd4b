"""`stylize-image` from the command line."""

import icc_profiles
import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.captures import video_frames
from stylized_nerf_jax.cli import main as cli
from stylized_nerf_jax.evaluation import style_scores
from stylized_nerf_jax.outputs import video
from stylized_nerf_jax.stylizer import color_tables, style_maps


@pytest.fixture
def pictures(tmp_path):
  generator = np.random.default_rng(0)
  for name, shape in (("photo", (40, 33, 3)), ("painting", (50, 64, 3))):
    pixels = generator.integers(0, 255, shape, dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / f"{name}.png")
  return tmp_path


def _run(folder, *more):
  return cli.main(
    [
      "stylize-image",
      "--content",
      str(folder / "photo.png"),
      "--style",
      str(folder / "painting.png"),
      "--style-size",
      "32",
      *more,
    ]
  )


def test_writes_a_picture_of_the_same_size(pictures, capsys):
  out = pictures / "out.png"
  with Image.open(pictures / "painting.png") as image:
    profile = icc_profiles.rgb("adobe_rgb", 2.2)
    image.save(pictures / "painting.png", icc_profile=profile)
  assert _run(pictures, "--out", str(out)) == 0
  with Image.open(out) as image:
    assert image.size == (33, 40)
  said = "styles: converted from adobe_rgb to sRGB: 1 picture\n"
  assert said in capsys.readouterr().err


@pytest.mark.parametrize(
  "more, message",
  [
    (["--out", "o.png", "--alpha", "2"], "--alpha is 2;"),
    (["--out", "o.gif"], "ends in .png"),
    (["--out", "o.png", "--max-size", "-1"], "--max-size is -1"),
    (["--out", "/no/such/folder/o.png"], "does not exist"),
    (["--out", "o.png", "--weights", "/no/such.npz"], "no such weights file"),
    (["--out", "o.png", "--encoder", "vgg.bin"], "ends in one of"),
  ],
)
def test_bad_input_ends_in_one_line(pictures, capsys, more, message):
  assert _run(pictures, *more) == 2
  error = capsys.readouterr().err
  assert message in error and error.count("\n") == 1


def test_unreadable_picture_is_named(pictures, capsys):
  (pictures / "photo.png").write_bytes(b"no picture")
  assert _run(pictures, "--out", str(pictures / "o.png")) == 2
  assert "photo.png" in capsys.readouterr().err


@pytest.fixture
def stylized(small_networks, small_weights, capsys):
  """Function: runs the command on small networks -> status, what it says."""

  def run(*arguments):
    weights = f"--weights={small_weights / 'decoder.npz'}"
    words = ["stylize-image", weights, "--style-size=32", *arguments]
    status = cli.main(list(map(str, words)))
    return status, capsys.readouterr().err

  return run


def _save(path, size, seed=0):
  path.parent.mkdir(parents=True, exist_ok=True)
  random = np.random.default_rng(seed)
  pixels = random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
  Image.fromarray(pixels).save(path)


def _sizes(folder):
  found = {}
  for path in sorted(folder.rglob("*.*")):
    with Image.open(path) as image:
      found[str(path.relative_to(folder))] = image.size
  return found


def test_a_folder_becomes_a_folder_with_the_same_names(stylized, tmp_path):
  content, paintings = tmp_path / "in", tmp_path / "paintings"
  _save(content / "a.jpg", (48, 32))
  _save(content / "below" / "b.webp", (48, 32))
  (content / "broken.png").write_bytes(b"no picture")
  _save(paintings / "one.png", (32, 32))
  out = tmp_path / "out"
  arguments = [f"--content={content}", f"--out={out}"]
  status, said = stylized(*arguments, f"--style={paintings / 'one.png'}")
  assert status == 1
  assert said.startswith("stylizing in one, on ") and "3 pictures of" in said
  assert "longer than 1600 pixels" in said
  assert f"left out: {content / 'broken.png'}: cannot be read" in said
  assert _sizes(out) == {"a.jpg": (48, 32), "below/b.png": (48, 32)}
  (content / "broken.png").unlink()
  _save(paintings / "two.png", (32, 32), seed=1)
  status, said = stylized(*arguments, f"--style={paintings}", "--max-size=24")
  assert status == 0
  assert f"wrote {out / 'one'}" in said and f"wrote {out / 'two'}" in said
  for style in ("one", "two"):
    sizes = {"a.jpg": (24, 16), "below/b.png": (24, 16)}
    assert _sizes(out / style) == sizes


def test_a_large_picture_is_reduced_and_told(stylized, tmp_path):
  _save(tmp_path / "photo.png", (100, 50))
  for seed, name in enumerate(("style", "other")):
    _save(tmp_path / f"{name}.png", (32, 32), seed=seed)
  status, said = stylized(
    f"--content={tmp_path / 'photo.png'}",
    f"--style={tmp_path / 'style.png'},{tmp_path / 'other.png'}",
    f"--out={tmp_path / 'o.png'}",
    "--max-size=40",
  )
  assert status == 0
  assert "photo.png, 100 x 50 pixels, reduced to 40 x 20 pixels" in said
  assert "stylizing in 2 styles" in said
  with Image.open(tmp_path / "o-style.png") as image:
    assert image.size == (40, 20)
  assert (tmp_path / "o-other.png").is_file()
  assert not (tmp_path / "o.png").exists()


def test_a_video_keeps_rate_length_and_shape(stylized, tmp_path):
  frames = [np.full((40, 64, 3), 20 * i, np.uint8) for i in range(10)]
  video.write_video(tmp_path / "in.mp4", frames, fps=12.5)
  _save(tmp_path / "style.png", (32, 32))
  out = tmp_path / "out.mp4"
  status, said = stylized(
    f"--content={tmp_path / 'in.mp4'}",
    f"--style={tmp_path / 'style.png'}",
    f"--out={out}",
    "--max-size=32",
  )
  assert status == 0
  assert "some 10 frames of" in said and "12.5 a second" in said
  header = video_frames.read_header(out)
  assert (header.width, header.height, header.rate) == (32, 20, 12.5)
  assert len(list(video.read_video(out))) == 10


def test_what_cannot_go_by_a_name_is_refused(stylized, tmp_path):
  _save(tmp_path / "in" / "a.png", (32, 32))
  video.write_video(tmp_path / "v.mp4", [np.zeros((16, 16, 3), np.uint8)])
  style = f"--style={tmp_path / 'in' / 'a.png'}"
  for content, out, words in (
    ("in", "in", "lies in the folder that"),
    ("in", "in/new", "lies in the folder that"),
    ("in", "o.png", "expected a folder"),
    ("v.mp4", "o.png", "ends in .mp4"),
    ("in/a.png", "o.mp4", "ends in .png or .jpg"),
    ("absent.mov", "o.mp4", "no such file; expected a video"),
  ):
    status, said = stylized(
      f"--content={tmp_path / content}", f"--out={tmp_path / out}", style
    )
    assert status == 2 and words in said and said.count("\n") == 1


def _far(path, painting) -> float:
  with Image.open(path) as image, Image.open(painting) as other:
    style = np.asarray(other.convert("RGB")) / 255
    return style_scores.color_distance(style)(np.asarray(image) / 255)


def test_pictures_get_the_paintings_palette(stylized, tmp_path):
  _save(tmp_path / "photo.png", (60, 48))
  muted = np.random.default_rng(1).integers(90, 150, (64, 64, 3))
  muted[:, :, 2] += 60
  painting = tmp_path / "painting.png"
  Image.fromarray(muted.astype(np.uint8)).save(painting)
  outs = {}
  for name, options in (
    ("none", ["--transfer=none"]),
    ("affine", ["--transfer=affine"]),
    ("table", []),
    ("own", ["--palette=0"]),
  ):
    outs[name] = tmp_path / f"{name}.png"
    status, _ = stylized(
      f"--content={tmp_path / 'photo.png'}",
      f"--style={painting}",
      f"--out={outs[name]}",
      *options,
    )
    assert status == 0
  far = {name: _far(path, painting) for name, path in outs.items()}
  assert far["table"] < 0.6 * far["none"] and far["affine"] < 0.9 * far["none"]
  own, table, photo = (
    np.asarray(Image.open(path)) / 255
    for path in (outs["own"], outs["table"], tmp_path / "photo.png")
  )
  kept = color_tables.in_chroma_of(np.float32(table), np.float32(photo))
  assert np.abs(own - kept).max() < 2 / 255


def test_frames_of_a_video_share_a_palette(stylized, tmp_path, monkeypatch):
  frames = [np.full((40, 64, 3), 20 * i, np.uint8) for i in range(10)]
  video.write_video(tmp_path / "in.mp4", frames, fps=10)
  _save(tmp_path / "style.png", (32, 32))
  fitted, table_of = [], style_maps.table_of

  def counted(colors, *more):
    fitted.append(colors)
    return table_of(colors, *more)

  monkeypatch.setattr(style_maps, "table_of", counted)
  status, _ = stylized(
    f"--content={tmp_path / 'in.mp4'}",
    f"--style={tmp_path / 'style.png'}",
    f"--out={tmp_path / 'out.mp4'}",
    "--transfer=affine",
  )
  assert status == 0
  ((colors, weights),) = fitted
  assert colors.shape == (10 * 40 * 64, 3) and weights.shape == (10 * 40 * 64,)
