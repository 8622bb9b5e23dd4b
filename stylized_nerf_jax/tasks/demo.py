"""The whole method on the embedded scene and the styles painted here."""

import pathlib

import ml_collections

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.outputs import contact_sheet, video
from stylized_nerf_jax.phases import pipeline
from stylized_nerf_jax.presets import demo as preset
from stylized_nerf_jax.runs import result_stamp, run_folder
from stylized_nerf_jax.tasks import film_plan, render_path, run_evaluation
from stylized_nerf_jax.tasks.reports import report

_FRAMES = 48
_FPS = 12
_QUICK_FRAMES = 12


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
  config = ml_collections.FrozenConfigDict(
    preset.get_config("quick" if quick else "")
  )
  pipeline.train(config, workdir)
  model = model_lib.StylizedNerf.load(workdir)
  frames = _QUICK_FRAMES if quick else _FRAMES
  videos = workdir / "videos"
  run = run_folder.RunFolder(workdir)
  result_stamp.begin(videos, run)
  render_path.render_to(
    model,
    videos / "photographed.mp4",
    path="orbit",
    num_frames=frames,
    fps=_FPS,
  )
  render_path.write_style_videos(
    model,
    film_plan.path_cameras(model, "orbit", frames),
    {name: videos / f"{name}.mp4" for name in model.styles},
    fps=_FPS,
  )
  result_stamp.finish(videos, run)
  _write_sheet(model, workdir)
  progress.say(f"wrote a video of every style in {videos}")
  progress.say(f"wrote {workdir / 'contact_sheet.png'}, one view in all styles")
  run_evaluation.evaluate_run(workdir)
  report.make_after(workdir)


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
