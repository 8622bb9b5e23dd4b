"""How near are exported splats to the field, in a renderer of others.

  npm install --prefix PACKAGES three@0.187.0 \
    @mkkellogg/gaussian-splats-3d@0.4.7 @playcanvas/splat-transform@2.7.1
  cd experiments
  python -m exports.splats --run RUN --name NAME --packages PACKAGES \
    [--style STYLE ...] [--sheet FILE]

Exports the scene as photographed and in styles of a run, as `stylized-nerf
export` does; a WebGL renderer (`splat_browser.py`) draws the files at the
held-out cameras. Pictures are compared with what the field renders there and,
as photographed, with the photographs. The first file is also turned into SPZ
and SOG. Writes experiments/results/splats_NAME.json.
"""

import pathlib
import subprocess
import tempfile
import time

import numpy as np

from exports import splat_browser
from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.exports import export
from stylized_nerf_jax.outputs import contact_sheet
from stylized_nerf_jax.phases import pipeline
from stylized_nerf_jax.splatting import projection, rendering
from stylized_nerf_jax.splatting import splats as splats_lib
from stylized_nerf_jax.tasks import splat_making
from support import arguments, results

_CONVERTED = (".spz", ".sog")
_COLUMNS = (
  *("style", "to the field, dB", "lowest view, dB", "drawn here, dB"),
  *("splats to photographs, dB", "field to photographs, dB"),
  *("PLY, MiB", "SPZ, MiB", "SOG, MiB"),
)


def main() -> None:
  """Exports, draws and compares."""
  parser = arguments.of_run(__doc__)
  parser.add_argument("--name", required=True, help="of the result")
  parser.add_argument(
    "--style", action="append", default=[], help="default: all"
  )
  parser.add_argument("--packages", type=pathlib.Path, required=True)
  parser.add_argument("--chromium", default="/usr/bin/chromium")
  parser.add_argument(
    "--max-splats", type=int, default=splat_making.MOST_SPLATS
  )
  parser.add_argument("--sheet", type=pathlib.Path, help="picture to write")
  args = parser.parse_args()
  model = model_lib.StylizedNerf.load(args.run)
  styles = args.style or list(model.styles)
  names = [splats_lib.PHOTOGRAPHED, *styles]
  scene = pipeline.load_scene(model.config)
  held_out = [projection.pinhole(c) for c in model.scene.split("test")]
  photographs = list(scene.split("test").images)
  with tempfile.TemporaryDirectory() as temporary:
    folder = pathlib.Path(temporary)
    started = time.monotonic()
    order = export.Order(
      source=args.run,
      out=folder,
      styles=tuple(names),
      most_splats=args.max_splats,
    )
    looks = dict(zip(names, [None, *styles]))
    painted = export.make_splats(order, model, looks)
    seconds = time.monotonic() - started
    axes = export.axes(order, model)
    files = export.write_splats(order, model, painted)
    rows, shown = [], []
    with splat_browser.page(args.chromium, args.packages) as page:
      for name, file in zip(names, files):
        drawn = splat_browser.draw(page, file, held_out, axes)
        wanted = [model.render(c, looks[name]).rgb for c in held_out]
        own = [
          rendering.render(painted.splats, painted.colors[name], camera)[0]
          for camera in held_out
        ]
        scores = [_psnr(*pair) for pair in zip(drawn, wanted)]
        photographed = name == splats_lib.PHOTOGRAPHED
        rows.append(
          [
            "photographed" if photographed else name,
            _shown(np.mean(scores)),
            _shown(np.min(scores)),
            _shown(_mean_psnr(own, wanted)),
            _shown(_mean_psnr(drawn, photographs)) if photographed else None,
            _shown(_mean_psnr(wanted, photographs)) if photographed else None,
            *_sizes(file, args.packages if photographed else None),
          ]
        )
        print(*rows[-1])
        shown += [wanted[0], drawn[0]]
  if args.sheet:
    labels = [
      f"{row[0]}, {what}" for row in rows for what in ("field", "splats")
    ]
    contact_sheet.save_contact_sheet(
      args.sheet, shown, labels=labels, columns=2, tile_width=504
    )
  results.write_table(
    f"splats_{args.name}",
    _COLUMNS,
    rows,
    splats=len(painted.splats.means),
    seconds_for_all=round(seconds),
    views=len(held_out),
    renderer=splat_browser.PACKAGES[1],
  )


def _sizes(file: pathlib.Path, packages: pathlib.Path | None) -> list:
  """Returns MiB of a file, and of what it is converted to, or None."""
  sizes: list = [f"{file.stat().st_size / 2**20:.1f}"]
  for ending in _CONVERTED:
    if packages is None:
      sizes.append(None)
      continue
    tool = packages / "node_modules" / ".bin" / "splat-transform"
    other = file.with_suffix(ending)
    subprocess.run([tool, "-w", file, other], check=True, capture_output=True)
    sizes.append(f"{other.stat().st_size / 2**20:.1f}")
  return sizes


def _psnr(found, wanted) -> float:
  return float(-10 * np.log10(np.mean((np.asarray(found) - wanted) ** 2)))


def _mean_psnr(found, wanted) -> float:
  return float(np.mean([_psnr(*pair) for pair in zip(found, wanted)]))


def _shown(value: float) -> str:
  return f"{value:.2f}"


if __name__ == "__main__":
  main()
