"""Latencies of the viewer over a scripted session of 200 moves and dials.

    python experiments/viewer_latency.py RUN --name NAME

A client without a browser moves its camera in bursts along a path through the
photographs and, at rest, turns dials: it chooses two paintings to mix, and then
in turn intensity and palette, which are mixed behind the style fields, and the
weight of the mix, which they paint. What is timed is from the request to the
encoded JPEG, in the viewer's own session, of

- the first picture of a moved camera, and of a turned dial of each kind;
- the finished picture of a turned dial, for mixes beside the floor of dense
  layers: the style field's layers alone, of as many samples, in the same
  blocks.

Half of the bursts begin while a picture is still growing. Then the same session
runs on nerfview's policy: the same states, but every picture is a whole frame
of `StylizedNerf.render`, low or full, that nothing interrupts.
"""

import argparse
import itertools
import pathlib
import threading
import time

import imageio.v3 as iio
import jax
import numpy as np

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.scenes import camera_path
from stylized_nerf_jax.viewer import server, session
from stylized_nerf_jax.viewer.request_states import State
from support import results

_BURST = 5
_PATIENCE = 300.0
_SEED = 0


def main() -> None:
  """Runs both sessions and writes the result."""
  args = _parse()
  width, height = (int(side) for side in args.size.split("x"))
  model = model_lib.StylizedNerf.load(args.run)
  viewer = server.Viewer(model, args.run, pathlib.Path("unused"))
  sessions = {
    "the viewer": Client(session.Session, viewer),
    "whole frames (nerfview's policy)": Client(
      lambda *a, **k: WholeFrames(model, *a, **k), viewer
    ),
  }
  rows, facts = [], {}
  for name, client in sessions.items():
    script = _script(model, args.moves, width, height)
    with session.running(client.session):
      client.warm(model.scene.cameras[0].resized(width, height), model.styles)
      found = _run(client, script)
    facts[name] = {k: [round(v, 4) for v in vs] for k, vs in found.items()}
    for key, values in found.items():
      rows.append([name, key, len(values), *_quantiles(values)])
  floor = _floor(model, viewer.blocks, width * height)
  full = float(np.median(facts["the viewer"][f"{_MIX}, full picture"]))
  table = {
    "columns": ["policy", "latency of", "times", "median, ms", "95 %, ms"],
    "rows": rows,
  }
  floors = {
    "columns": ["dense layers alone, ms", "a mix's full picture over it"],
    "rows": [[round(1000 * floor), round(full / floor, 2)]],
  }
  results.write_measured(
    args.name,
    {
      "size": [width, height],
      "block": viewer.blocks.block,
      "samples": viewer.blocks.samples,
      "seconds": facts,
      "tables": {"latencies": table, "floor": floors},
    },
  )


_MOVED = "moved camera, first picture"
_OTHERS = "two other paintings"
_MIX, _COLORS = "turned mix", "turned intensity and palette"


# What is turned before anything is timed, so that all is compiled.
_WARMING = ({"intensity": 0.5, "palette": 0.5}, {"palette": 1.0})


class WholeFrames(session.Session):
  """Renders whole frames in the states of the viewer, as nerfview does."""

  def __init__(self, model, blocks, **options):
    super().__init__(blocks, **options)
    self._model, self._rate = model, 5e4  # rays a second

  def render(self, state, camera, dials):
    """Yields one picture, small or full."""
    began = self._clock()
    if state is not State.HIGH:
      # Its rows, by the rate that was measured, to tens and at least 30.
      aspect = camera.width / camera.height
      rows = (self._rate * session.SMALL_SECONDS / aspect) ** 0.5
      rows = min(camera.height, max(30, 10 * round(rows / 10)))
      camera = camera.resized(round(rows * aspect), rows)
    start = self._clock()
    made = self._model.render(
      camera, dials.style, intensity=dials.intensity, palette=dials.palette
    )
    rays = camera.width * camera.height
    rate = rays / (self._clock() - start)
    self._rate += 0.3 * (rate - self._rate)
    pixels = np.round(np.clip(made.rgb, 0, 1) * 255).astype(np.uint8)
    done = state is State.HIGH
    quality = dials.quality if done else dials.moving_quality
    yield self._picture(pixels, quality, state, 1, began, done)


