"""The report of a run: whole, smaller where less is there, never in the way."""

import json
import re
import shutil

import numpy as np
import pytest
import tiny_run

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import user_error
from stylized_nerf_jax.cli import main as cli
from stylized_nerf_jax.evaluation import frames, report
from stylized_nerf_jax.outputs import image_writer
from stylized_nerf_jax.runs import result_stamp, run_folder
from stylized_nerf_jax.tasks import film_plan, render_path
from stylized_nerf_jax.tasks.reports import evaluated, pictures
from stylized_nerf_jax.tasks.reports import report as report_lib


def _text(run):
  return (run / "report.html").read_text()


def _row(name, style, error=None):
  pairs = [] if error is None else [{"gap": 1, "rmse": error, "lpips": None}]
  measures = {"style_distance": 4.0, "high_frequency_energy": 0.004}
  floor = name == report.FLOOR
  return {
    "name": name,
    "style": style,
    "consistency": pairs,
    "realism": 0.5 if floor else 0.4,
    "content_edges": 0.8,
    "painting_energy": 0.004,
    **measures,
  }


def _evaluate(run, styles=tiny_run.STYLES):
  """Leaves what an evaluation leaves, with scores of a known verdict."""
  model = model_lib.StylizedNerf.load(run)
  cameras = film_plan.path_cameras(model, "orbit", 3)
  folder = run / "evaluation"
  of_run = run_folder.RunFolder(run)
  result_stamp.begin(folder, of_run)
  render_path.write_folder(
    folder / "content",
    cameras,
    (model.render(camera) for camera in cameras),
    source="evaluation",
    style=None,
    save_depth=True,
  )
  random = np.random.default_rng(0)
  for method in (report.STYLIZED, report.REFERENCE):
    for style in styles:
      for i, camera in enumerate(cameras):
        size = (camera.height, camera.width, 3)
        file = folder / report.folder_of(method) / style / f"{i:05d}.png"
        image_writer.save_image(file, random.uniform(size=size))
  rows = [_row(report.FLOOR, None)]
  for style in styles:
    rows += [
      _row(report.FLOOR, style),
      _row(report.STYLIZED, style, 0.02),
      _row(report.REFERENCE, style, 0.1),
    ]
  made = report.make_report(
    rows,
    protocol={"frames": 3, "gaps": [1], "width": 32, "height": 24},
    reference=report.REFERENCE,
  )
  report.write_report(made, folder / "report.json")
  result_stamp.finish(folder, of_run)
  return run


@pytest.fixture(scope="module")
def evaluated_run(finished_run, tmp_path_factory):
  run = tmp_path_factory.mktemp("report") / "run"
  return _evaluate(shutil.copytree(finished_run, run))


@pytest.fixture(scope="module")
def page(evaluated_run):
  report_lib.make(evaluated_run)
  return _text(evaluated_run)


def test_a_run_that_was_evaluated_has_all_parts(page):
  titles = re.findall(r"<h2>([^<]+)</h2>", page)
  assert titles == [
    "Photographs",
    "Paintings and scene",
    "A mix",
    "Scores",
    "Where frames disagree",
    "Training",
    "Cameras from above",
    "What it cost",
    "Colophon",
  ]
  assert "Mosaic" in page and "Ink Wash" in page
  assert page.count("<video") + page.count('alt="A flight') == 2
  assert page.count('type="range"') == 2
  assert 'class="missing"' not in page
  assert "Every style is steady, in style and readable" in page
  assert len(page) < pictures.MOST_BYTES


def test_the_table_has_the_verdicts_and_ratios(page):
  table = page.partition('id="scores"')[2].partition("</section>")[0]
  rows = re.findall(r"<tr>(.*?)</tr>", table)[1:]
  cells = [
    re.findall(r"<td[^>]*>(?:<span[^>]*></span>)?([^<]*)", r) for r in rows
  ]
  expected = ["yes", "yes", "yes", "0.20", "0.80", "0.80", "1.00"]
  assert cells == [["Mosaic", *expected], ["Ink Wash", *expected]]


def test_maps_and_sliders_show_the_evaluations_frames(evaluated_run):
  run = run_folder.RunFolder(evaluated_run)
  found = evaluated.read(run, tiny_run.STYLES)
  assert found.gaps == (1,) and found.target == 1
  made = pictures.disagreement(found, tiny_run.STYLES)
  assert len(made["disagreement"]) == 2
  assert [len(row.maps) for row in made["disagreement"]] == [2, 2]
  errors = found.errors(found.stylized["mosaic"], 1)
  sequence = frames.read_frames(evaluated_run / "evaluation/stylized/mosaic")
  assert errors.shape == sequence[0].shape[:2]


