"""The report in a real browser: offline, from a file, every part alive."""

import io

import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.evaluation import shortfalls
from stylized_nerf_jax.outputs.report_page import (
  camera_plan,
  charts,
  citation,
  facts,
  media,
  page,
)
from stylized_nerf_jax.scenes.synthetic import embedded, generated_styles

pytestmark = pytest.mark.browser

_RED, _BLUE = (200, 30, 30), (30, 30, 200)
_NAME = 'night "<b>&</b>'


def _plain(color, alt):
  pixels = np.full((90, 120, 3), color, np.uint8)
  return media.picture(pixels, alt, width=120, limit=20_000)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
  """A page with all parts; photographed is red, stylized is blue."""
  pytest.importorskip("imageio_ffmpeg", reason="extra `video`")
  scene = embedded.make_scene(num_train=6, num_test=2, width=64, height=48)
  still = np.asarray(scene.images[0])
  frames = [np.roll(still, 2 * i, axis=1) for i in range(12)]
  painting = generated_styles.generate("mosaic")
  verdicts = (
    shortfalls.Verdict(True, True, True),
    shortfalls.Verdict(
      True, False, None, ("not in style",), "mutual_learning.finish.steps"
    ),
  )
  plates = [
    facts.Plate(
      name,
      name,
      painting=media.picture(painting, name, width=200, limit=20_000),
      stylized=_plain(_BLUE, "stylized"),
      film=media.film(frames, "a flight", fps=12, limit=100_000),
      verdict=verdict,
    )
    for name, verdict in zip(("Mosaic", _NAME), verdicts)
  ]
  rows = [
    {"phase": "radiance_field", "step": i, "psnr": 20 + i / 20}
    for i in range(1, 100)
  ]
  photographs = [
    media.picture(image, f"Photograph {i}", width=64, limit=9_000)
    for i, image in enumerate(scene.images)
  ]
  made = facts.Page(
    "The embedded scene",
    "Eight photographs became a scene.",
    photographs=photographs,
    photographs_note="8 of 8",
    photographed=_plain(_RED, "photographed"),
    plates=plates,
    mix=[(i, photographs[0]) for i in (0, 25, 50, 75, 100)],
    mix_title="From one to the other",
    scores=[
      ["style", "RMSE 1", "RMSE 7"],
      *([p.title, "1", "2"] for p in plates),
    ],
    advice="One of two styles misses a limit.",
    disagreement=[facts.Disagreement("Mosaic", photographs[:4])],
    disagreement_heads=["a, 1 apart", "a, 7 apart", "b, 1 apart", "b, 7 apart"],
    disagreement_scale=0.2,
    color_bar=photographs[0],
    curves=charts.figures(rows),
    plan=camera_plan.draw(scene.cameras, scene.splits),
    plan_note="Cameras",
    costs=[["phase", "time"], ["radiance field", "4 min"]],
    disk=[("all", "3 MB")],
    versions=[("jax", "0")],
    config={"scene": {"path": _NAME}},
    citation=citation.lines("0"),
    bibtex=citation.bibtex("0"),
    made="today",
  )
  path = tmp_path_factory.mktemp("report") / "report.html"
  path.write_text(page.write(made))
  return path


def test_every_picture_is_decoded(report, open_page):
  opened = open_page(report, size=(1280, 900))
  opened.wait_for_function("[...document.images].every((i) => i.complete)")
  widths = opened.evaluate("[...document.images].map((i) => i.naturalWidth)")
  assert len(widths) > 20 and min(widths) > 0
  # The one behind all sliders is a background.
  shown = opened.evaluate(
    "getComputedStyle(document.querySelector('.photographed')).backgroundImage"
  )
  assert shown.startswith('url("data:image/jpeg')


def test_names_stay_text(report, open_page):
  opened = open_page(report)
  titles = opened.locator("article h3").all_inner_texts()
  assert titles == ["Mosaic", _NAME]
  assert opened.locator("article b").count() == 0


