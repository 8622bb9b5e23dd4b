"""A capture larger than memory: 300 photographs of 1920x1080 through phase 1.

  python experiments/captures/large_capture.py --workdir runs/large_capture

Photographs and transforms.json are made first: views of the embedded scene,
twelve times enlarged, with grain. Then phase 1 of the fast preset takes a few
hundred steps, every time as a process of its own, through the command that
everybody uses:

- disk: pixels in a file, which this process makes;
- disk, again: the file is there, and the system's cache of it was dropped;
- memory: all pixels in memory, as small captures have them.

Writes experiments/results/large_capture.json: peak resident memory of each
process as the kernel counts it, mapped pages of files included; size of the
file; and, from metrics.jsonl, rays a second and the share of the steps' time
that was spent waiting for pixels. The first --warm steps, in which the step is
compiled, are left out; "input_wait_first" is the share in the first hundred.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import sys

import numpy as np
from PIL import Image

from stylized_nerf_jax.scenes.readers import transforms_json
from stylized_nerf_jax.scenes.synthetic import embedded

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from support import commands, results, run_files  # noqa: E402

_CONFIG = pathlib.Path(__file__).parents[2] / "configs" / "fast.py"
_ENLARGED = 12
_RUNS = (
  ("disk", "disk", 512),
  ("disk, again", "disk", 512),
  ("memory", "memory", 1 << 20),
)
_COLUMNS = {
  "peak memory, MiB": "peak_memory_mib",
  "wall, s": "wall_s",
  "CPU, s": "cpu_s",
  "rays a second": "rays_per_second",
  "time waiting for pixels": "input_wait",
  "load": "load_at_end",
}
_GRAIN = 6.0  # of 255, standard deviation


def main() -> None:
  """Makes the photographs, trains on them, and writes the result."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
  parser.add_argument("--workdir", type=pathlib.Path, required=True)
  parser.add_argument("--photos", type=int, default=300)
  parser.add_argument("--width", type=int, default=1920)
  parser.add_argument("--height", type=int, default=1080)
  parser.add_argument("--steps", type=int, default=400)
  parser.add_argument("--warm", type=int, default=100)
  parser.add_argument("--name", default="large_capture")
  args = parser.parse_args()
  if args.steps - args.warm < 100:
    parser.error("--steps: at least 100 more than --warm; every 100 are logged")
  photos = args.workdir / "photos"
  if not (photos / "transforms.json").exists():
    write_photos(photos, args.photos, args.width, args.height)
  runs = {}
  for name, run, budget in _RUNS:
    drop_from_cache(args.workdir / run / "pixels")
    runs[name] = train(photos, args.workdir / run, budget, args)
    write_result(args, runs)


def write_result(args, runs: dict[str, dict]) -> None:
  """Writes what is known after some of the runs."""
  results.write_table(
    args.name,
    ["pixels", *_COLUMNS],
    results.rows_of(runs, _COLUMNS.values()),
    photographs={
      "count": args.photos,
      "width": args.width,
      "height": args.height,
      "mib": mib(args.workdir / "photos" / "images"),
    },
    pixel_file_mib=mib(args.workdir / "disk" / "pixels"),
    steps=args.steps,
    runs=runs,
  )


def write_photos(
  folder: pathlib.Path, count: int, width: int, height: int
) -> None:
  """Writes `count` photographs to train on, one more, and transforms.json.

  Args:
    folder: new.
    count, width, height: of the photographs; sizes are multiples of 12.
  """
  scene = embedded.make_scene(
    num_train=count,
    num_test=1,
    width=width // _ENLARGED,
    height=height // _ENLARGED,
  )
  (folder / "images").mkdir(parents=True, exist_ok=True)
  random = np.random.default_rng(0)
  grain = random.normal(scale=_GRAIN, size=(height, width, 1))
  shifts = random.integers(0, (height, width), (len(scene), 2))
  names = [f"images/{i:04d}.jpg" for i in range(len(scene))]

  def write(index: int) -> None:
    rgb, alpha = embedded.render(scene.cameras[index])
    small = np.clip(rgb + (1 - alpha[..., None]), 0, 1) * 255
    picture = Image.fromarray(small.astype(np.uint8))
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    own = np.roll(grain.astype(np.int16), shifts[index], axis=(0, 1))
    pixels = np.clip(np.asarray(picture) + own, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(folder / names[index], quality=92)

  with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    list(pool.map(write, range(len(scene))))
  cameras = [camera.resized(width, height) for camera in scene.cameras]
  content = {
    "camera_model": "OPENCV",
    **transforms_json.camera_fields(cameras[0]),
    **{
      f"{split}_filenames": [names[i] for i in indices]
      for split, indices in scene.splits.items()
    },
    "frames": [
      {
        "file_path": name,
        "transform_matrix": camera.camera_to_world.tolist(),
      }
      for name, camera in zip(names, cameras)
    ],
  }
  (folder / "transforms.json").write_text(json.dumps(content) + "\n")


def train(photos, workdir: pathlib.Path, budget: int, args) -> dict:
  """Trains from scratch in a process of its own; returns what it took."""
  log = workdir / "metrics.jsonl"
  log.unlink(missing_ok=True)
  cost = commands.train(
    workdir,
    run_files.FIELD,
    [
      "--from-scratch",
      f"--config={_CONFIG}",
      f"--config.scene.path={photos}",
      f"--config.radiance_field.steps={args.steps}",
      f"--config.training.pixels_in_memory_mib={budget}",
    ],
  )
  rows = [json.loads(line) for line in log.read_text().splitlines()]
  kept = [
    row for row in rows if "rays_per_second" in row and row["step"] > args.warm
  ]
  waits = [row["input_wait"] for row in kept if "input_wait" in row]
  return {
    **cost,
    "rays_per_second": round(
      float(1 / np.mean([1 / row["rays_per_second"] for row in kept]))
    ),
    # Rows are as many steps each; shares of their time are weighed by it.
    "input_wait": weighed_mean(waits, kept) if waits else None,
    "input_wait_first": rows[0].get("input_wait"),
    "loss": [[row["step"], row["loss"]] for row in rows if "loss" in row],
    "scores": {k: v for k, v in rows[-1].items() if k.startswith("test_")},
  }


def weighed_mean(waits: list[float], rows: list[dict]) -> float:
  """Returns the share of time waited, from shares of equally many steps."""
  seconds = [1 / row["rays_per_second"] for row in rows]
  return round(float(np.average(waits, weights=seconds)), 5)


def drop_from_cache(folder: pathlib.Path) -> None:
  """Has the system forget what it holds of the files of a folder."""
  for path in folder.glob("*.bin"):
    with path.open("rb") as file:
      os.fsync(file.fileno())
      os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def mib(folder: pathlib.Path) -> float:
  """Returns the size of a folder's files."""
  size = sum(path.stat().st_size for path in folder.iterdir())
  return round(size / 2**20, 1)


if __name__ == "__main__":
  main()
