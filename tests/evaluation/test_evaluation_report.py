"""The report: ratios, strict JSON, tables."""

import json
import re

import pytest

from stylized_nerf_jax.evaluation import report

_PROTOCOL = {"frames": 60, "gaps": [1, 7], "tolerance": 0.1}


def _scores(name, *, rmse, style="rain", style_distance=4.0, detail=0.002):
  gaps = [
    {"gap": gap, "rmse": rmse * gap, "lpips": 0.1, "valid_fraction": 0.9}
    for gap in (1, 7)
  ]
  return {
    "name": name,
    "style": style,
    "consistency": gaps,
    "style_distance": style_distance,
    "color_distance": None,
    "content_lpips": 0.5,
    "content_ssim": 0.4,
    "high_frequency_energy": detail,
  }


@pytest.fixture
def made():
  return report.make_report(
    [
      _scores("floor", rmse=0.001, style=None, style_distance=None),
      _scores("adain", rmse=0.02, detail=0.004),
      _scores("nerf", rmse=0.005, style_distance=4.4) | {"note": "two-way"},
      _scores("adain", rmse=0.03, style="wave"),
      _scores("nerf", rmse=0.006, style="wave"),
    ],
    protocol=_PROTOCOL,
    held_out={"psnr": 25.5, "ssim": 0.8, "lpips": 0.2, "views": [{}, {}]},
    reference="adain",
  )


def test_ratios_are_to_the_reference_of_the_same_style(made):
  floor, _, nerf, adain, other = made["sequences"]
  assert floor["ratios"] is None
  assert nerf["ratios"]["reference"] == "adain"
  assert nerf["ratios"]["rmse"]["7"] == pytest.approx(0.25)
  assert nerf["ratios"]["style_distance"] == pytest.approx(1.1)
  assert nerf["ratios"]["high_frequency_energy"] == pytest.approx(0.5)
  assert other["ratios"]["rmse"]["1"] == pytest.approx(0.2)
  assert adain["ratios"]["rmse"]["1"] == 1.0


def test_missing_values_have_no_ratio():
  rows = [_scores("adain", rmse=0.02), _scores("nerf", rmse=0.01)]
  rows[0]["consistency"][1]["rmse"] = None
  rows[0]["style_distance"] = None
  made = report.make_report(rows, protocol=_PROTOCOL, reference="adain")
  ratios = made["sequences"][1]["ratios"]
  assert ratios["rmse"] == {"1": pytest.approx(0.5), "7": None}
  assert ratios["style_distance"] is None


def test_written_reports_are_read_back_as_strict_json(made, tmp_path):
  path = tmp_path / "report.json"
  made["held_out"]["psnr"] = float("inf")
  report.write_report(made, path)
  json.loads(path.read_text(), parse_constant=pytest.fail)
  found = report.read_report(path)
  assert found["held_out"]["psnr"] is None
  assert found["sequences"] == json.loads(json.dumps(made["sequences"]))
  assert (found["schema"], found["version"]) == (report.SCHEMA, 1)


def test_the_table_shows_what_was_measured(made):
  heading, *rows = report.table_cells(made)
  assert all(len(row) == len(heading) for row in rows)
  nerf = dict(zip(heading, rows[2]))
  assert nerf["sequence"] == "nerf" and nerf["note"] == "two-way"
  assert nerf["RMSE 7"] == "0.0350" and nerf["RMSE 7 ratio"] == "0.25"
  assert nerf["detail x 1000"] == "2.000" and nerf["detail ratio"] == "0.50"
  floor = dict(zip(heading, rows[0]))
  assert floor["style"] == floor["style distance"] == "-"
  assert "colour distance" not in heading
  assert report.held_out_line(made) == (
    "2 held-out photographs: PSNR 25.50 dB, SSIM 0.8000, LPIPS 0.2000"
  )


def test_the_two_layouts_of_a_table():
  cells = [["name", "x"], ["long name", "1"]]
  assert report.markdown_table(cells) == (
    "| name | x |\n|---|---|\n| long name | 1 |"
  )
  assert report.plain_table(cells) == (
    "name       x\n---------  -\nlong name  1"
  )


@pytest.mark.parametrize("length", [3, 24, 60])
def test_a_terminal_shows_what_fits_and_names_the_rest(made, length):
  for row in made["sequences"]:
    row["style"] = row["style"] and "s" * length
  cells = report.table_cells(made)
  lines = report.terminal_table(made).splitlines()
  assert max(map(len, lines)) <= 100
  assert lines[-1] == report.held_out_line(made)
  told = " ".join(lines)
  (listed,) = re.findall(r"more columns with --wide: (.*) 2 held-out", told)
  # Every column is shown or named; rows of the table are all there.
  shown = [" ".join(two).strip() for two in _columns(lines)]
  left = listed.split(", ")
  assert sorted(shown + left) == sorted(cells[0])
  assert {"sequence", "style", "RMSE 1", "RMSE 7"} <= set(shown)
  assert lines[3].startswith(cells[1][0])
  wide = report.terminal_table(made, wide=True).splitlines()
  assert wide[: len(cells) + 1] == report.plain_table(cells).splitlines()


def _columns(lines):
  """The two rows of the headings, cut where the rule below them is."""
  for found in re.finditer("-+", lines[2]):
    yield [line[found.start() : found.end()].strip() for line in lines[:2]]


def test_wrong_files_are_named(tmp_path):
  path = tmp_path / "report.json"
  with pytest.raises(ValueError, match="no such report"):
    report.read_report(path)
  for text, message in (
    ("{", "not valid JSON"),
    ("[]", "schema None"),
    ('{"schema": "other", "version": 1}', "schema 'other' version 1"),
    (json.dumps({"schema": report.SCHEMA, "version": 2}), "version 2"),
  ):
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
      report.read_report(path)
  with pytest.raises(ValueError, match="absent/r.json: .* cannot be written"):
    report.check_destination(tmp_path / "absent" / "r.json")
  with pytest.raises(ValueError, match="cannot be written"):
    report.check_destination(tmp_path)
