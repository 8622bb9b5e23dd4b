"""How well does one mask find an object of the embedded scene in other views.

  python experiments/regions.py --run runs/demo

Of each object the exact mask is given in the training view that sees most of
it, and, where `_HIDDEN` says so, in one where something stands before it. The
region that `stylized-nerf region` makes of it is compared with exact masks of
views that no mask was given of, the held-out ones among them. Writes
experiments/results/regions.json.
"""

import pathlib
import tempfile

import numpy as np
from PIL import Image

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.regions import evidence
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes.synthetic import plaza
from stylized_nerf_jax.tasks import region_making
from support import arguments, results

# Objects, and whether others stand before them in the given view.
_CASES = (
  *(("ball", False), ("tower", True), ("bush", False)),
  *(("marble", False), ("ring", False), ("crate", True)),
)
# Smaller ones are nearly all border.
_FEWEST = 100
_EVERY = 3


def main() -> None:
  """Makes regions of a run, and compares them with what is exact."""
  parser = arguments.of_run(__doc__)
  parser.add_argument("--objects", nargs="+", help="some of them alone")
  args = parser.parse_args()
  rows = {
    name: _measure(args.run, name, hidden)
    for name, hidden in _CASES
    if not args.objects or name in args.objects
  }
  columns = list(next(iter(rows.values())))
  results.write_table(
    "regions", ["object", *columns], results.rows_of(rows, columns)
  )


def _measure(run: pathlib.Path, name: str, hidden: bool) -> dict:
  """Makes a region of an object, and scores it in the other views."""
  record = run_folder.RunFolder(run).scene()
  cameras = record.cameras
  seen = [plaza.object_mask(camera, name) for camera in cameras]
  whole = [plaza.object_mask(camera, name, alone=True) for camera in cameras]
  sizes = np.array([mask.sum() for mask in seen])
  covered = 1.0 - sizes / np.maximum([mask.sum() for mask in whole], 1)
  train = np.array(record.splits["train"])
  enough = train[covered[train] > 0.2] if hidden else train
  given = int(enough[np.argmax(sizes[enough])])
  with tempfile.TemporaryDirectory() as folder:
    mask = pathlib.Path(folder) / "mask.png"
    Image.fromarray(255 * seen[given].astype(np.uint8)).save(mask)
    region_making.make(
      run,
      name,
      lambda record: evidence.of_masks(record, [mask], [str(given)]),
      replace=True,
    )
  others = [
    view
    for view in range(0, len(cameras))
    if view != given
    and sizes[view] >= _FEWEST
    and (view % _EVERY == 0 or view in record.splits["test"])
  ]
  found = region_making.agreement(
    model_lib.StylizedNerf.load(run), name, others, [seen[v] for v in others]
  )
  return {
    "given view": cameras.names[given],
    "hidden in it": f"{covered[given]:.0%}",
    "hidden elsewhere, at most": f"{covered[others].max():.0%}",
    "other views": len(others),
    "mean IoU": f"{np.mean(found):.3f}",
    "lowest IoU": f"{np.min(found):.3f}",
  }


if __name__ == "__main__":
  main()
