"""What sequences of a run are scored against."""

import jax
import numpy as np
from PIL import Image

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.evaluation import geometry
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.outputs import image_writer, video
from stylized_nerf_jax.phases import run_styles
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes.synthetic import embedded
from stylized_nerf_jax.stylizer import stylize
from stylized_nerf_jax.tasks import film_plan, render_path, run_evaluation


def test_the_embedded_scene_is_scored_with_its_exact_depth(
  finished_run, tmp_path
):
  model = model_lib.StylizedNerf.load(finished_run)
  cameras = film_plan.path_cameras(model, "orbit", 2)
  run_evaluation._write_content(model, cameras, tmp_path)
  written = geometry.read_geometry(tmp_path)
  for i in range(2):
    exact = embedded.depth(written.cameras[i])
    np.testing.assert_allclose(written.depths[i], exact, rtol=1e-4)
    # A field of two training steps knows nothing of it.
    guessed = model.render(cameras[i]).depth
    assert np.abs(guessed - exact).mean() > 0.01


def test_frames_are_stylized_as_single_pictures_are(
  finished_run, small_networks, tmp_path
):
  run = run_folder.RunFolder(finished_run)
  nets = stylizer_nets.load_nets(run.config().weights)
  other = jax.tree.map(lambda values: 0.5 * values, nets.decoder)
  styles = list(run_styles.stored(run).values())
  random = np.random.default_rng(0)
  content = random.uniform(size=(2, 19, 30, 3)).astype(np.float32)
  decoders = {"one": nets.decoder, "other": other}
  folders = {
    (method, style.name): tmp_path / method / style.name
    for style in styles
    for method in decoders
  }
  run_evaluation._write_adain(nets, decoders, content, styles, folders)
  for (method, name), folder in folders.items():
    whole = stylize.Stylizer("vgg16", nets.encoder.params, decoders[method])
    style = next(s for s in styles if s.name == name)
    statistics = whole.style_statistics(style.image)
    for i in range(2):
      wanted = whole.stylize(content[i][None], *statistics)[0]
      image_writer.save_image(tmp_path / "wanted.png", np.asarray(wanted))
      found = run_evaluation.frames.read_frames(folder)[i]
      expected = images_of(tmp_path / "wanted.png")
      np.testing.assert_allclose(found, expected, atol=1.01 / 255)


def images_of(path):
  """Reads one picture as frames are read."""
  return np.asarray(Image.open(path), np.float32) / 255


def test_folders_of_styles_are_those_written_one_by_one(finished_run, tmp_path):
  model = model_lib.StylizedNerf.load(finished_run)
  cameras = film_plan.path_cameras(model, "orbit", 2)
  together = {name: tmp_path / "together" / name for name in model.styles}
  render_path.write_style_folders(model, cameras, together, source="here")
  for name, folder in together.items():
    single = tmp_path / "single" / name
    rendered = render_path.render_frames(model, cameras, style=name)
    render_path.write_folder(
      single, cameras, rendered, source="here", style=name
    )
    files = sorted(path.name for path in single.iterdir())
    assert sorted(path.name for path in folder.iterdir()) == files
    text = (folder / "cameras.json").read_text()
    assert text == (single / "cameras.json").read_text()
    for i in range(2):
      np.testing.assert_allclose(
        images_of(folder / f"{i:05d}.png"),
        images_of(single / f"{i:05d}.png"),
        atol=1.01 / 255,
      )


def test_videos_of_styles_show_what_is_rendered(finished_run, tmp_path):
  model = model_lib.StylizedNerf.load(finished_run)
  cameras = film_plan.path_cameras(model, "orbit", 2)
  files = {name: tmp_path / f"{name}.mp4" for name in model.styles}
  render_path.write_style_videos(model, cameras, files)
  for name, file in files.items():
    shown = list(video.read_video(file))
    assert len(shown) == 2
    for camera, frame in zip(cameras, shown):
      wanted = model.render(camera, name).rgb
      found = np.asarray(frame, np.float32)[: wanted.shape[0]] / 255
      # Videos keep colours at half the resolution.
      np.testing.assert_allclose(
        found[:, : wanted.shape[1]].mean((0, 1)), wanted.mean((0, 1)), atol=0.03
      )
