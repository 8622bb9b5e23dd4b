"""`stylized-nerf info`: exact parameter counts, and the state of a run."""

import json

import pytest

from stylized_nerf_jax.cli import main


def _info(capsys, *arguments):
  assert main.main(["info", *map(str, arguments)]) == 0
  return capsys.readouterr().out


def test_counts_of_the_papers_networks(capsys):
  printed = _info(
    capsys,
    "--json",
    "--config.field.kind=positional",
    "--config.style_field.encoding=frequency",
    "--config.style_field.depth=8",
    "--config.style_field.width=256",
  )
  assert json.loads(printed)["parameters"] == {
    "radiance_field": 1_191_688,
    "style_field": 485_475,
    # 3x3 convolutions of VGG-16 up to relu4_1, with biases.
    "encoder": 2_915_648,
    "decoder": 3_505_219,
    "statistics_vae": 2_150_464,
  }


def test_plain_text_says_the_same(capsys):
  printed = _info(capsys)
  facts = json.loads(_info(capsys, "--json"))
  for name, count in facts["parameters"].items():
    line = next(x for x in printed.splitlines() if name in x.split())
    assert line.split() == [name, f"{count:,}"]
  assert facts["field.kind"] == "hash_grid"


def test_a_run_tells_its_state(finished_run, capsys):
  facts = json.loads(_info(capsys, "--workdir", finished_run, "--json"))
  assert facts["scene"]["name"] == "synthetic"
  assert facts["scene"]["images"] == 28
  assert facts["styles"] == "mosaic, ink-wash"
  assert {phase["state"] for phase in facts["phases"].values()} == {"finished"}
  score = facts["phases"]["radiance_field"]["test_psnr"]
  assert score == pytest.approx(11, abs=6)
  printed = _info(capsys, "--workdir", finished_run)
  assert "finished" in printed
  (line,) = (x for x in printed.splitlines() if "test_psnr" in x)
  assert line.split()[1] == f"{score:.3f}"