class Client:
  """Encodes what a session sends, and notes when."""

  def __init__(self, make, viewer):
    self._came = threading.Condition()
    self._first: dict[int, float] = {}
    self._done: dict[int, float] = {}
    self.session = make(
      viewer.blocks,
      device=viewer.device,
      send=self._take,
      say=self._fail,
    )
    self.session.turn(weights={viewer.model.styles[0]: 1.0})

  def _take(self, made: session.Picture) -> None:
    iio.imwrite("<bytes>", made.pixels, extension=".jpeg", quality=made.quality)
    now = time.monotonic()
    with self._came:
      for generation in range(made.generation, -1, -1):
        if generation in self._first:
          break
        self._first[generation] = now
      if made.done:
        self._done.setdefault(made.generation, now)
      self._came.notify_all()

  def _fail(self, what: str, error: Exception) -> None:
    raise SystemExit(f"{what}: {error!r}")

  def wait(self, generation: int, *, done: bool) -> float:
    """Waits for the first or the finished picture; returns when it came."""
    times = self._done if done else self._first
    with self._came:
      if not self._came.wait_for(lambda: generation in times, _PATIENCE):
        raise SystemExit("the viewer sent no picture")
      return times[generation]

  def warm(self, camera, styles) -> None:
    """Lets everything compile that the session needs."""
    self.session.move(camera)
    self.wait(self.session.generation, done=True)
    mix = {"weights": dict.fromkeys(styles[:2], 0.5)}
    for dials in (*_WARMING, mix):
      self.session.turn(**dials)
      self.wait(self.session.generation, done=True)


def _script(model, moves: int, width: int, height: int) -> list[tuple]:
  """(what moves, camera or changes, whether pictures grow as it begins)."""
  random = np.random.default_rng(_SEED)
  cameras = model.scene.cameras
  keys = tuple(
    camera_path.Key(
      float(i), camera.camera_to_world, camera_path.fov_of(camera)
    )
    for i, camera in enumerate(cameras)
  )
  path = camera_path.CameraPath(keys)
  steps: list[tuple] = []
  for burst in itertools.count():
    start = random.uniform(0, path.seconds - 1) if len(keys) > 1 else 0.0
    for i in range(_BURST):
      moment = path.at(start + 0.05 * i)
      grows = i == 0 and burst % 2 == 1
      steps.append((_MOVED, moment.camera(width, height), grows))
    chosen = [str(name) for name in random.permutation(model.styles)[:2]]
    for i in range(_BURST):
      if i % 2:
        amounts = {
          name: float(random.uniform(0.2, 1.0))
          for name in ("intensity", "palette")
        }
        steps.append((_COLORS, amounts, False))
        continue
      weight = float(random.uniform(0.1, 0.9))
      weights = dict(zip(chosen, (weight, 1 - weight)))
      steps.append((_MIX if i else _OTHERS, {"weights": weights}, False))
    if len(steps) >= moves:
      return steps[:moves]
  raise AssertionError


def _run(client: Client, script) -> dict[str, list[float]]:
  """Plays a script; returns seconds by what was waited for."""
  found: dict[str, list[float]] = {_MOVED: []}
  for dial in (_OTHERS, _MIX, _COLORS):
    found.update(
      {f"{dial}, {which} picture": [] for which in ("first", "full")}
    )
  moved = False
  for i, (kind, what, grows) in enumerate(script):
    if (kind == _MOVED) != moved and not grows:
      # What went before is finished: a burst begins at rest, and so do dials.
      client.wait(client.session.generation, done=True)
    moved = kind == _MOVED
    asked = time.monotonic()
    if moved:
      client.session.move(what)
      generation = client.session.generation
      found[_MOVED].append(client.wait(generation, done=False) - asked)
      continue
    client.session.turn(**what)
    generation = client.session.generation
    first = client.wait(generation, done=False) - asked
    found[f"{kind}, first picture"].append(first)
    is_left = i + 1 < len(script) and script[i + 1][2]
    if not is_left:
      full = client.wait(generation, done=True) - asked
      found[f"{kind}, full picture"].append(full)
    else:
      time.sleep(0.4)  # The next burst comes while the picture grows.
  return found


def _quantiles(seconds: list[float]) -> list[int]:
  return [round(1000 * float(np.percentile(seconds, q))) for q in (50, 95)]


def _floor(model, blocks, pixels: int) -> float:
  """Seconds of the style field's layers alone, of all samples of a frame.

  They are given parameters, as those of any mix: a program that holds the
  numbers of one style could paint no other.
  """
  field, random = model.style_field, np.random.default_rng(_SEED)
  params = jax.device_put(model.params["style_field"])
  points = np.zeros((1, blocks.samples, 3), np.float32)
  encoded = jax.eval_shape(
    lambda p: field.apply({"params": params}, p, method="encode"), points
  )
  shape = (blocks.block, *encoded.shape[1:])
  inputs = jax.numpy.asarray(random.normal(size=shape), np.float32)
  code = jax.numpy.asarray(model.latent_mean[0], np.float32)
  paint = jax.jit(
    lambda params, code, rows: field.apply(
      {"params": params}, rows, code, method="paint"
    )
  )
  paint(params, code, inputs).block_until_ready()
  times = []
  for _ in range(9):
    start = time.monotonic()
    paint(params, code, inputs).block_until_ready()
    times.append(time.monotonic() - start)
  return float(np.median(times)) * pixels / blocks.block


def _parse() -> argparse.Namespace:
  parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
  parser.add_argument("run", type=pathlib.Path)
  parser.add_argument("--name", required=True, help="of the result")
  parser.add_argument("--moves", type=int, default=200)
  parser.add_argument("--size", default="504x378")
  return parser.parse_args()


if __name__ == "__main__":
  main()
