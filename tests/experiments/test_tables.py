"""Documents repeat the results word for word, or the check fails."""

import importlib.util
import json
import pathlib

import pytest

from stylized_nerf_jax.evaluation import report

_PATH = pathlib.Path(__file__).parents[2] / "experiments" / "tables.py"
_SPEC = importlib.util.spec_from_file_location("experiment_tables", _PATH)
tables = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tables)

_README = """# Title

<!-- table:speed -->
<!-- /table -->

between

<!-- table:other.small -->
old
<!-- /table -->
"""


@pytest.fixture
def root(tmp_path):
  results = tmp_path / "experiments" / "results"
  results.mkdir(parents=True)
  (tmp_path / "docs").mkdir()
  table = {"columns": ["what", "rays/s"], "rows": [["ours", 24000]]}
  (results / "speed.json").write_text(json.dumps({"table": table}))
  small = {"columns": ["x"], "rows": [[None], [0.5]]}
  (results / "other.json").write_text(json.dumps({"tables": {"small": small}}))
  (tmp_path / "README.md").write_text(_README)
  return tmp_path


def test_tables_are_written_and_then_up_to_date(root):
  arguments = ["--root", str(root)]
  assert tables.main([*arguments, "--check"]) == 1
  assert (root / "README.md").read_text() == _README
  assert tables.main(arguments) == 0
  text = (root / "README.md").read_text()
  assert (
    "<!-- table:speed -->\n| what | rays/s |\n|---|---|\n| ours | 24000 |\n"
    "<!-- /table -->\n\nbetween\n" in text
  )
  assert "| x |\n|---|\n| - |\n| 0.5 |\n" in text and "old" not in text
  assert tables.main([*arguments, "--check"]) == 0
  assert (root / "README.md").read_text() == text


def test_a_changed_result_is_noticed(root, capsys):
  arguments = ["--root", str(root)]
  tables.main(arguments)
  path = root / "experiments" / "results" / "speed.json"
  path.write_text(path.read_text().replace("24000", "25000"))
  assert tables.main([*arguments, "--check"]) == 1
  assert "README.md is out of date" in capsys.readouterr().out


def test_evaluation_reports_have_their_own_table(root):
  row = {
    "name": "nerf",
    "style": "rain",
    "consistency": [
      {"gap": 1, "rmse": 0.02, "lpips": 0.1, "valid_fraction": 0.9}
    ],
    "style_distance": None,
    "color_distance": None,
    "content_lpips": None,
    "content_ssim": None,
    "high_frequency_energy": 0.001,
  }
  held_out = {"psnr": 25.0, "ssim": 0.8, "lpips": 0.2, "views": [{}]}
  made = report.make_report([row], protocol={"gaps": [1]}, held_out=held_out)
  report.write_report(made, root / "experiments" / "results" / "fern.json")
  page = root / "docs" / "results.md"
  page.write_text("<!-- table:fern -->\n<!-- /table -->\n")
  assert tables.main(["--root", str(root)]) == 0
  text = page.read_text()
  assert "1 held-out photographs: PSNR 25.00 dB" in text
  assert "| nerf | rain | 0.0200 | 0.1000 | 0.90 | 1.000 |" in text


@pytest.mark.parametrize(
  "block, message",
  [
    ("<!-- table:absent -->\n<!-- /table -->", "absent.json does not exist"),
    ("<!-- table:other -->\n<!-- /table -->", 'no key "table"'),
    ("<!-- table:other.x -->\n<!-- /table -->", 'no key "tables": {"x"'),
    ("<!-- table:speed -->\n", "has no <!-- /table -->"),
  ],
)
def test_wrong_markers_are_named(root, capsys, block, message):
  (root / "docs" / "page.md").write_text(block)
  assert tables.main(["--root", str(root), "--check"]) == 2
  error = capsys.readouterr().err
  assert "page.md" in error and message in error


def test_the_tables_of_this_project_are_up_to_date():
  assert tables.main(["--check"]) == 0
