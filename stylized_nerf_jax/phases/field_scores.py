"""How well a field shows photographs that it was not trained on."""

import jax
import numpy as np

from stylized_nerf_jax.evaluation import image_metrics
from stylized_nerf_jax.host import interruption
from stylized_nerf_jax.networks import ray_blocks
from stylized_nerf_jax.rendering import image_rendering
from stylized_nerf_jax.rendering import rays as rays_lib


class FieldScores:
  """Renders and scores the views that no training pixel came from.

  Those of the split "test", or of "train" where there are none.
  """

  def __init__(self, field, setting, scene, record, config):
    name = "test" if scene.splits.get("test") else "train"
    self._scene = scene.split(name)
    self._cameras = rays_lib.camera_arrays(
      self._scene.cameras, record.normalization
    )
    self._render = image_rendering.make_image_renderer(
      field,
      None,
      setting,
      rays_per_chunk=ray_blocks.per_chunk(config),
      rays_at_once=ray_blocks.for_rendering(config),
    )

  def __len__(self) -> int:
    return len(self._scene)

  def __call__(self, params, *, limit: int | None = None) -> dict[str, float]:
    """Returns mean PSNR and SSIM over the views, or the first `limit`."""
    psnrs, ssims = [], []
    for i in range(min(len(self), limit or len(self))):
      # Nothing is lost: training saves before it asks for scores.
      interruption.stop_if_asked("while held-out views are scored")
      camera = self._scene.cameras[i]
      rendered = self._render(
        {"field": params},
        jax.tree.map(lambda values: values[i], self._cameras),  # noqa: B023
        camera.height,
        camera.width,
      )
      photo = self._scene.images[i]
      psnrs.append(float(image_metrics.psnr(rendered.rgb, photo)))
      ssims.append(float(image_metrics.ssim(rendered.rgb, photo)))
    return {
      "test_psnr": float(np.mean(psnrs)),
      "test_ssim": float(np.mean(ssims)),
    }


def in_words(scores: dict[str, float]) -> str:
  """Writes the scores of a field in a few words."""
  return f"PSNR {scores['test_psnr']:.2f} dB, SSIM {scores['test_ssim']:.3f}"