def test_the_page_tells_no_folders_of_this_machine(page, evaluated_run):
  config = page.partition("The config of the run")[2]
  assert str(evaluated_run.parent) not in config
  assert '"decoder": "decoder.npz"' in config.replace("&quot;", '"')


def test_a_report_after_training_names_what_is_missing(run_copy, capsys):
  assert report_lib.make_after(run_copy) == run_copy / "report.html"
  text = _text(run_copy)
  assert f"stylized-nerf evaluate {run_copy}" in text
  assert f"stylized-nerf report {run_copy}" in text
  assert 'type="range"' in text and "<video" not in text
  assert "wrote" in capsys.readouterr().err


def test_films_are_rendered_where_there_are_none(run_copy):
  report_lib.make(run_copy, film_minutes=30)
  text = _text(run_copy)
  assert text.count("<video") + text.count("data:image/webp") == 2
  # The next report finds them, and renders none.
  assert report_lib.make_after(run_copy)
  again = _text(run_copy)
  films = re.compile(r'src="(data:(?:video|image/webp)[^"]+)"')
  assert films.findall(again) == films.findall(text)


def test_films_that_would_take_too_long_are_left_out(run_copy, capsys):
  report_lib.make(run_copy, film_minutes=1e-9)
  assert "films of 2 styles are left out" in capsys.readouterr().err
  assert "<video" not in _text(run_copy)
  assert "longer than was allowed" in _text(run_copy)


def _unfinish(run, *phases):
  path = run / "manifest.json"
  manifest = json.loads(path.read_text())
  for phase in phases:
    manifest["phases"][phase]["finished"] = False
  path.write_text(json.dumps(manifest))
  return run


def test_a_run_in_its_first_phase_has_a_smaller_report(run_copy):
  _unfinish(run_copy, *run_folder.PHASES)
  report_lib.make(run_copy)
  text = _text(run_copy)
  assert "its first phase is not finished yet" in text
  left = ", ".join(run_folder.PHASES)
  assert f"Phases that are left to train: {left}" in text
  titles = re.findall(r"<h2>([^<]+)</h2>", text)
  assert "Photographs" in titles and "Paintings and scene" not in titles


def test_a_run_without_styles_shows_the_rest(run_copy):
  _unfinish(run_copy, "mutual_learning", "finish")
  report_lib.make(run_copy)
  assert "left to train: mutual_learning, finish" in _text(run_copy)
  assert 'type="range"' not in _text(run_copy)
  assert "<h2>The scene as photographed</h2>" in _text(run_copy)


def test_photographs_that_have_gone_are_said(run_copy):
  path = run_copy / "config.json"
  config = json.loads(path.read_text())
  config["scene"]["path"] = str(run_copy / "gone")
  path.write_text(json.dumps(config))
  report_lib.make(run_copy, film_minutes=0)
  assert "The photographs cannot be read" in _text(run_copy)
  assert 'type="range"' in _text(run_copy)


@pytest.fixture
def evaluated_copy(evaluated_run, small_networks, tmp_path):
  return shutil.copytree(evaluated_run, tmp_path / "run")


def _problem(run):
  return evaluated.read(run_folder.RunFolder(run), tiny_run.STYLES).problem


def test_half_an_evaluation_is_not_shown(evaluated_copy):
  folder = evaluated_copy / "evaluation"
  result_stamp.begin(folder, run_folder.RunFolder(evaluated_copy))
  assert "half done" in _problem(evaluated_copy)
  report_lib.make(evaluated_copy, film_minutes=0)
  text = _text(evaluated_copy)
  assert "half done" in text and "Where frames disagree" not in text
  assert f"stylized-nerf evaluate {evaluated_copy}" in text


def test_an_evaluation_of_before_is_not_shown(evaluated_copy):
  path = evaluated_copy / "manifest.json"
  manifest = json.loads(path.read_text())
  manifest["phases"]["finish"]["fingerprint"] = "another"
  path.write_text(json.dumps(manifest))
  assert "of an earlier result" in _problem(evaluated_copy)


