"""Do 1, 2, 4 and 8 devices, and 2 processes with 2 each, train the same?

  python experiments/devices.py

Tiny runs of the embedded scene through all three phases, with networks of a few
layers (tests/tiny_run.py), on simulated CPU devices; the processes talk over
the loopback interface. Compared are the gradients of the first step of every
kind, the losses of all steps, the score on held-out views, and the parameters
at the end. Writes experiments/results/devices.json, and draws the losses over
each other into docs/images/device_losses.png (extra `plot`).
"""

import argparse
import logging
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

import numpy as np

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax.host import processes
from stylized_nerf_jax.training import train_steps
from support import (
  results,
  run_files,
  saved_numbers,
  step_recorder,
  tiny_networks,
)

_DOCS = pathlib.Path(__file__).parents[1] / "docs"
_PICTURE = _DOCS / "images" / "device_losses.png"
# Of crops and patches in a step: devices share them.
_GROUPS = 4
# Name: (processes, devices of each, what it is compared with).
_LAYOUTS = {
  "1 device": (1, 1, "1 device"),
  "2 devices": (1, 2, "1 device"),
  "4 devices": (1, 4, "1 device"),
  "8 devices": (1, 8, "1 device"),
  "2 processes with 2 devices": (2, 2, "4 devices"),
}


