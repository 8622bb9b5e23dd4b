"""The page of a report: escaped, bounded, whole in itself."""

import base64
import html.parser
import io
import math
import pathlib
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

import stylized_nerf_jax
from stylized_nerf_jax.evaluation import shortfalls
from stylized_nerf_jax.outputs import video
from stylized_nerf_jax.outputs.report_page import (
  camera_plan,
  charts,
  citation,
  facts,
  markup,
  media,
  page,
)
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.scenes.synthetic import embedded

_HOSTILE = "</style><script>alert('x')</script>\"><img src=x onerror=y>&amp;"


class _Reader(html.parser.HTMLParser):
  """Counts elements, collects text and what attributes lead to."""

  def __init__(self, text):
    super().__init__()
    self.tags, self.links, self.text, self.events = [], [], [], []
    self.images = []
    self.feed(text)

  def handle_starttag(self, tag, attrs):
    self.tags.append(tag)
    for name, value in attrs:
      if name in ("src", "href", "poster", "action", "data"):
        self.links.append(value)
      if name.startswith("on"):
        self.events.append(name)
    if tag == "img":
      self.images.append(dict(attrs))

  def handle_data(self, data):
    self.text.append(data)


def _picture(alt="a picture", size=(6, 8)):
  return media.picture(np.zeros((*size, 3)), alt, width=100, limit=10_000)


def _page(**changes):
  verdict = shortfalls.Verdict(True, False, None, (_HOSTILE,), "scene.path")
  fields = {
    "title": _HOSTILE,
    "lead": _HOSTILE,
    "photographs": [_picture(_HOSTILE)],
    "photographs_note": _HOSTILE,
    "photographed": _picture(_HOSTILE),
    "plates": [
      facts.Plate(
        _HOSTILE,
        _HOSTILE,
        painting=_picture(_HOSTILE),
        stylized=_picture(_HOSTILE),
        film=media.Film("data:image/webp;base64,", "image/webp", 8, 6, "f"),
        verdict=verdict,
      )
    ],
    "mix": [(50, _picture())],
    "mix_title": _HOSTILE,
    "scores": [["style", "RMSE"], [_HOSTILE, "0.1"]],
    "advice": _HOSTILE,
    "disagreement": [facts.Disagreement(_HOSTILE, [_picture(), _picture()])],
    "disagreement_heads": ["one", _HOSTILE],
    "costs": [["phase", "time"], [_HOSTILE, "1 s"]],
    "disk": [(_HOSTILE, "1 kB")],
    "versions": [(_HOSTILE, _HOSTILE)],
    "config": {"scene": {"path": _HOSTILE}},
    "missing": [(_HOSTILE, _HOSTILE)],
    "citation": [_HOSTILE],
    "bibtex": _HOSTILE,
    "made": _HOSTILE,
  }
  return facts.Page(**fields | changes)


def test_hostile_names_stay_text():
  text = page.write(_page())
  found = _Reader(text)
  assert found.tags.count("script") == 1 and found.tags.count("style") == 1
  assert not found.events
  assert "alert(" in "".join(found.text)
  script = text.rpartition("<script>")[2].partition("</script>")[0]
  assert "alert" not in script


def test_nothing_is_asked_of_the_network():
  found = _Reader(page.write(_page()))
  assert found.links and all(link.startswith("data:") for link in found.links)
  text = page.write(_page())
  style = text.partition("<style>")[2].partition("</style>")[0]
  assert all(u.startswith('"data:') for u in re.findall(r"url\(([^)]+)", style))
  assert "@import" not in style and "default-src 'none'" in text


def test_every_picture_says_what_it_shows():
  found = _Reader(page.write(_page()))
  assert len(found.images) > 6
  assert all(image["alt"] for image in found.images)
  # Sizes are known before pictures are decoded: nothing jumps.
  assert all(image["width"] and image["height"] for image in found.images)


def test_an_empty_page_is_a_page():
  text = page.write(facts.Page("Fern", "Nothing yet."))
  assert "<h1>Fern</h1>" in text and "Nothing yet." in text
  assert "$" not in text.partition("<script>")[0]


