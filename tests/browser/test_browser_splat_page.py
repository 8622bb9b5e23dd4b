"""The page of a scene, opened as a file in a browser that has no network."""

import base64
import io

import numpy as np
import pytest
import splat_scenes
from PIL import Image

from stylized_nerf_jax.outputs import splat_page
from stylized_nerf_jax.splatting import splats as splats_lib

pytestmark = pytest.mark.browser

_VAN_GOGH, _MOSAIC = splat_scenes.STYLES
# What of the page lies over the picture.
_OVER = "#label, #tools, #panel, #veil, body::before"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
  path = tmp_path_factory.mktemp("page") / "scene of splats.html"
  splat_page.write_page(path, splat_scenes.scene_page())
  return path


@pytest.fixture
def page(page_file, open_page):
  opened = open_page(page_file, size=splat_scenes.SIZE)
  opened.evaluate("viewer.ready")
  return opened


def _seen(page) -> np.ndarray:
  """What is on the screen, without panel and buttons: float [H, W, 3]."""
  page.add_style_tag(content=_OVER + "{ display: none !important }")
  with Image.open(io.BytesIO(page.screenshot())) as image:
    return np.asarray(image.convert("RGB"), np.float64) / 255


def _canvas(page) -> np.ndarray:
  text = page.evaluate("viewer.picture()").partition(",")[2]
  with Image.open(io.BytesIO(base64.b64decode(text))) as image:
    return np.asarray(image.convert("RGB"), np.float64) / 255


def _camera(number: int) -> dict:
  camera = splat_scenes.cameras()[number]
  return {
    "pose": camera.camera_to_world.tolist(),
    "lens": {
      **{"width": camera.width, "height": camera.height},
      **{"fx": camera.fl_x, "fy": camera.fl_y},
      **{"cx": camera.cx, "cy": camera.cy},
    },
  }


def _expected(number: int, weights: dict) -> np.ndarray:
  painted = splat_scenes.painted_splats()
  colors = sum(share * painted.colors[name] for name, share in weights.items())
  camera = splat_scenes.cameras()[number]
  return splat_scenes.render(painted.splats, colors, camera, (1, 1, 1))


@pytest.mark.parametrize(
  "weights",
  [
    {splats_lib.PHOTOGRAPHED: 1.0},
    {_VAN_GOGH: 1.0},
    {_VAN_GOGH: 0.25, _MOSAIC: 0.75},
    {splats_lib.PHOTOGRAPHED: 0.2, _VAN_GOGH: 0.5, _MOSAIC: 0.3},
  ],
)
def test_screen_shows_what_a_plain_loop_renders(page, weights):
  number = 4
  page.evaluate("camera => viewer.setCamera(camera)", _camera(number))
  page.evaluate("weights => viewer.setStyle(weights)", weights)
  expected = _expected(number, weights)
  found = _seen(page)
  assert np.abs(found - expected).mean() < 2 / 255
  assert np.percentile(np.abs(found - expected), 99.5) < 12 / 255
  # Other looks are far from it.
  names = (splats_lib.PHOTOGRAPHED, _VAN_GOGH, _MOSAIC, _VAN_GOGH)
  following = dict(zip(names, names[1:]))
  shares = [(following[name], share) for name, share in weights.items()]
  other = _expected(number, dict(shares))
  assert np.abs(found - other).mean() > 5 / 255


def test_painting_that_is_chosen_is_shown(page):
  page.set_viewport_size({"width": 900, "height": 600})
  page.get_by_role("button", name="van Gogh, Starry Night, 1889").click()
  page.evaluate("viewer.settled()")
  assert page.evaluate("viewer.style()")[_VAN_GOGH] == 1
  assert page.locator("#work").inner_text() == "van Gogh, Starry Night 1889"
  page.get_by_role("button", name="Mosaic").click()
  page.evaluate("viewer.settled()")
  assert page.evaluate("viewer.style()")[_MOSAIC] == 1
  # The slider leads back to the one before.
  page.get_by_label("Blend of the last two paintings").fill("500")
  style = page.evaluate("viewer.style()")
  assert style[_VAN_GOGH] == style[_MOSAIC] == 0.5
  page.get_by_label("From the photograph to the painting").fill("400")
  style = page.evaluate("viewer.style()")
  assert style[splats_lib.PHOTOGRAPHED] == pytest.approx(0.6)
  assert style[_VAN_GOGH] == pytest.approx(0.2)
  page.keyboard.press("Escape")
  page.keyboard.press("0")
  page.evaluate("viewer.settled()")
  assert page.evaluate("viewer.style()")[splats_lib.PHOTOGRAPHED] == 1