def main() -> None:
  """Trains on every layout and writes what differs."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
  parser.add_argument("--steps", type=int, default=200, help="of every phase")
  parser.add_argument("--layouts", nargs="*", default=list(_LAYOUTS))
  parser.add_argument("--folder", help="kept; finished layouts are not rerun")
  parser.add_argument("--child", nargs="*", help="internal")
  args = parser.parse_args()
  logging.getLogger("absl").setLevel(logging.ERROR)
  if args.child:
    sys.exit(_child(*args.child))
  with tempfile.TemporaryDirectory() as temporary:
    folder = pathlib.Path(args.folder or temporary).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    _write_config(folder, args.steps)
    found = {}
    for name in args.layouts:
      found[name] = _train(folder, name)
      _write_result(args.steps, found)
    _draw_losses(found)


def _write_config(folder: pathlib.Path, steps: int) -> None:
  patches = steps // 4
  tiny_networks.write_config(
    folder,
    radiance_field__steps=steps,
    radiance_field__evaluate_every=10 * steps,
    radiance_field__checkpoint_every=steps,
    stylizer__steps=steps,
    stylizer__checkpoint_every=steps,
    stylizer__groups_per_step=_GROUPS,
    # The rates of the presets: those of the tests tell decoders apart.
    mutual_learning__decoder_learning_rate=1e-4,
    mutual_learning__steps=steps - patches,
    mutual_learning__patch_steps=patches,
    mutual_learning__decoder_every=max(steps // 20, 1),
    mutual_learning__refresh_every=5,
    mutual_learning__decoder_groups=_GROUPS,
    mutual_learning__patch_groups=_GROUPS,
    mutual_learning__checkpoint_every=steps,
  )


def _train(folder: pathlib.Path, name: str) -> dict:
  """Trains on a layout; returns what it recorded."""
  count, devices, _ = _LAYOUTS[name]
  run = folder / name.replace(" ", "-")
  if not step_recorder.is_saved(run):
    with socket.socket() as one:
      one.bind(("127.0.0.1", 0))
      coordinator = f"127.0.0.1:{one.getsockname()[1]}"
    started = time.monotonic()
    children = [
      subprocess.Popen(
        [
          *(sys.executable, __file__, "--child"),
          *(str(folder / "config.json"), str(run)),
          *(coordinator, str(count), str(index)),
        ],
        env={
          **os.environ,
          "JAX_NUM_CPU_DEVICES": str(devices),
          "NPROC": "16",
          # Most of a tiny run is spent on compiling.
          "XLA_FLAGS": "--xla_backend_optimization_level=0",
          "JAX_COMPILATION_CACHE_DIR": str(folder / "cache"),
        },
      )
      for index in range(count)
    ]
    statuses = [child.wait() for child in children]
    if any(statuses):
      raise SystemExit(f"{name}: exit status {statuses}")
    print(f"{name}: {time.monotonic() - started:.0f} s")
  losses, gradients = step_recorder.load(run)
  return {
    "losses": losses,
    "gradients": gradients,
    "params": {
      phase: saved_numbers.last_params(run, phase) for phase in run_files.PHASES
    },
    "psnr": run_files.facts(run, run_files.FIELD)["scores"]["test_psnr"],
  }


def _child(config_path, run, coordinator, count, index) -> int:
  """One process: trains and records."""
  tiny_networks.put_in_place()
  alone = (None, None, None)
  given = (coordinator, count, index) if count != "1" else alone
  with processes.joined(*given):
    # Imported here: what it imports may touch a device.
    from stylized_nerf_jax.phases import pipeline

    recorder = step_recorder.StepRecorder(train_steps.make_train_steps)
    train_steps.make_train_steps = recorder.make
    pipeline.train(config_lib.from_flags([f"--config={config_path}"]), run)
    if processes.is_first():
      recorder.save(pathlib.Path(run))
  return 0


def _write_result(steps: int, found: dict) -> None:
  """Writes what was found so far."""
  found = {name: found[name] for name in _LAYOUTS if name in found}
  rows, parameters = [], []
  for name, one in found.items():
    reference = _LAYOUTS[name][2]
    if name == reference or reference not in found:
      continue
    other = found[reference]
    for kind, losses in one["losses"].items():
      row = [name, reference, kind, len(losses)]
      row.append(_format(_gradient_difference(one, other, kind)))
      row.append(_format(_loss_difference(losses, other["losses"][kind])))
      rows.append(row)
    parameters += [
      [name, reference, phase, _format(np.abs(numbers - before).max())]
      for phase, numbers in one["params"].items()
      for before in [other["params"][phase]]
    ]
  scores = [[name, f"{one['psnr']:.4f}"] for name, one in found.items()]
  columns = ["layout", "compared with"]
  results.write_measured(
    "devices",
    {
      "steps": steps,
      "losses": {
        name: {
          kind: [float(f"{loss:.6g}") for loss in losses]
          for kind, losses in one["losses"].items()
        }
        for name, one in found.items()
      },
      "tables": {
        "steps": {
          "columns": [
            *columns,
            "steps on",
            "steps",
            "first gradient, of its norm",
            "loss, largest of all steps",
          ],
          "rows": rows,
        },
        "parameters": {
          "columns": [*columns, "phase", "largest difference at the end"],
          "rows": parameters,
        },
        "psnr": {"columns": ["layout", "held-out PSNR, dB"], "rows": scores},
      },
    },
  )


def _draw_losses(found: dict) -> None:
  """Draws the losses of all layouts, one panel for each kind of step."""
  from matplotlib import figure

  kinds = list(next(iter(found.values()))["losses"])
  canvas = figure.Figure(figsize=(3.0 * len(kinds), 2.8), layout="constrained")
  panels = canvas.subplots(1, len(kinds))
  for panel, kind in zip(panels, kinds):
    for width, (name, one) in zip(range(2 * len(found), 0, -2), found.items()):
      # The first is the widest, so that all can be seen.
      panel.plot(one["losses"][kind], linewidth=0.7 * width, label=name)
    panel.set(title=kind.replace("_", " "), xlabel="step", yscale="log")
  panels[0].set_ylabel("loss")
  panels[0].legend(fontsize="x-small")
  canvas.savefig(_PICTURE, dpi=80)
  print(f"wrote {_PICTURE}")


def _gradient_difference(one: dict, other: dict, kind: str) -> float:
  first, second = one["gradients"][kind], other["gradients"][kind]
  return float(np.linalg.norm(first - second) / np.linalg.norm(second))


def _loss_difference(one: list, other: list) -> float:
  first, second = np.array(one), np.array(other)
  return float(np.max(np.abs(first - second) / np.abs(second)))


def _format(value: float) -> str:
  return f"{value:.1e}"


if __name__ == "__main__":
  main()