@given(st.text(max_size=40))
def test_texts_come_back_from_elements(text):
  made = markup.element("p", text, title=text)
  reader = _Reader(made)
  assert reader.tags == ["p"]
  shown = "".join(reader.text).replace("\r\n", "\n").replace("\r", "\n")
  assert shown == text.replace("\r\n", "\n").replace("\r", "\n")


def test_elements_are_not_escaped_twice():
  inner = markup.element("b", "<")
  assert markup.element("p", [inner, None], class_="x", hidden=True) == (
    '<p class="x" hidden><b>&lt;</b></p>'
  )
  assert markup.element("br") == "<br>"


def _decoded(uri: str) -> bytes:
  return base64.b64decode(uri.partition(",")[2])


@settings(max_examples=15, deadline=None)
@example(height=177, width=20, limit=2_000)
@given(
  height=st.integers(1, 300),
  width=st.integers(1, 300),
  limit=st.integers(2_000, 30_000),
)
def test_pictures_keep_their_limit(height, width, limit):
  """Noise is what JPEG is worst at, tall and narrow as well."""
  noise = np.random.default_rng(0).uniform(size=(height, width, 3))
  made = media.picture(noise, "noise", width=200, limit=limit)
  content = _decoded(made.uri)
  assert len(content) <= limit
  with Image.open(io.BytesIO(content)) as shown:
    assert shown.size == (made.width, made.height)
    assert shown.width <= min(200, width)


def test_a_picture_that_fits_is_good():
  ramp = np.linspace(0, 1, 64)[None, :, None] * np.ones((48, 1, 3))
  made = media.picture(ramp, "a ramp", width=200, limit=50_000)
  with Image.open(io.BytesIO(_decoded(made.uri))) as shown:
    assert shown.size == (64, 48)
    assert np.abs(np.asarray(shown) / 255 - ramp).mean() < 0.01


@pytest.mark.parametrize("has_videos", [True, False])
def test_films_keep_their_limit_or_are_none(has_videos, monkeypatch):
  pytest.importorskip("imageio_ffmpeg", reason="extra `video`")
  monkeypatch.setattr(video, "is_available", lambda: has_videos)
  random = np.random.default_rng(0)
  still = random.uniform(size=(60, 80, 3))
  frames = [np.roll(still, i, axis=1) for i in range(6)]
  made = media.film(frames, "noise", fps=12, limit=400_000)
  assert made.kind == ("video/mp4" if has_videos else "image/webp")
  assert len(_decoded(made.uri)) <= 400_000
  assert (made.width, made.height) == (80, 60)
  assert media.film(frames, "noise", fps=12, limit=100) is None


def _rows(values, name="psnr", phase="radiance_field"):
  return [
    {"phase": phase, "step": 10 * i, name: value}
    for i, value in enumerate(values, 1)
  ]


def test_curves_go_where_the_values_are():
  (figure,) = charts.figures(_rows([20.0, 30.0, 25.0]))
  points = re.search(r'points="([^"]+)" class="curve', figure)[1]
  xy = np.array([p.split(",") for p in points.split()], float)
  assert np.all(np.diff(xy[:, 0]) > 0)
  # Up is better, and SVG's y grows downwards; the middle is half way.
  assert xy[1, 1] < xy[2, 1] < xy[0, 1]
  assert xy[2, 1] == pytest.approx((xy[0, 1] + xy[1, 1]) / 2, abs=0.1)
  assert "psnr" not in figure and "20 to 25" in figure


def test_curves_that_span_much_are_logarithmic():
  (figure,) = charts.figures(_rows([1.0, 0.1, 0.01], "loss"))
  points = re.search(r'points="([^"]+)" class="curve', figure)[1]
  y = [float(p.split(",")[1]) for p in points.split()]
  assert y[1] - y[0] == pytest.approx(y[2] - y[1], abs=0.2)