def _color(opened, x_share):
  """Colour of a slider's picture at a share of its width."""
  box = opened.locator(".pair").first
  with Image.open(io.BytesIO(box.screenshot())) as shot:
    pixels = np.asarray(shot.convert("RGB"))
  height, width = pixels.shape[:2]
  return pixels[height // 4, int(x_share * (width - 1))]


def test_the_slider_moves_by_mouse_and_by_keys(report, open_page):
  opened = open_page(report, size=(1280, 900))
  dial = opened.locator(".pair input").first
  assert np.abs(_color(opened, 0.3) - np.array(_RED)).max() < 12
  assert np.abs(_color(opened, 0.7) - np.array(_BLUE)).max() < 12
  box = opened.locator(".pair").first.bounding_box()
  y = box["y"] + box["height"] / 2
  opened.mouse.move(box["x"] + box["width"] / 2, y)
  opened.mouse.down()
  opened.mouse.move(box["x"] + 0.9 * box["width"], y, steps=8)
  opened.mouse.up()
  assert 85 < float(dial.input_value()) < 95
  assert np.abs(_color(opened, 0.7) - np.array(_RED)).max() < 12
  dial.focus()
  opened.keyboard.press("Home")
  assert float(dial.input_value()) == 0
  assert np.abs(_color(opened, 0.3) - np.array(_BLUE)).max() < 12


def test_films_play_only_where_motion_is_wanted(report, open_page):
  playing = "[...document.querySelectorAll('video')].some((v) => !v.paused)"
  lively = open_page(report, size=(1280, 900), motion=True)
  lively.locator("video").first.scroll_into_view_if_needed()
  lively.wait_for_function(playing)
  calm = open_page(report, size=(1280, 900))
  calm.locator("video").first.scroll_into_view_if_needed()
  calm.wait_for_timeout(400)
  assert not calm.evaluate(playing)
  sizes = calm.evaluate(
    "[...document.querySelectorAll('video')].map((v) => [v.readyState, "
    "v.videoWidth])"
  )
  assert all(ready >= 1 and width == 64 for ready, width in sizes)


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_screen(report, open_page, width):
  opened = open_page(report, size=(width, 800), touch=width == 360)
  across = opened.evaluate("document.documentElement.scrollWidth")
  assert across <= width
  # All four columns of verdicts are on the screen, figures may be scrolled to.
  heads = opened.locator("#scores th").all()[:4]
  right = max(h.bounding_box()["x"] + h.bounding_box()["width"] for h in heads)
  assert right <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_paper(report, open_page, scheme):
  """By WCAG's contrast, at least 4.5 for all text."""
  opened = open_page(report, color_scheme=scheme)
  read = """(name) => {
    const style = getComputedStyle(document.querySelector(name));
    return style.color.match(/[\\d.]+/g).map(Number);
  }"""
  paper = opened.evaluate(
    "getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g)"
    ".map(Number)"
  )
  for name in ("p", ".note", "th", ".verdict .yes", ".verdict .no", "dt"):
    assert _contrast(opened.evaluate(read, name), paper) >= 4.5, name
  assert (sum(paper[:3]) < 384) == (scheme == "dark")


def _contrast(one, other) -> float:
  """WCAG 2's ratio of the luminances of two sRGB colours of 0 to 255."""
  lights = []
  for color in (one, other):
    values = np.array(color[:3]) / 255
    linear = np.where(
      values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    )
    lights.append(float(linear @ [0.2126, 0.7152, 0.0722]) + 0.05)
  return max(lights) / min(lights)


def test_it_prints_with_both_halves(report, open_page, tmp_path):
  opened = open_page(report, size=(794, 1123))
  opened.emulate_media(media="print")
  assert opened.locator(".film").first.is_hidden()
  assert np.abs(_color(opened, 0.2) - np.array(_RED)).max() < 12
  assert np.abs(_color(opened, 0.8) - np.array(_BLUE)).max() < 12
