"""The viewer, driven in a real browser as somebody at a mouse drives it."""

import contextlib
import io
import json
import socket
import time

import numpy as np
import pytest
import quick_regions
from PIL import Image

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import region_file
from stylized_nerf_jax.outputs import video
from stylized_nerf_jax.tasks import region_making
from stylized_nerf_jax.viewer import lattice

pytestmark = pytest.mark.browser

_SIZE = (900, 640)
_PATIENCE = 240.0
# Three.js, which viser brings, tells of its own future; software WebGL is slow.
_SAID = ("THREE.", "GPU stall", "WebGL")


@contextlib.contextmanager
def serving(run, out):
  """A viewer of a run that serves, and its address."""
  from stylized_nerf_jax.viewer import server

  made = server.Viewer(model_lib.StylizedNerf.load(run), run, out)
  made.rows = 96
  with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
  made.address = made.start("127.0.0.1", port)
  yield made
  made.stop()


@pytest.fixture
def viewer(finished_run, small_networks, tmp_path):
  """A viewer of the tiny run."""
  with serving(finished_run, tmp_path / "films") as made:
    yield made


@pytest.fixture
def page(viewer, open_page):
  """Its page, with the first picture finished."""
  return opened(viewer, open_page)


def opened(viewer, open_page):
  """The page of a viewer, with the first picture finished."""
  page = open_page(viewer.address, size=_SIZE, offline=False, expected=_SAID)
  page.get_by_text("Camera path", exact=True).wait_for()
  _finished(page, viewer)
  page.add_style_tag(content=".mantine-Notification-root{display:none}")
  return page


def _client(viewer):
  (found,) = viewer._pages.values()
  return found


def _finished(page, viewer) -> None:
  """Waits until the client's picture has grown whole, and stays so."""
  end, still = time.monotonic() + _PATIENCE, 0
  while still < 4:
    assert time.monotonic() < end, "the picture was not finished"
    page.wait_for_timeout(250)
    pages = list(viewer._pages.values())
    session = pages[0].session if pages else None
    done = session is not None and session._view is not None
    done = done and session._view.is_done(min(lattice.STRIDES))
    still = still + 1 if done and session._requests._settled else 0


def _canvas(page) -> np.ndarray:
  """What is left of the panel: [H, W, 3]."""
  shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
  width = page.evaluate(
    "document.querySelector('canvas').getBoundingClientRect().width"
  )
  return np.asarray(shot)[:, : int(width)].astype(int)


def _difference(page, viewer) -> float:
  """Mean difference to `render`, spread over the window as the page does."""
  session = _client(viewer).session
  camera, dials = session.camera, session.dials
  made = viewer.model.render(
    camera, dials.style, intensity=dials.intensity, palette=dials.palette
  )
  seen = _canvas(page)
  expected = Image.fromarray(
    np.round(np.clip(made.rgb, 0, 1) * 255).astype("uint8")
  ).resize((seen.shape[1], seen.shape[0]), Image.Resampling.BILINEAR)
  return float(np.abs(seen - np.asarray(expected, int)).mean())


def _number(page, label: str, value: str) -> None:
  """Types into the box of a slider or a number."""
  row = page.get_by_text(label, exact=True).locator("xpath=../../..")
  box = row.locator("input:visible").last
  box.fill(value)
  box.press("Enter")
  page.wait_for_timeout(300)


def test_the_viewer_is_driven(page, viewer, tmp_path):
  assert _difference(page, viewer) < 4

  # The camera is moved with the mouse.
  before, first = _client(viewer).session.camera, _canvas(page)
  page.mouse.move(250, 300)
  page.mouse.down()
  for step in range(12):
    page.mouse.move(250 + 6 * step, 300 + 2 * step)
    page.wait_for_timeout(40)
  page.mouse.up()
  _finished(page, viewer)
  after = _client(viewer).session.camera
  assert np.abs(after.camera_to_world - before.camera_to_world).max() > 0.05
  assert np.abs(_canvas(page) - first).mean() > 1
  assert _difference(page, viewer) < 4

  # A dial is turned, and a second painting mixed in.
  page.get_by_text("Style", exact=True).click()
  traced = _client(viewer).session._view.traced
  _number(page, "Intensity", "0.7")
  _number(page, "Ink Wash", "0.5")
  _finished(page, viewer)
  dials, first = _client(viewer).session.dials, viewer.model.styles[0]
  assert dials.intensity == 0.7
  assert dials.style == pytest.approx({first: 2 / 3, "ink-wash": 1 / 3})
  assert _client(viewer).session._view.traced == traced
  assert _difference(page, viewer) < 4

  # Two keys, from two photographs.
  page.get_by_text("Camera path", exact=True).click()
  page.get_by_role("button", name="Add key").click()
  page.get_by_text("View", exact=True).click()
  _number(page, "Photograph", "5")
  _finished(page, viewer)
  np.testing.assert_allclose(
    _client(viewer).session.camera.camera_to_world,
    viewer.model.scene.cameras[4].camera_to_world,
    atol=2e-3,
  )
  page.get_by_text("Camera path", exact=True).click()
  page.get_by_role("button", name="Add key").click()
  page.wait_for_timeout(500)
  editor = _client(viewer)._path._editor
  assert len(editor) == 2
  assert editor.moments[0].styles == pytest.approx(dials.style)
  editor.width, editor.height, editor.fps, editor.steps[1] = 32, 24, 8.0, 0.5

  # A film, and the command that makes the same.
  page.get_by_role("button", name="Render film").click()
  end = time.monotonic() + _PATIENCE
  while not (films := list(viewer.out.glob("[!.]*.mp4"))):
    assert time.monotonic() < end, "no film was written"
    page.wait_for_timeout(200)
  frames = list(video.read_video(films[0]))
  assert len(frames) == 5 and frames[0].shape == (24, 32, 3)
  (saved,) = viewer.out.glob("*.json")
  assert len(json.loads(saved.read_text())["keyframes"]) == 2
  command = _client(viewer)._path._command.value
  assert str(saved) in command and "stylized-nerf render" in command
  assert not page.locator("text=could not be rendered").count()


