"""Sessions: pictures that grow, interruptions, several clients, crashes."""

import threading
import time

import numpy as np
import pytest

from stylized_nerf_jax.viewer import lattice, shown
from stylized_nerf_jax.viewer.progressive_view import Work
from stylized_nerf_jax.viewer.request_states import State
from stylized_nerf_jax.viewer.session import Pace, Session, running

_PATIENCE = 20.0


class Client:
  """Keeps what a session sends, and waits for it."""

  def __init__(self, blocks, device=None, **changes):
    self.pictures, self.said = [], []
    self._came = threading.Condition()
    self.session = Session(
      blocks,
      device=device or threading.Lock(),
      send=changes.pop("send", self.take),
      say=lambda what, error: self.said.append((what, error)),
    )
    self.session.turn(weights={"a": 1.0}, **changes)

  def take(self, made):
    with self._came:
      self.pictures.append(made)
      self._came.notify_all()

  def wait(self, found) -> None:
    with self._came:
      assert self._came.wait_for(lambda: found(self.pictures), _PATIENCE)

  def done(self) -> None:
    self.wait(lambda pictures: pictures and pictures[-1].done)


def test_a_move_is_shown_small_then_grows(fake, make_camera):
  client = Client(fake)
  with running(client.session):
    client.session.move(make_camera())
    client.done()
  states = [made.state for made in client.pictures]
  assert states[0] is State.LOW_MOVING and states[-1] is State.HIGH
  assert [list(State).index(s) for s in states] == sorted(
    list(State).index(s) for s in states
  )
  assert client.pictures[0].quality == 40
  assert client.pictures[-1].quality == 90
  assert client.pictures[-1].pixels.shape == (24, 32, 3)
  assert sorted(fake.traced) == list(range(24 * 32))
  assert not client.said


def test_a_dial_traces_nothing(fake, make_camera):
  client = Client(fake)
  with running(client.session):
    client.session.move(make_camera())
    client.done()
    traced, before = len(fake.traced), len(client.pictures)
    client.session.turn(intensity=0.5)
    client.wait(lambda pictures: len(pictures) > before and pictures[-1].done)
  assert len(fake.traced) == traced
  assert client.pictures[before].state is State.LOW_REST


def test_a_dial_of_colours_paints_nothing(fake, make_camera):
  client = Client(fake)
  with running(client.session):
    client.session.move(make_camera())
    client.done()
    painted, before = len(fake.painted), len(client.pictures)
    client.session.turn(palette=0.5)
    client.wait(lambda pictures: len(pictures) > before and pictures[-1].done)
    assert (client.pictures[-1].pixels[..., 1] == 128).all()
    assert len(fake.painted) == painted
    client.session.turn(weights={"b": 1.0})
    client.wait(lambda pictures: len(pictures) > before + 2)
    client.done()
  assert len(fake.painted) == painted + 24 * 32


def test_a_dial_that_changes_nothing_renders_nothing(fake, make_camera):
  client = Client(fake)
  with running(client.session):
    client.session.move(make_camera())
    client.done()
    count = len(client.pictures)
    client.session.turn(intensity=1.0)
    client.session.move(make_camera())
    time.sleep(0.5)
  assert len(client.pictures) == count


def test_a_move_interrupts_a_large_picture(fake, make_camera):
  """It is left between two blocks, and no ray of it is traced again."""
  client = Client(fake)
  gate, moved = threading.Event(), []

  def slow():
    if client.session._requests.state is State.HIGH and not moved:
      moved.append(len(fake.traced))
      client.session.move(make_camera(x=1.0, rows=48, columns=64))
    gate.wait(0.001)

  fake.before_block = slow
  with running(client.session):
    client.session.move(make_camera(rows=48, columns=64))
    client.done()
  assert moved
  last = client.pictures[-1]
  assert last.done and (last.pixels[..., 1] == 255).all()
  # All of the new view, and of the old one what there was and a block more.
  assert len(fake.traced) <= 48 * 64 + moved[0] + 2 * fake.block
  assert sum(made.done for made in client.pictures) == 1


def test_clients_have_cameras_and_dials_of_their_own(fake, make_camera):
  device = threading.Lock()
  clients = [Client(fake, device) for _ in range(3)]
  sessions = [client.session for client in clients]
  with running(sessions[0]), running(sessions[1]), running(sessions[2]):
    for i, session in enumerate(sessions):
      session.turn(output=shown.PHOTOGRAPHED)
      session.move(make_camera(x=i / 4))
    for client in clients:
      client.done()
  for i, client in enumerate(clients):
    blue = client.pictures[-1].pixels[..., 2]
    assert (blue == round(255 * i / 4)).all()


def test_a_client_that_goes_does_not_stop_others(fake, make_camera):
  device = threading.Lock()
  here, gone = Client(fake, device), Client(fake, device)
  fake.before_block = lambda: time.sleep(0.002)
  with running(here.session):
    gone.session.start()
    gone.session.move(make_camera(rows=64, columns=64))
    gone.wait(bool)
    gone.session.stop()
    assert gone.session.join(_PATIENCE)
    here.session.move(make_camera())
    here.done()
  assert not gone.pictures[-1].done


def test_a_client_whose_line_is_cut_does_not_stop_others(fake, make_camera):
  def cut(_):
    raise ConnectionError("gone")

  device = threading.Lock()
  here, there = Client(fake, device), Client(fake, device, send=cut)
  with running(here.session), running(there.session):
    there.session.move(make_camera())
    here.session.move(make_camera())
    here.done()
  assert there.said and not here.said


def test_a_crash_is_said_and_the_next_dial_goes_on(fake, make_camera):
  client = Client(fake)
  fake.fails = RuntimeError("no such style")
  with running(client.session):
    client.session.move(make_camera())
    end = time.monotonic() + _PATIENCE
    while not client.said and time.monotonic() < end:
      time.sleep(0.01)
    fake.fails = None
    client.session.turn(intensity=0.25)
    client.done()
  what, error = client.said[0]
  assert "could not be rendered" in what and "no such style" in str(error)


def test_the_pace_chooses_what_fits():
  pace = Pace(1e-5)
  assert pace.stride(400, 400, 1.0, Work.TRACE) == 2
  assert pace.stride(400, 400, 0.11, Work.TRACE) == 4
  assert pace.stride(400, 400, 1e-6, Work.TRACE) == 8
  for _ in range(50):
    pace.measured(100, 100 * 1e-3, Work.TRACE)
  assert pace.stride(400, 400, 1.0, Work.TRACE) == 8
  assert pace.stride(400, 400, 1.0, Work.PAINT) == 2
  assert lattice.STRIDES == (8, 4, 2, 1)


@pytest.mark.parametrize("output", shown.OUTPUTS)
def test_the_last_picture_is_that_of_render(model, blocks, output):
  """Through threads, blocks and passes, in every output."""
  camera = model.scene.cameras[2]
  client = Client(blocks)
  client.session.turn(weights={"mosaic": 1.0}, output=output)
  with running(client.session):
    client.session.move(camera)
    client.done()
  made = client.pictures[-1].pixels.astype(int)
  style = "mosaic" if output in (shown.STYLIZED, shown.SPLIT) else None
  expected = model.render(camera, style)
  if output == shown.DEPTH:
    wanted = shown.depth_picture(expected.depth, expected.opacity)
    assert np.abs(made - wanted).max() <= 1
    return
  if output == shown.OPACITY:
    wanted = expected.opacity[..., None] * 255
  else:
    wanted = expected.rgb * 255
  part = slice(camera.width // 2 + 2, None)
  assert np.abs(made - wanted)[:, part].max() <= 1.01
