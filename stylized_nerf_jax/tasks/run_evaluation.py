"""Scores of a run: held-out photographs, and stylized sequences (section 11).

The frames that are scored stay in the run, so that anybody can score or watch
them: RUN/evaluation/content (with cameras.json and depth/), and one folder for
every method and style.
"""

import functools
import pathlib
from collections.abc import Callable, Sequence

import jax
import numpy as np

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.evaluation import (
  frames,
  geometry,
  lpips,
  novel_views,
  report,
  shortfalls,
)
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.outputs import image_writer
from stylized_nerf_jax.phases import adaptation, pipeline, run_styles
from stylized_nerf_jax.runs import result_stamp, run_folder
from stylized_nerf_jax.scenes import paths
from stylized_nerf_jax.scenes.pictures import style_set
from stylized_nerf_jax.scenes.synthetic import embedded
from stylized_nerf_jax.stylizer import adain, stylize, vgg
from stylized_nerf_jax.tasks import matched_frames, render_path

_EXACT = "synthetic"  # format of scenes whose depth is known exactly


def evaluate_run(
  workdir: str | pathlib.Path,
  json_path: str | pathlib.Path | None = None,
  *,
  baselines: bool = True,
  content: pathlib.Path | None = None,
  wide: bool = False,
  reach: int = 0,
) -> dict:
  """Renders, scores and prints the table of a finished run.

  Args:
    workdir: of the run.
    json_path: where to write the report, beside RUN/evaluation/report.json.
    baselines: also stylize every frame on its own, to compare with.
    content: RUN/evaluation/content of a run with the same field and path,
      which is taken as it is; then neither it nor the field is scored.
    wide: prints all columns of the table, however wide it gets.
    reach: how many frames of each style are also matched by themselves, at
      minutes a frame.

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
  result_stamp.begin(folder, run)
  chosen = matched_frames.choose(reach, len(cameras)) if reach else []
  if content is None:
    _write_content(model, cameras, folder / "content")
  measured = geometry.read_geometry(content or folder / "content")
  nets = stylizer_nets.load_nets(model.config.weights)
  gaps = model.config.evaluation.gaps
  scorer = _Scorer(gaps, measured, nets, lpips_params)
  rows, methods = [], {}
  if content is None:
    rows.append(scorer.score(report.FLOOR, measured.content, None))
  if baselines:
    methods[report.REFERENCE] = nets.decoder
    methods[report.ADAPTED] = adaptation.load_decoder(run, nets)
  styles = list(_style_set(run, model).values())
  folders = {
    (method, style.name): folder / report.folder_of(method) / style.name
    for style in styles
    for method in methods
  }
  if folders:
    _write_adain(nets, methods, measured.content, styles, folders)
  if content is None:
    rows += [
      scorer.score_style(report.FLOOR, measured.content, s) for s in styles
    ]
  shown = folder / report.folder_of(report.STYLIZED)
  stylized = {style.name: shown / style.name for style in styles}
  for target in stylized.values():
    _clear(target)
  render_path.write_style_folders(model, cameras, stylized, source="evaluation")
  for style in styles:
    found = frames.read_frames(stylized[style.name])
    rows.append(scorer.score(report.STYLIZED, found, style))
    for name in methods:
      found = frames.read_frames(folders[name, style.name])
      rows.append(scorer.score(name, found, style))
  if chosen:
    name = matched_frames.NAME
    matched = {s.name: folder / report.folder_of(name) / s.name for s in styles}
    for target in matched.values():
      _clear(target)
    paintings = _style_set(run, model)
    for style, found in matched_frames.match(
      measured.content, chosen, matched, paintings, model.config.weights.encoder
    ):
      row = scorer.score_style(name, found, paintings[style], chosen)
      note = f"{len(chosen)} of {len(cameras)} frames"
      rows.append(row | {"note": note})
  result = report.make_report(
    rows,
    protocol={
      **frames.describe_protocol(measured, gaps=gaps),
      "geometry": "exact" if model.scene.format == _EXACT else "field",
    },
    held_out=None if content else _held_out(model, lpips_params),
    reference=report.REFERENCE,
  )
  report.write_report(result, folder / "report.json")
  result_stamp.finish(folder, run)
  if json_path is not None:
    report.write_report(result, json_path)
  print(report.terminal_table(result, wide=wide))
  for line in shortfalls.of_report(
    result,
    method=report.STYLIZED,
    unstylized=report.FLOOR,
    adain=report.REFERENCE,
  ):
    progress.say(f"evaluate: {line}")
  progress.say(
    f"wrote {folder / 'report.json'} with all figures, and the frames beside "
    f"it; {report.MEANING}"
  )
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

  def score_style(self, name: str, sequence, style, frames_of=None) -> dict:
    """Returns a row without consistency, of pictures on their own.

    Args:
      name: of the row.
      sequence: pictures.
      style: that they are compared with.
      frames_of: numbers of the unstylized frames that they show, which they
        are compared with, too; None: with none.
    """
    content = None
    if frames_of is not None:
      content = [self._geometry.content[i] for i in frames_of]
    with progress.progress(
      len(sequence), f"scoring {name}, {style.name}"
    ) as bar:
      scores = frames.score_pictures(
        sequence,
        content,
        self._lpips,
        style=style.image,
        encode=self._encode,
        advance=bar.advance,
      )
    return {"name": name, "style": style.name, "consistency": [], **scores}


def _sequence(model):
  """The cameras that sequences are scored on."""
  count = model.config.evaluation.num_frames
  return paths.of_scene(model.scene, num_frames=count)


def _style_set(run: run_folder.RunFolder, model) -> style_set.StyleSet:
  """The paintings as the run stored them, in the model's order."""
  return run_styles.stored(run).subset(model.styles)