def test_outputs_and_a_painting_that_is_dropped_in(page, viewer, tmp_path):
  shown = page.get_by_label("Shown")
  for output in ("photographed", "depth", "before | after"):
    shown.click()
    page.get_by_role("option", name=output).click()
    _finished(page, viewer)
    assert _client(viewer).session.dials.output == output
  picture = tmp_path / "my painting.png"
  pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
  Image.fromarray(pixels).save(picture)
  (tmp_path / "no picture.png").write_bytes(b"nothing of the kind")
  page.get_by_text("Style", exact=True).click()
  chooser = page.locator("input[type=file]").first
  chooser.set_input_files(tmp_path / "no picture.png")
  page.get_by_text("no-picture.png").first.wait_for()
  assert not list((viewer.out / "paintings").iterdir())
  chooser.set_input_files(picture)
  page.get_by_text("was never trained").wait_for()
  page.get_by_text("stylized-nerf add-style").wait_for()
  (kept,) = (viewer.out / "paintings").iterdir()
  _finished(page, viewer)
  assert _client(viewer).session.dials.style == {str(kept): 1.0}


def test_a_region_is_picked_by_clicks(run_copy, open_page, monkeypatch):
  """Made where one clicks, kept in the run, and painted in its own style."""
  quick_regions.few_steps(monkeypatch)
  monkeypatch.setattr(region_making, "_views", quick_regions.exact_views)
  with serving(run_copy, run_copy / "films") as viewer:
    page = opened(viewer, open_page)
    page.get_by_text("Style", exact=True).click()
    row = page.get_by_text("New region", exact=True).locator("xpath=../../..")
    row.locator("input:visible").last.fill("middle")
    page.get_by_role("button", name="Pick in the picture").click()
    page.get_by_text("Click what belongs to it").first.wait_for()
    _finished(page, viewer)
    panel = page.evaluate(
      "document.querySelector('canvas').getBoundingClientRect().width"
    )
    page.mouse.click(panel / 2, _SIZE[1] / 2)
    page.get_by_text("1 inside, of").wait_for()
    page.keyboard.down("Shift")
    page.mouse.click(panel / 2, _SIZE[1] * 0.92)
    page.keyboard.up("Shift")
    page.get_by_text("1 inside, 1 outside, of").wait_for()
    page.get_by_role("button", name="Make it").click()
    page.get_by_text("The same again").wait_for()
    region = viewer.model.regions["middle"]
    assert region_file.path_of(run_copy, "middle").is_file()
    assert 0 < region.facts["inside"] < region.facts["nodes"]
    (point,) = region.facts["points"]
    names = viewer.model.scene.cameras.names
    camera = viewer.model.scene.cameras[names.index(region.facts["views"][0])]
    assert abs(point[1] - camera.height / 2) < 1
    assert abs(point[0] - camera.width / 2) < 1
    page.get_by_label("middle").click()
    page.get_by_role("option", name="Ink Wash").click()
    _finished(page, viewer)
    dials = _client(viewer).session.dials
    assert dials.regions == {"middle": "ink-wash"}
    made = viewer.model.render(
      _client(viewer).session.camera, dials.style, regions=dials.regions
    )
    shown = _client(viewer).session._view.image(1)
    assert np.abs(shown.rgb - made.rgb).max() < 0.02


def test_a_second_client_has_a_view_of_its_own_and_may_go(
  page, viewer, open_page
):
  other = open_page(viewer.address, size=_SIZE, offline=False, expected=_SAID)
  other.get_by_text("Camera path", exact=True).wait_for()
  end = time.monotonic() + _PATIENCE
  while len(viewer._pages) < 2:
    assert time.monotonic() < end
    other.wait_for_timeout(100)
  one, two = list(viewer._pages.values())
  one.session.turn(intensity=0.5)
  assert two.session.dials.intensity == 1.0
  other.close()
  while len(viewer._pages) > 1:
    assert time.monotonic() < end
    page.wait_for_timeout(100)
  assert two.session.join(_PATIENCE)
  _finished(page, viewer)