def test_change_of_paintings_has_no_jump(page_file, open_page):
  """Weights go over steadily, whichever was half way there before."""
  page = open_page(f"{page_file.as_uri()}#still", motion=True, size=(900, 600))
  page.evaluate("viewer.ready")
  page.evaluate("viewer.setStyle({mosaic: 0.5, none: 0.5})")
  # Frames are the test's: a slow machine would see few of them.
  page.clock.install(time=0)
  page.clock.pause_at(1000)
  seen = [page.evaluate("viewer.style()")]
  page.get_by_role("button", name="van Gogh, Starry Night, 1889").click()
  while seen[-1][_VAN_GOGH] < 1:
    assert len(seen) < 200
    page.clock.run_for(20)
    seen.append(page.evaluate("viewer.style()"))
  assert seen[0][_MOSAIC] == 0.5 and seen[-1][_MOSAIC] == 0
  assert seen[-1][_VAN_GOGH] == 1
  sums = [sum(weights.values()) for weights in seen]
  np.testing.assert_allclose(sums, 1, atol=1e-9)
  rises = np.diff([weights[_VAN_GOGH] for weights in seen])
  assert (rises >= -1e-9).all() and rises.max() < 0.1


def test_photographs_are_where_they_were_taken(page):
  page.set_viewport_size({"width": 900, "height": 600})
  page.get_by_role("button", name="Photograph 1.jpg").click()
  page.evaluate("viewer.settled()")
  pose = np.array(page.evaluate("viewer.camera()")["pose"])
  cameras = splat_scenes.cameras()
  np.testing.assert_allclose(pose, cameras[1].camera_to_world, atol=1e-6)
  marked = page.locator(".photograph[aria-current=true]")
  assert marked.get_attribute("title") == "1.jpg"
  page.keyboard.press("]")
  page.evaluate("viewer.settled()")
  pose = np.array(page.evaluate("viewer.camera()")["pose"])
  np.testing.assert_allclose(pose, cameras[2].camera_to_world, atol=1e-6)


def test_flight_ends_where_it_should(page_file, open_page):
  page = open_page(f"{page_file.as_uri()}#still", motion=True, size=(900, 600))
  page.evaluate("viewer.ready")
  page.get_by_role("button", name="Photograph 5.jpg").click()
  page.wait_for_timeout(300)
  on_the_way = np.array(page.evaluate("viewer.camera()")["pose"])[:3, 3]
  page.evaluate("viewer.settled()")
  pose = np.array(page.evaluate("viewer.camera()")["pose"])
  goal = splat_scenes.cameras()[5].camera_to_world
  np.testing.assert_allclose(pose, goal, atol=1e-6)
  # Around what is looked at, and not through it.
  assert np.linalg.norm(on_the_way) > 0.9 * 3


def test_mouse_turns_the_scene_around_its_focus(page):
  page.set_viewport_size({"width": 900, "height": 600})
  page.evaluate("camera => viewer.setCamera(camera)", _camera(2))
  before = np.array(page.evaluate("viewer.camera()")["pose"])
  page.mouse.move(450, 200)
  page.mouse.down()
  page.mouse.move(490, 200, steps=4)
  page.mouse.up()
  page.evaluate("viewer.settled()")
  after = np.array(page.evaluate("viewer.camera()")["pose"])
  # Dragged to the right: the eye goes left around the origin, at one height.
  aside = before[:3, 0] @ (after[:3, 3] - before[:3, 3])
  assert aside < -0.2
  np.testing.assert_allclose(after[2, 3], before[2, 3], atol=1e-6)
  norms = np.linalg.norm([before[:3, 3], after[:3, 3]], axis=-1)
  np.testing.assert_allclose(norms[0], norms[1], rtol=1e-6)
  rotation = after[:3, :3]
  np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-6)


