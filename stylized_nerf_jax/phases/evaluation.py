"""Scores of a run: held-out photographs, and stylized sequences (section 11).

The frames that are scored stay in the run, so that anybody can score or watch
them: RUN/evaluation/content (with cameras.json and depth/), and one folder for
every method and style.
"""

import functools
import pathlib

import jax
import numpy as np

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.evaluation import (
  frames,
  geometry,
  held_out,
  lpips,
  report,
)
from stylized_nerf_jax.outputs import images
from stylized_nerf_jax.phases import (
  pipeline,
  render_path,
  run_folder,
  stylizer,
  stylizer_nets,
)
from stylized_nerf_jax.scenes import style_set
from stylized_nerf_jax.stylizer import stylize, vgg
from stylized_nerf_jax.training import progress

STYLIZED = "stylized NeRF"
REFERENCE = "per-frame AdaIN"
ADAPTED = "per-frame AdaIN, adapted"
FLOOR = "unstylized (floor)"


def evaluate_run(
  workdir: str | pathlib.Path,
  json_path: str | pathlib.Path | None = None,
  *,
  baselines: bool = True,
) -> dict:
  """Renders, scores and prints the table of a finished run.

  Args:
    workdir: of the run.
    json_path: where to write the report, beside RUN/evaluation/report.json.
    baselines: also stylize every frame on its own, to compare with.

  Returns:
    The report, see docs/evaluation.md.

  Raises:
    ValueError: a phase is not finished, or an extra is missing.
  """
  run = run_folder.RunFolder(workdir)
  model = model_lib.StylizedNerf.load(workdir)
  model.latent(model.styles[0] if model.styles else None)
  lpips_params = lpips.load_lpips()
  folder = run.path / "evaluation"
  cameras = _sequence(model)
  _write_content(model, cameras, folder / "content")
  measured = geometry.read_geometry(folder / "content")
  nets = stylizer_nets.load_nets(model.config.weights)
  gaps = model.config.evaluation.gaps
  scorer = _Scorer(gaps, measured, nets, lpips_params)
  rows = [scorer.score(FLOOR, measured.content, None)]
  methods = {}
  if baselines:
    methods[REFERENCE] = nets.decoder
    methods[ADAPTED] = stylizer.load_decoder(run, nets)
  for style in _style_set(run, model).values():
    stylized = folder / "stylized" / style.name
    _write_stylized(model, cameras, style.name, stylized)
    rows.append(scorer.score(STYLIZED, frames.read_frames(stylized), style))
    for name, decoder in methods.items():
      target = folder / name.replace(" ", "-").replace(",", "") / style.name
      _write_adain(nets, decoder, measured.content, style, target)
      rows.append(scorer.score(name, frames.read_frames(target), style))
  result = report.make_report(
    rows,
    protocol=frames.describe_protocol(measured, gaps=gaps),
    held_out=_held_out(model, lpips_params),
    reference=REFERENCE,
  )
  report.write_report(result, folder / "report.json")
  if json_path is not None:
    report.write_report(result, json_path)
  print(report.plain_table(report.table_cells(result)))
  return result


class _Scorer:
  """Scores sequences of one scene against its geometry."""

  def __init__(self, gaps, measured: geometry.Geometry, nets, lpips_params):
    self._geometry, self._lpips, self._gaps = measured, lpips_params, gaps
    apply = jax.jit(vgg.VggEncoder(nets.encoder.layout).apply)
    self._encode = functools.partial(apply, {"params": nets.encoder.params})

  def score(self, name: str, sequence, style) -> dict:
    """Returns one row of the report."""
    label = f"scoring {name}" + (f", {style.name}" if style else "")
    total = frames.count_steps(len(self._geometry.cameras), self._gaps)
    with progress.progress(total, label) as bar:
      scores = frames.score_frames(
        sequence,
        self._geometry,
        style=None if style is None else style.image,
        encode=None if style is None else self._encode,
        lpips_params=self._lpips,
        gaps=self._gaps,
        advance=bar.advance,
      )
    return {"name": name, "style": style.name if style else None, **scores}


def _sequence(model):
  """The cameras that sequences are scored on."""
  kind = "spiral" if model.scene.layout == "forward_facing" else "orbit"
  count = model.config.evaluation.num_frames
  return render_path.path_cameras(model, kind, count)


def _style_set(run: run_folder.RunFolder, model) -> style_set.StyleSet:
  """The paintings as the run stored them, in the model's order."""
  return pipeline.stored_styles(run).subset(model.styles)


def _clear(folder: pathlib.Path) -> None:
  """Removes the frames of an earlier evaluation: there may be fewer now."""
  for picture in folder.glob("*.png"):
    picture.unlink()


def _write_content(model, cameras, folder: pathlib.Path) -> None:
  _clear(folder)
  rendered = render_path.render_frames(
    model, cameras, label="rendering content"
  )
  render_path.write_folder(
    folder,
    cameras,
    rendered,
    source="evaluation",
    style=None,
    save_depth=True,
  )


def _write_stylized(model, cameras, style: str, folder: pathlib.Path) -> None:
  _clear(folder)
  rendered = render_path.render_frames(
    model, cameras, style=style, label=f"rendering {style}"
  )
  render_path.write_folder(
    folder, cameras, rendered, source="evaluation", style=style
  )


def _write_adain(nets, decoder, content, style, folder: pathlib.Path) -> None:
  """Stylizes every content frame on its own."""
  _clear(folder)
  whole = stylize.Stylizer(nets.encoder.layout, nets.encoder.params, decoder)
  mean, std = whole.style_statistics(style.image)

  @jax.jit
  def apply(encoder_params, decoder_params, picture):
    networks = stylize.Stylizer(
      nets.encoder.layout, encoder_params, decoder_params
    )
    return networks.stylize(picture[None], mean, std)[0]

  with progress.progress(len(content), f"stylizing {style.name}") as bar:
    for i in range(len(content)):
      picture = apply(nets.encoder.params, decoder, content[i])
      images.save_image(folder / f"{i:05d}.png", np.asarray(picture))
      bar.advance()


def _held_out(model, lpips_params) -> dict | None:
  """Scores renders of the held-out cameras against the photographs."""
  scene = pipeline.load_scene(model.config)
  if not scene.splits.get("test"):
    return None
  test = scene.split("test")
  with progress.progress(2 * len(test), "held-out views") as bar:
    renders = []
    for camera in test.cameras:
      renders.append(model.render(camera).rgb)
      bar.advance()
    return held_out.score_held_out(
      renders,
      test.images,
      test.cameras.names,
      lpips_params=lpips_params,
      advance=bar.advance,
    )
