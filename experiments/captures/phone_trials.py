"""What does a phone do to a capture, and what is it good for to undo it?

  python experiments/captures/phone_trials.py --workdir runs/phone \
    --scene fox FOX 8 --films embedded synthetic 1 -- \
    --config fast --config.radiance_field.steps=1000

Of each scene, with the number that its pictures are downsampled by, three
copies: as it is; with training photographs whose exposure and white balance
drift; with training cameras that are turned and shifted at random. Of each
scene of --films: as it is, and with training photographs that are frames of a
film in SDR, HLG and PQ. Held-out views stay as they are. Phase 1 alone trains
on each copy, with corrections of views and without, and is scored on held-out
views. Writes experiments/results/phone_trials.json.
"""

import argparse
import dataclasses
import pathlib
import sys
from collections.abc import Sequence

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from support import commands, films, results, run_files  # noqa: E402

# Of the drift: brightness swings by so many stops, white balance by so many.
_BRIGHTNESS, _WHITE = 0.5, 0.15
# Deviations of wrong poses: degrees an axis, and share of the extent an axis.
_TURN, _SHIFT = 0.2, 0.002
_EXPOSURE = "--config.radiance_field.exposure_learning_rate=0.004"
_POSE = "--config.radiance_field.pose_learning_rate=0.00003"
_CORRECTIONS = {
  "none": [],
  "exposure": [_EXPOSURE],
  "poses": [_POSE],
}
_TRIALS = {
  "as it is": ("none", "exposure", "poses"),
  "exposure drifts": ("none", "exposure"),
  "poses are off": ("none", "poses"),
}
_FILMS = {
  "as it is": ("none",),
  "filmed in SDR": ("none",),
  "filmed in HLG": ("none",),
  "filmed in PQ": ("none",),
}
_COLUMNS = ("scene", "copy", "learned of views", "PSNR, dB", "SSIM", "gain, dB")


def main() -> None:
  """Makes copies, trains on each, and writes what the manifests say."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
  parser.add_argument("--workdir", type=pathlib.Path, required=True)
  for option in ("--scene", "--films"):
    parser.add_argument(
      option,
      nargs=3,
      action="append",
      default=[],
      metavar=("NAME", "PATH", "BY"),
    )
  parser.add_argument("config", nargs="+", help="after --")
  args = parser.parse_args()
  rows = []
  scenes = [(scene, _TRIALS) for scene in args.scene]
  scenes += [(scene, _FILMS) for scene in args.films]
  for (name, path, by), trials in scenes:
    for copy, corrections in trials.items():
      folder = args.workdir / f"{name} {copy}".replace(" ", "_")
      if not (folder / "transforms.json").is_file():
        _write_copy(copy, path, float(by), folder)
      alone = None
      for learned in corrections:
        run = args.workdir / f"{folder.name}_run_{learned}"
        commands.train(
          run,
          run_files.FIELD,
          [*args.config, f"--config.scene.path={folder}"]
          + _CORRECTIONS[learned],
        )
        scores = run_files.facts(run, run_files.FIELD)["scores"]
        psnr = scores["test_psnr"]
        alone = psnr if alone is None else alone
        cells = f"{psnr:.2f}", f"{scores['test_ssim']:.3f}"
        rows.append([name, copy, learned, *cells, f"{psnr - alone:+.2f}"])
        results.write_table("phone_trials", _COLUMNS, rows)


def _write_copy(copy: str, path: str, by: float, folder: pathlib.Path) -> None:
  """Writes a scene as transforms.json, with what is wrong in a copy of it."""
  # Whoever finds its copies there has no use for JAX in this process.
  from stylized_nerf_jax.outputs import scene_writer
  from stylized_nerf_jax.scenes.readers import formats

  scene = formats.load_scene(path, downsample=by)
  rng = np.random.default_rng(0)
  if copy == "exposure drifts":
    images = _Drifting(scene.images, scene.splits["train"], rng)
    scene = dataclasses.replace(scene, images=images)
  if copy.startswith("filmed"):
    images = _filmed(scene, copy.split()[-1], folder.with_name("film"))
    scene = dataclasses.replace(scene, images=images)
  if copy == "poses are off":
    scene = dataclasses.replace(scene, cameras=_moved(scene, rng))
  scene = dataclasses.replace(scene, alphas=None, masks=None, depths=None)
  scene_writer.write_scene(scene, folder, format="transforms")


def _filmed(scene, curve: str, folder: pathlib.Path) -> list[np.ndarray]:
  """Returns pictures of which those to train on went through a film."""
  images = [scene.images[i] for i in range(len(scene))]
  train = scene.splits["train"]
  path = folder / f"{curve}.mov"
  path.parent.mkdir(parents=True, exist_ok=True)
  films.film([images[i] for i in train], path, curve)
  found = films.frames(path, folder / curve)
  assert len(found) == len(train), (len(found), len(train))
  for i, frame in zip(train, found, strict=True):
    images[i] = frame
  return images


class _Drifting(Sequence):
  """Photographs of which those to train on drift in exposure."""

  def __init__(self, images, train, rng):
    self._images = images
    time = np.linspace(0, 3 * np.pi, len(train))
    swing = _BRIGHTNESS * np.sin(time) + 0.1 * rng.normal(size=len(train))
    white = _WHITE * np.cos(0.7 * time) + 0.03 * rng.normal(size=len(train))
    stops = np.stack([swing + white, swing, swing - white], axis=-1)
    self._stops = dict(zip(train, stops - stops.mean(axis=0)))

  def __len__(self):
    return len(self._images)

  def __getitem__(self, index):
    from stylized_nerf_jax.rendering import view_corrections

    image = self._images[index]
    if index not in self._stops:
      return image
    stops = np.float32(self._stops[index])
    return np.clip(view_corrections.expose(image, stops), 0, 1)


def _moved(scene, rng):
  """Returns cameras of which those to train on are turned and shifted."""
  from stylized_nerf_jax.rendering import view_corrections

  poses = scene.cameras.camera_to_world.copy()
  extent = np.linalg.norm(np.ptp(scene.cameras.centers, axis=0))
  for i in scene.splits["train"]:
    turn = np.float32(np.deg2rad(_TURN) * rng.normal(size=3))
    rotation = np.asarray(view_corrections.rotation(turn), np.float64)
    poses[i, :3, :3] = rotation @ poses[i, :3, :3]
    poses[i, :3, 3] += _SHIFT * extent * rng.normal(size=3)
  return dataclasses.replace(scene.cameras, camera_to_world=poses)


if __name__ == "__main__":
  main()