def test_damage_is_said_and_the_rest_is_shown(evaluated_copy):
  folder = evaluated_copy / "evaluation"
  (folder / "content" / "depth" / "00001.npy").write_text("")
  found = evaluated.read(run_folder.RunFolder(evaluated_copy), tiny_run.STYLES)
  assert "frames are not shown" in found.problem
  assert found.scores is not None and found.measured is None
  (folder / "report.json").write_text('{"schema": ')
  assert "is damaged" in _problem(evaluated_copy)


def test_frames_that_are_not_all_there_are_left_out(evaluated_copy):
  (evaluated_copy / "evaluation/stylized/mosaic/00002.png").unlink()
  found = evaluated.read(run_folder.RunFolder(evaluated_copy), tiny_run.STYLES)
  assert list(found.stylized) == ["ink-wash"] and not found.problem


def test_what_is_no_run_is_refused_in_one_line(tmp_path, capsys):
  assert cli.main(["report", str(tmp_path)]) == 2
  assert "is no run: scene.json is missing" in capsys.readouterr().err
  (tmp_path / "model.npz").write_text("")
  assert cli.main(["report", str(tmp_path / "model.npz")]) == 2
  assert "expected the folder of a run" in capsys.readouterr().err
  assert cli.main(["report", str(tmp_path / "gone")]) == 2
  assert "no such run" in capsys.readouterr().err


def test_bad_options_are_refused_before_anything_is_made(
  finished_run, tmp_path, monkeypatch
):
  monkeypatch.setattr(report_lib, "_gather", lambda *_: pytest.fail("made"))
  for options, said in (
    ({"out": tmp_path / "x.pdf"}, r"ends in \.html"),
    ({"out": tmp_path / "no" / "x.html"}, "is no folder"),
    ({"film_minutes": -1.0}, "expected 0 to 1440"),
    ({"film_minutes": float("nan")}, "expected 0 to 1440"),
  ):
    with pytest.raises(user_error.UserError, match=said):
      report_lib.make(finished_run, **options)


def test_a_killed_report_leaves_the_old_one(tmp_path, monkeypatch):
  target = tmp_path / "report.html"
  target.write_text("old")

  def killed(*_):
    raise KeyboardInterrupt

  with monkeypatch.context() as patch:
    patch.setattr(report_lib.pathlib.Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
      report_lib._write(target, "new")
  assert target.read_text() == "old"
  report_lib._write(target, "new")
  assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
  assert target.read_text() == "new"


def test_a_full_disk_leaves_the_old_one(tmp_path, monkeypatch):
  target = tmp_path / "report.html"
  target.write_text("old")

  def full(*_, **__):
    raise OSError(28, "No space left on device")

  monkeypatch.setattr(report_lib.pathlib.Path, "write_text", full)
  with pytest.raises(OSError, match="no space left"):
    report_lib._write(target, "new")
  monkeypatch.undo()
  assert target.read_text() == "old"


def test_a_defect_of_the_report_is_shown_and_training_stands(
  finished_run, monkeypatch, capsys
):
  def defect(*_):
    raise ZeroDivisionError("of ours")

  monkeypatch.setattr(report_lib, "_gather", defect)
  assert report_lib.make_after(finished_run) is None
  said = capsys.readouterr().err
  assert "Traceback" in said and "ZeroDivisionError: of ours" in said
  assert "looks like a defect" in said and "the run is whole" in said
  # Asked for by itself, it is an error like any other.
  with pytest.raises(ZeroDivisionError):
    report_lib.make(finished_run)


def test_what_a_user_can_mend_is_one_line_after_training(
  finished_run, monkeypatch, capsys
):
  def wrong(*_):
    raise user_error.UserError("the photographs\nhave gone")

  monkeypatch.setattr(report_lib, "_gather", wrong)
  assert report_lib.make_after(finished_run) is None
  said = capsys.readouterr().err
  assert "Traceback" not in said and said.count("\n") == 1
  assert "report: not made (the photographs have gone)" in said


def test_sizes_are_bounded_whatever_the_number_of_styles():
  for count in (1, 3, 8, pictures.MOST_STYLES):
    each = (
      pictures.limit("film", count)
      + pictures.limit("still", count)
      + pictures.limit("painting", count)
      + 4 * pictures.limit("map", count)
    )
    shared = (
      pictures._PHOTOGRAPHED_BYTES
      + pictures._PHOTOGRAPHS * pictures._PHOTOGRAPH_BYTES
      + len(pictures._MIX_SHARES) * pictures._MIX_BYTES
    )
    # A third more in base64, and as much as is left for the page itself.
    assert 4 / 3 * (count * each + shared) < pictures.MOST_BYTES - 500_000