def test_keys_and_wheel_move_and_end_near_the_photographs(page):
  page.evaluate("camera => viewer.setCamera(camera)", _camera(2))
  page.locator("#scene").focus()
  centers = splat_scenes.cameras().centers

  def eye():
    return np.array(page.evaluate("viewer.camera()")["pose"])[:3, 3]

  begin = eye()
  page.keyboard.press("+")
  assert np.linalg.norm(eye()) < np.linalg.norm(begin)
  for _ in range(60):
    page.keyboard.press("-")
  far = eye()
  assert np.linalg.norm(far) > np.linalg.norm(begin)
  assert np.linalg.norm(centers - far, axis=-1).min() <= 1.0
  for _ in range(80):
    page.keyboard.press("ArrowUp")
  assert np.linalg.norm(centers - eye(), axis=-1).min() <= 1.0
  page.keyboard.press("r")
  page.evaluate("viewer.settled()")
  np.testing.assert_allclose(eye(), centers[2], atol=1e-6)


def test_fingers_pinch_nearer(page_file, open_page):
  page = open_page(page_file, size=(390, 760), touch=True)
  page.evaluate("viewer.ready")
  before = page.evaluate("viewer.camera()")
  client = page.context.new_cdp_session(page)

  def touch(kind, *points):
    client.send(
      "Input.dispatchTouchEvent",
      {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]},
    )

  touch("touchStart", (160, 250), (230, 250))
  touch("touchMove", (140, 250), (250, 250))
  touch("touchEnd")
  page.evaluate("viewer.settled()")
  after = page.evaluate("viewer.camera()")
  distances = [
    np.linalg.norm(np.array(one["pose"])[:3, 3]) for one in (before, after)
  ]
  assert distances[1] < 0.9 * distances[0]


def test_order_without_a_worker(page_file, open_page):
  """Where a page may not start workers, it sorts by itself."""
  text = page_file.read_text().replace("worker-src blob:", "worker-src 'none'")
  other = page_file.with_name("no worker.html")
  other.write_text(text)
  page = open_page(other, size=splat_scenes.SIZE, expected=("worker", "blob:"))
  page.evaluate("viewer.ready")
  page.evaluate("camera => viewer.setCamera(camera)", _camera(1))
  page.evaluate("name => viewer.setStyle({[name]: 1})", _MOSAIC)
  expected = _expected(1, {_MOSAIC: 1.0})
  assert np.abs(_canvas(page) - expected).mean() < 2 / 255


def test_says_so_without_webgl(page_file, open_page):
  text = page_file.read_text().replace(
    '(() => {\n"use strict";',
    "HTMLCanvasElement.prototype.getContext = () => null;(() => {",
    1,
  )
  other = page_file.with_name("no webgl.html")
  other.write_text(text)
  page = open_page(other, expected=("no WebGL 2",))
  page.get_by_role("alert").wait_for()
  assert "WebGL 2" in page.get_by_role("alert").inner_text()


def test_tour_goes_on_by_itself_and_stops_at_a_touch(page_file, open_page):
  page = open_page(page_file, motion=True)
  page.evaluate("viewer.ready")

  def pose():
    return np.array(page.evaluate("viewer.camera()")["pose"])

  before = pose()
  for _ in range(80):  # Frames of a busy machine take their time.
    page.wait_for_timeout(250)
    if np.abs(pose() - before).max() > 1e-2:
      break
  else:
    pytest.fail("it stands still")
  page.locator("#scene").click(position={"x": 300, "y": 60})
  page.evaluate("viewer.settled()")
  button = page.get_by_role("button", name="Tour")
  assert button.get_attribute("aria-pressed") == "false"


def test_everything_has_a_name(page):
  unnamed = page.evaluate(
    """() => [...document.querySelectorAll("button, input, canvas, nav")]
      .filter((one) => !one.textContent.trim() && !one.ariaLabel
        && !one.labels?.length && one.getAttribute("aria-label") === null)
      .map((one) => one.outerHTML)"""
  )
  assert unnamed == []
  assert page.title() == 'A "test" & <scene>'
  page.keyboard.press("h")
  dialog = page.get_by_role("dialog")
  assert "CVPR 2022" in dialog.inner_text()
