"""Do cameras that `capture` finds agree with those that scenes come with?

  python experiments/captures/capture_poses.py --data DATA \
    --workdir runs/captures

Captures DATA/fern/images_4 and DATA/fox/images into folders of the work
folder, or takes what was captured there before, and compares: the similarity
between the frames is fitted to the camera centres, what is left are errors.
Centres are in percent of the largest distance between two of them. Writes
experiments/results/capture_poses.json.
"""

import argparse
import importlib.metadata
import json
import pathlib
import sys

import numpy as np

from stylized_nerf_jax.evaluation import pose_errors
from stylized_nerf_jax.scenes.readers import formats

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from support import commands, results  # noqa: E402

# Folder of the photographs, and what the reference's images are divided by.
_SCENES = {"fern": ("images_4", 4), "fox": ("images", 1)}


def main() -> None:
  """Captures, compares, and writes the result."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
  parser.add_argument("--data", type=pathlib.Path, required=True)
  parser.add_argument("--workdir", type=pathlib.Path, required=True)
  parser.add_argument("--scenes", default=",".join(_SCENES))
  args = parser.parse_args()
  scenes = {
    name: measure(args.data / name, args.workdir / name, *_SCENES[name])
    for name in args.scenes.split(",")
  }
  found = {name: facts["row"] for name, facts in scenes.items()}
  columns = next(iter(found.values()))
  results.write_table(
    "capture_poses",
    ["scene", *columns],
    results.rows_of(found, columns),
    pycolmap=importlib.metadata.version("pycolmap"),
    scenes=scenes,
  )


def measure(
  source: pathlib.Path, out: pathlib.Path, photographs: str, downsample: float
) -> dict:
  """Captures one scene, unless it was before, and compares its cameras."""
  out.parent.mkdir(parents=True, exist_ok=True)
  cost_file = out.with_suffix(".cost.json")
  if not (out / "transforms.json").exists():
    cost = commands.run(["capture", str(source / photographs), f"--out={out}"])
    cost_file.write_text(json.dumps(cost))
  cost = json.loads(cost_file.read_text()) if cost_file.exists() else None
  report = json.loads((out / "capture.json").read_text())["report"]
  found = formats.load_scene(out)
  reference = formats.load_scene(source, downsample=downsample)
  rows = _rows(reference.cameras.names)
  chosen = np.array([rows[name] for name in _rows(found.cameras.names)])
  errors = pose_errors.compare(found.cameras, reference.cameras[chosen])
  scale = errors.alignment.scale
  percent = 100 * errors.centers
  row = {
    "registered": f"{report['registered']} of {report['images']}",
    "points": report["points"],
    "reprojection, px": round(report["reprojection_error_px"], 2),
    "mean rotation, degrees": round(float(errors.rotations.mean()), 3),
    "largest rotation, degrees": round(float(errors.rotations.max()), 3),
    "mean centre, %": round(float(percent.mean()), 3),
    "largest centre, %": round(float(percent.max()), 3),
    "space": report["space"],
  }
  return {
    "row": row,
    "rotation_degrees": errors.rotations.tolist(),
    "center_share_of_extent": errors.centers.tolist(),
    "bounds": [found.near * scale, found.far * scale],
    "reference_bounds": [reference.near, reference.far],
    "cost": cost,
    "report": report,
  }


def _rows(names) -> dict[str, int]:
  """Where each image stands, by its name without folder and ending."""
  return {pathlib.PurePosixPath(name).stem: i for i, name in enumerate(names)}


if __name__ == "__main__":
  main()
