"""The whole method on the embedded scene and the styles painted here."""

import pathlib

import ml_collections

from stylized_nerf_jax import defaults
from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.outputs import contact_sheet, video
from stylized_nerf_jax.phases import pipeline
from stylized_nerf_jax.tasks import render_path, run_evaluation

_FRAMES = 48
_FPS = 12
_SCORED_FRAMES = 24
_QUICK_FRAMES = 12


def make_config(*, quick: bool) -> ml_collections.ConfigDict:
  """Returns the demo's config: the defaults, or less of everything."""
  config = defaults.get_config()
  config.styles.names = "swirling-night,mosaic,ink-wash"
  config.styles.style_size = 256
  config.evaluation.num_frames = _SCORED_FRAMES
  # Without it haze grows before each of the 24 cameras.
  config.radiance_field.grid_decay = 1.0
  config.radiance_field.steps = 1200
  # At 300, on pictures as small as these, D agrees with itself by darkening.
  config.stylizer.consistency_weight = 50.0
  config.stylizer.muon_learning_rate = 0.0
  config.stylizer.steps = 60
  config.mutual_learning.steps = 400
  # At 5e-3 the red of a blue style goes to 0 everywhere, and stays there.
  config.mutual_learning.learning_rate = 2e-3
  config.mutual_learning.patch_steps = 260
  # At half of it, C_s keeps less than half of the fine detail that D paints.
  config.mutual_learning.patch_content_weight = 0.36
  config.mutual_learning.patch_style_weight = 2.88
  config.mutual_learning.refresh_every = 4
  config.mutual_learning.consistency_weight = 50.0
  config.mutual_learning.decoder_muon_learning_rate = 0.0
  if quick:
    config.scene.downsample = 2.0
    config.radiance_field.steps = 400
    config.radiance_field.evaluate_every = 400
    config.stylizer.steps = 10
    config.mutual_learning.steps = 200
    config.mutual_learning.patch_steps = 20
    config.mutual_learning.refresh_every = 100
    config.evaluation.num_frames = _QUICK_FRAMES
  return config


def run(workdir: str | pathlib.Path, *, quick: bool = False) -> None:
  """Trains, renders a video of every style, and scores.

  Args:
    workdir: of the run; everything written lies in it.
    quick: a check that all works, not a picture to show.

  Raises:
    ValueError: an extra is missing, or the folder cannot be used.
  """
  video.check_available()
  workdir = pathlib.Path(workdir)
  config = ml_collections.FrozenConfigDict(make_config(quick=quick))
  pipeline.train(config, workdir)
  model = model_lib.StylizedNerf.load(workdir)
  frames = _QUICK_FRAMES if quick else _FRAMES
  videos = workdir / "videos"
  render_path.render_to(
    model,
    videos / "photographed.mp4",
    path="orbit",
    num_frames=frames,
    fps=_FPS,
  )
  render_path.write_style_videos(
    model,
    render_path.path_cameras(model, "orbit", frames),
    {name: videos / f"{name}.mp4" for name in model.styles},
    fps=_FPS,
  )
  _write_sheet(model, workdir)
  run_evaluation.evaluate_run(workdir)
  progress.say(
    f"demo: videos in {videos}, picture in "
    f"{workdir / 'contact_sheet.png'}, scores in "
    f"{workdir / 'evaluation' / 'report.json'}"
  )


def _write_sheet(model: model_lib.StylizedNerf, workdir: pathlib.Path) -> None:
  """One held-out view in all styles, and a mix of two."""
  camera = model.scene.split("test")[0]
  first, second = model.styles[0], model.styles[-1]
  shown = {
    "photographed": None,
    **{name: name for name in model.styles},
    f"{first} + {second}": {first: 0.5, second: 0.5},
  }
  pictures = [model.render(camera, style).rgb for style in shown.values()]
  contact_sheet.save_contact_sheet(
    workdir / "contact_sheet.png", pictures, labels=list(shown)
  )