@pytest.mark.parametrize(
  "values", [[1.0], [0.0, 0.0], [5.0] * 300, [-3.0, 2.0], [1e-30, 1e30]]
)
def test_any_values_can_be_drawn(values):
  for figure in charts.figures(_rows(values, "loss")):
    numbers = re.findall(r'\b(?:x|y|x1|y1|cx|cy)="([^"]+)"', figure)
    assert all(math.isfinite(float(n)) for n in numbers)


def test_what_is_no_number_is_left_out():
  assert charts.figures(_rows([None, None], "loss")) == []
  assert charts.figures([]) == []


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_hold_their_range(low, span):
  ticks = charts._ticks(low, low + span)
  assert 2 <= len(ticks) <= 7
  slack = 1e-6 * max(abs(low), span, 1e-3)
  assert ticks[0] <= low + slack and ticks[-1] >= low + span - slack


def test_smooth_curves_keep_straight_lines_and_the_number_of_points():
  straight = np.stack([np.arange(100.0), np.arange(100.0)], axis=1)
  smooth = charts._smoothed(straight)
  assert smooth.shape == (100, 2)
  np.testing.assert_allclose(smooth[5:-5], straight[5:-5])


def test_the_plan_shows_every_camera_looking_inwards():
  scene = embedded.make_scene(num_train=6, num_test=2, width=32, height=24)
  plan = camera_plan.draw(scene.cameras, scene.splits)
  wedges = re.findall(r'<polygon points="([^"]+)" class="camera (\w+)"', plan)
  assert [kind for _, kind in wedges].count("train") == 6
  assert [kind for _, kind in wedges].count("test") == 2
  focus = re.search(r'd="M([\d.]+) ([\d.]+)h12', plan)
  focus = np.array([float(focus[1]) + 6, float(focus[2])])
  for text, _ in wedges:
    apex, *ends = np.array([p.split(",") for p in text.split()], float)
    ahead = np.mean(ends, axis=0) - apex
    assert np.dot(ahead, focus - apex) > 0
  assert "6 to train on, 2 held out; a cross marks" in plan


def test_what_is_far_away_does_not_make_the_cameras_a_speck():
  """A row of cameras that look at something ten times as far."""
  poses = [np.eye(4) for _ in range(5)]
  for i, pose in enumerate(poses):
    pose[0, 3] = 0.1 * i
    turn = np.arctan2(0.1 * (i - 2), 4.0)
    pose[:3, :3] = [
      [np.cos(turn), 0, np.sin(turn)],
      [0, 1, 0],
      [-np.sin(turn), 0, np.cos(turn)],
    ]
  cameras = cameras_lib.Cameras.from_list(
    [
      cameras_lib.Camera(
        camera_to_world=pose,
        fl_x=40,
        fl_y=40,
        cx=20,
        cy=16,
        width=40,
        height=32,
      )
      for pose in poses
    ]
  )
  plan = camera_plan.draw(cameras, {"train": range(5)})
  assert camera_plan.FOCUS not in plan and "cross" not in plan
  x = [float(n) for n in re.findall(r'points="([\d.]+),', plan)]
  assert max(x) - min(x) > 300


def test_it_is_cited_as_the_citation_file_says():
  text = (pathlib.Path(__file__).parents[2] / "CITATION.cff").read_text()
  joined = " ".join(text.replace(">-", " ").split())
  version = stylized_nerf_jax.__version__
  lines = " ".join(citation.lines(version))
  assert f"version: {version}" in joined and version in lines
  for fact in (
    *re.findall(r"family-names: (\S+)", text),
    *re.findall(r"given-names: (\S+)", text),
    *re.findall(r"arXiv:[\d.]+", text),
    *re.findall(r"year: (\d+)", text),
    re.search(r"date-released: (\d{4})", text)[1],
    "stylized_nerf_jax contributors",
    "StylizedNeRF: Consistent 3D Scene Stylization as Stylized NeRF via 2D-3D "
    "Mutual Learning",
    "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)",
  ):
    assert fact in joined and fact in lines, fact
  assert "@inproceedings" in citation.bibtex(version)
