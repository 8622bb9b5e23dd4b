"""What the geometry cache loses, for several numbers of samples of a ray.

  python experiments/cache_trials.py fern=runs/fern fox=runs/fox

Every NAME=RUN is a finished run. Colours of random training rays, photographic
and in random styles with their codes, composited from K samples and from all of
them: "thinned" as the cache keeps them, in 16 bits; "heaviest" the K of most
weight, scaled up to the opacity of all, as a comparison. And how far the mean
place along a ray moves. Writes experiments/results/cache_trials.json.
"""

import argparse
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

import stylized_nerf_jax
from stylized_nerf_jax.networks import modules
from stylized_nerf_jax.pixels import view_pixels
from stylized_nerf_jax.rendering import geometry_cache, renderer, spacing
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import samples as samples_lib
from support import results

_COUNTS = (12, 10, 8, 6)
_RAYS = 16384
_COLUMNS = [
  "scene",
  "kept",
  "samples",
  "colour: mean",
  "colour: 99%",
  "colour: largest",
  "style: mean",
  "style: 99%",
  "style: largest",
  "moved, of the ray",
]


def main() -> None:
  """Measures all runs and writes a table."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
  parser.add_argument("runs", nargs="+", metavar="NAME=RUN")
  parser.add_argument("--rays", type=int, default=_RAYS)
  args = parser.parse_args()
  rows = []
  for named in args.runs:
    name, _, path = named.partition("=")
    for row in _measure(pathlib.Path(path), args.rays):
      rows.append([name, *row])
      print(*rows[-1], sep="  ", flush=True)
  results.write_table("cache_trials", _COLUMNS, rows, rays=args.rays)


def _measure(path: pathlib.Path, count: int):
  """Yields rows of a run: errors in steps of 255, and shifts of mean places."""
  model = stylized_nerf_jax.StylizedNerf.load(path)
  config, record = model.config, model.scene
  space = record.normalization.space
  background = modules.ray_setting(record).background
  rays, view = _draw_rays(record, count)
  style = np.random.default_rng(1).integers(len(model.styles), size=count)
  codes = jnp.asarray(model.params["latents"])[style, view]
  field = modules.radiance_field(config.field, space)
  style_field = modules.style_field_of(config.style_field, space)
  bound = {"params": model.params["field"]}
  samples, _ = field.apply(bound, rays, method="sample")
  colors = field.apply(bound, samples, rays.viewdirs, method="color")

  def composite(samples, colors):
    """Photographic and stylized colours of rays, [R, 3] each."""
    painted = style_field.apply(
      {"params": model.params["style_field"]}, samples.points, codes
    )
    return [
      renderer.composite_colors(samples.weights, values, background)
      for values in (colors, painted)
    ]

  def place(samples):
    """Mean places of rays [R], in [0, 1] of the spacing they are drawn in."""
    fractions = spacing.fraction(
      samples.t, rays.near, rays.far, spacing.of_space(space)
    )
    return (samples.weights * fractions).sum(-1)

  wanted, stood = composite(samples, colors), place(samples)
  for kept in _COUNTS:
    for name, choose in {"thinned": _thinned, "heaviest": _heaviest}.items():
      few, index = choose(samples, rays, space, kept)
      taken = jnp.take_along_axis(colors, index[..., None], axis=-2)
      cells = [name, kept]
      for found, exact in zip(composite(few, taken), wanted):
        error = 255.0 * jnp.abs(found - exact)
        cells += [
          f"{float(error.mean()):.2f}",
          f"{float(jnp.percentile(error, 99)):.1f}",
          f"{float(error.max()):.0f}",
        ]
      moved = jnp.abs(place(few) - stood)
      yield [*cells, f"{float(moved.mean()):.5f}"]


def _draw_rays(record, count: int):
  """Rays through random pixels of random training views, and their views."""
  random = np.random.default_rng(0)
  cameras = record.split("train")
  pixels = view_pixels.ViewPixels(cameras.width, cameras.height)
  view, xy = pixels.locate(random.integers(pixels.total, size=count))
  arrays = rays_lib.camera_arrays(cameras, record.normalization)
  camera = jax.tree.map(lambda values: values[view], arrays)
  space = record.normalization.space
  return rays_lib.cast_rays(camera, xy, space), view


def _thinned(samples, rays, space, count: int):
  """Samples as the cache gives them back, and which they are."""
  packed, index = geometry_cache.pack(samples, rays, space, count)
  return geometry_cache.unpack(packed, rays, space), index


def _heaviest(samples, rays, space, count: int):
  """The heaviest samples, scaled up to the opacity of all."""
  del rays, space
  weights, index = jax.lax.top_k(samples.weights, count)
  total = samples.weights.sum(-1) / jnp.maximum(weights.sum(-1), 1e-9)
  return (
    samples_lib.Samples(
      jnp.take_along_axis(samples.points, index[..., None], axis=-2),
      jnp.take_along_axis(samples.t, index, axis=-1),
      weights * total[..., None],
      None,
    ),
    index,
  )


if __name__ == "__main__":
  main()
