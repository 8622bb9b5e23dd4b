"""A page as text; tests/browser opens it."""

import base64
import html.parser
import json
import re
import zlib

import numpy as np
import pytest
import splat_scenes

from stylized_nerf_jax.outputs import splat_packing, splat_page
from stylized_nerf_jax.splatting import splats as splats_lib


def _unpacked(data: bytes, facts: dict):
  """Reads planes as splat_packing's docstring has them."""
  planes = np.frombuffer(zlib.decompress(data), np.uint8)
  planes = planes.reshape(-1, facts["count"]).astype(np.float64)
  assert len(planes) == 14 + 3 * len(facts["looks"])
  places = (planes[0:6:2] + 256 * planes[1:6:2]).T / 65535 * 4 - 2
  norms = np.linalg.norm(places, axis=-1, keepdims=True)
  outside = places / (norms * np.maximum(2 - norms, 1e-9))
  places = np.where(norms <= 1, places, outside)
  means = np.array(facts["focus"]) + facts["radius"] * places
  least, most = facts["log_scales"]
  log_scales = least + (most - least) * planes[6:9].T / 255
  rotations = (planes[9:13].T - 128) / 127
  colors = planes[14:].reshape(-1, 3, facts["count"]).transpose(0, 2, 1) / 255
  return means, log_scales, rotations, planes[13] / 255, colors


def _matching(painted, focus, radius):
  """Packs, unpacks, and finds which splat became which."""
  data, facts = splat_packing.pack(painted, focus=focus, radius=radius)
  found = _unpacked(data, facts)
  means = np.asarray(painted.splats.means)
  apart = np.linalg.norm(found[0][:, None] - means, axis=-1)
  return facts, found, apart.argmin(axis=1)


def test_splats_come_back_as_they_were():
  painted = splat_scenes.painted_splats(200)
  splats = painted.splats
  focus, radius = np.array([0.1, -0.2, 0.3]), 3.0
  facts, found, which = _matching(painted, focus, radius)
  means, log_scales, rotations, opacities, colors = found
  opaque = 1 / (1 + np.exp(-splats.logits))
  kept = opaque >= 1 / 255
  assert facts["count"] == kept.sum() == len(set(which))
  np.testing.assert_allclose(
    means, splats.means[which], atol=0.51 * 4 / 65535 * radius
  )
  span = np.ptp(splats.log_scales[kept])
  np.testing.assert_allclose(
    log_scales, splats.log_scales[which], atol=0.51 * span / 255
  )
  turned = np.sum(rotations * splats.rotations[which], axis=-1)
  assert np.abs(turned).min() > 0.99
  np.testing.assert_allclose(opacities, opaque[which], atol=0.51 / 255)
  for look, values in zip(painted.colors.values(), colors):
    np.testing.assert_allclose(values, look[which], atol=0.51 / 255)


def test_far_splats_are_seen_in_the_same_direction():
  """At any distance the error is below a pixel of a picture of 10,000."""
  painted = splat_scenes.painted_splats(60)
  far = painted.splats._replace(
    means=painted.splats.means * np.geomspace(1, 1e4, 60)[:, None],
    logits=np.full(60, 3.0),
  )
  painted = splats_lib.PaintedSplats(far, painted.colors)
  data, facts = splat_packing.pack(painted, focus=np.zeros(3), radius=1.0)
  means = _unpacked(data, facts)[0]
  unit = [
    v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (means, far.means)
  ]
  angles = np.linalg.norm(unit[0][:, None] - unit[1], axis=-1).min(axis=1)
  distant = np.linalg.norm(means, axis=-1) > 1
  assert distant.sum() > 40 and angles[distant].max() < 1e-4


def test_what_no_pixel_shows_is_left_out():
  painted = splat_scenes.painted_splats(50)
  hidden = painted.splats._replace(logits=np.full(50, -8.0))
  with pytest.raises(ValueError, match="none of 50 splats can be seen"):
    splat_packing.pack(
      splats_lib.PaintedSplats(hidden, painted.colors),
      focus=np.zeros(3),
      radius=1.0,
    )


def test_bad_splats_are_refused():
  painted = splat_scenes.painted_splats(5)
  options = {"focus": np.zeros(3), "radius": 1.0}
  colors = {"none": np.zeros((4, 3))}
  with pytest.raises(ValueError, match=r"'none' have shape \(4, 3\)"):
    splat_packing.pack(
      splats_lib.PaintedSplats(painted.splats, colors), **options
    )
  broken = painted.splats._replace(means=np.full((5, 3), np.nan))
  with pytest.raises(ValueError, match="means of splats hold NaN"):
    splat_packing.pack(
      splats_lib.PaintedSplats(broken, painted.colors), **options
    )


class _Elements(html.parser.HTMLParser):
  def __init__(self):
    super().__init__()
    self.found = []

  def handle_starttag(self, tag, attrs):
    self.found.append((tag, dict(attrs)))


def test_page_asks_for_nothing():
  text = splat_page.page_text(splat_scenes.scene_page())
  elements = _Elements()
  elements.feed(text)
  for tag, attributes in elements.found:
    for name in ("src", "srcset", "data", "action", "poster"):
      assert attributes.get(name) is None, (tag, attributes)
    if tag == "link":
      assert attributes["href"].startswith("data:")
  assert not re.search(r"@import|url\(|importScripts|fetch\(|XMLHttp", text)
  assert "@@" not in text and "default-src 'none'" in text


def test_page_holds_what_it_shows():
  """Titles may have any signs: none ends the element that it stands in."""
  page = splat_scenes.scene_page(title="</script><b>&amp;@@FACTS@@")
  text = splat_page.page_text(page)
  assert "<title>&lt;/script&gt;&lt;b&gt;&amp;amp;@@FACTS@@</title>" in text
  start = text.index('id="facts">') + len('id="facts">')
  facts = json.loads(text[start : text.index("</script>", start)])
  assert facts["title"] == "</script><b>&amp;@@FACTS@@"
  names = [look["name"] for look in facts["looks"]]
  assert names == ["none", *splat_scenes.STYLES] == facts["splats"]["looks"]
  assert len(facts["photographs"]) == 6 and len(facts["cameras"]) == 6
  for picture in (*facts["looks"], *facts["photographs"]):
    kind, _, coded = picture["thumbnail"].partition(",")
    assert kind == "data:image/jpeg;base64"
    assert base64.b64decode(coded)[:2] == b"\xff\xd8"


def test_photographed_look_is_first():
  painted = splat_scenes.painted_splats(20)
  turned = dict(reversed(painted.colors.items()))
  page = splat_scenes.scene_page(
    splats_lib.PaintedSplats(painted.splats, turned)
  )
  text = splat_page.page_text(page)
  assert '"looks":["none","mosaic","van-gogh_starry-night-1889"]' in text


def test_place_that_cannot_be_written(tmp_path):
  (tmp_path / "file").write_text("")
  with pytest.raises(ValueError, match="cannot be written"):
    splat_page.write_page(
      tmp_path / "file" / "x.html", splat_scenes.scene_page()
    )
