"""The page of a run in training: what it tells, and what it does not give."""

import http.client
import json
import socket

import numpy as np
import pytest

from stylized_nerf_jax import user_error
from stylized_nerf_jax.outputs import image_writer
from stylized_nerf_jax.viewer import training_page

_PREVIEWS = ("finish-000004", "radiance_field-000100", "radiance_field-000020")


@pytest.fixture
def run(tmp_path):
  """A folder as training leaves it half way."""
  folder = tmp_path / "my run"
  for name in _PREVIEWS:
    for picture in ("photographed", "starry night"):
      path = folder / "previews" / name / f"{picture}.jpg"
      image_writer.save_image(path, np.full((6, 8, 3), 0.5))
  (folder / "previews" / ".finish-000006.partial").mkdir()
  (folder / "previews" / "latest.jpg").write_bytes(b"a sheet")
  (folder / "manifest.json").write_text("{}")
  row = {"phase": "finish", "step": 4, "loss": 0.25, "seconds_per_step": 1.0}
  (folder / "metrics.jsonl").write_text(json.dumps(row) + "\n")
  return folder


@pytest.fixture
def served(run):
  """Function: path -> (status, content), of the page of the run."""
  with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
  page = training_page.TrainingPage(run)
  assert page.start("127.0.0.1", port) == f"http://127.0.0.1:{port}"

  def ask(path, name=f"127.0.0.1:{port}"):
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    line.request("GET", path, headers={"Host": name})
    answer = line.getresponse()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    return answer.status, answer.read()

  ask.port = port
  yield ask
  page.stop()


def test_previews_stand_in_the_order_of_training(run):
  found = training_page.state(run)
  assert found["name"] == "my run"
  assert [one["folder"] for one in found["previews"]] == [
    *("radiance_field-000020", "radiance_field-000100", "finish-000004")
  ]
  assert found["previews"][-1] == {
    "folder": "finish-000004",
    "phase": "finish",
    "step": 4,
    "pictures": ["photographed.jpg", "starry night.jpg"],
  }
  assert found["last"] == {"phase": "finish", "step": 4, "loss": 0.25}


def test_a_run_that_has_not_begun(tmp_path):
  found = training_page.state(tmp_path / "absent")
  assert found == {"name": "absent", "previews": [], "last": {}}


def test_the_page_its_state_and_its_pictures(served, run):
  status, page = served("/")
  assert status == 200 and b"<title>In training</title>" in page
  status, state = served("/state")
  assert status == 200 and json.loads(state) == training_page.state(run)
  status, picture = served("/finish-000004/starry%20night.jpg")
  path = run / "previews" / "finish-000004" / "starry night.jpg"
  assert status == 200 and picture == path.read_bytes()


@pytest.mark.parametrize(
  "path",
  [
    "/manifest.json",
    "/latest.jpg",
    "/finish-000004/",
    "/finish-000004/../../manifest.json",
    "/finish-000005/photographed.jpg",
  ],
)
def test_nothing_else_is_given(served, path):
  assert served(path)[0] == 404


def test_another_name_of_this_machine_is_not_answered(served):
  assert served("/state", name=f"elsewhere.example:{served.port}")[0] == 403
  assert served("/state", name=f"localhost:{served.port}")[0] == 200


def test_a_port_in_use_is_refused(served, run):
  with pytest.raises(user_error.UserError, match="cannot be had"):
    training_page.TrainingPage(run).start("127.0.0.1", served.port)