def _clear(folder: pathlib.Path) -> None:
  """Removes the frames of an earlier evaluation: there may be fewer now."""
  for picture in folder.glob("*.png"):
    picture.unlink()


def _write_content(model, cameras, folder: pathlib.Path) -> None:
  _clear(folder)
  rendered = render_path.render_frames(
    model, cameras, label="rendering content"
  )
  if model.scene.format == _EXACT:
    rendered = _with_exact_depth(cameras, rendered)
  render_path.write_folder(
    folder,
    cameras,
    rendered,
    source="evaluation",
    style=None,
    save_depth=True,
  )


def _with_exact_depth(cameras, rendered):
  """Puts the embedded scene's own depth in place of the field's."""
  for camera, frame in zip(cameras, rendered):
    yield frame.replace(depth=embedded.depth(camera))


def _write_adain(nets, decoders: dict, content, styles, folders: dict) -> None:
  """Stylizes every content frame on its own.

  Args:
    nets: the 2D networks.
    decoders: parameters of D by method.
    content: the frames.
    styles: the paintings.
    folders: where the frames of (method, style name) go.
  """
  for folder in folders.values():
    _clear(folder)
  whole = stylize.Stylizer(nets.encoder.layout, nets.encoder.params, None)
  measure = jax.jit(whole.style_statistics)
  statistics = {style.name: measure(style.image) for style in styles}
  encode_with = vgg.VggEncoder(nets.encoder.layout).apply

  @jax.jit
  def encode(params, picture):
    padded = stylize.pad_to_stride(picture[None])
    return adain.normalise(encode_with({"params": params}, padded)["relu4_1"])

  @functools.partial(jax.jit, static_argnames=("height", "width"))
  def decode(params, features, mean, std, *, height, width):
    target = adain.restyle(features, mean, std)
    return stylize.decode(params, target, height, width)[0]

  with progress.progress(len(content), "per-frame AdaIN") as bar:
    for i in range(len(content)):
      picture = content[i]
      height, width = picture.shape[:2]
      features = encode(nets.encoder.params, picture)
      for (method, style), folder in folders.items():
        stylized = decode(
          decoders[method],
          features,
          *statistics[style],
          height=height,
          width=width,
        )
        image_writer.save_image(folder / f"{i:05d}.png", np.asarray(stylized))
      bar.advance()


class _Renders(Sequence):
  """What a model renders at some cameras, one at a time: [H, W, 3]."""

  def __init__(self, model, cameras, advance: Callable[[], None]):
    self._model, self._cameras, self._advance = model, cameras, advance

  def __len__(self) -> int:
    return len(self._cameras)

  def __getitem__(self, index: int) -> np.ndarray:
    rgb = self._model.render(self._cameras[index]).rgb
    self._advance()
    return rgb


def _held_out(model, lpips_params) -> dict | None:
  """Scores renders of the held-out cameras against the photographs."""
  scene = pipeline.load_scene(model.config)
  if not scene.splits.get("test"):
    return None
  test = scene.split("test")
  with progress.progress(2 * len(test), "held-out views") as bar:
    return novel_views.score_novel_views(
      _Renders(model, test.cameras, bar.advance),
      test.images,
      test.cameras.names,
      lpips_params=lpips_params,
      advance=bar.advance,
    )
