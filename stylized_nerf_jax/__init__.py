"""Stylized neural radiance fields in JAX.

```python
import stylized_nerf_jax as snj

scene = snj.load_scene("path", downsample=8)
model = snj.StylizedNerf.load("RUN")
out = model.render(scene.cameras[3], style={"starry-night": 0.7, "wave": 0.3})
```

docs/library.md has the pieces for training loops of one's own.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from stylized_nerf_jax.fields.field import Field as Field
  from stylized_nerf_jax.fields.hash_grid import HashGridField as HashGridField
  from stylized_nerf_jax.fields.jaxnerf import JaxNerfField as JaxNerfField
  from stylized_nerf_jax.fields.latents import init_latents as init_latents
  from stylized_nerf_jax.fields.positional import (
    PositionalField as PositionalField,
  )
  from stylized_nerf_jax.fields.style_field import StyleField as StyleField
  from stylized_nerf_jax.losses.mutual import latent_loss as latent_loss
  from stylized_nerf_jax.losses.mutual import mimic_2d_to_3d as mimic_2d_to_3d
  from stylized_nerf_jax.losses.mutual import mimic_3d_to_2d as mimic_3d_to_2d
  from stylized_nerf_jax.model import StylizedNerf as StylizedNerf
  from stylized_nerf_jax.networks.jaxnerf_checkpoint import (
    load_jaxnerf as load_jaxnerf,
  )
  from stylized_nerf_jax.options.field_kinds import (
    register_field as register_field,
  )
  from stylized_nerf_jax.phases.pipeline import train as train
  from stylized_nerf_jax.phases.pipeline import (
    train_mutual_learning as train_mutual_learning,
  )
  from stylized_nerf_jax.phases.pipeline import (
    train_radiance_field as train_radiance_field,
  )
  from stylized_nerf_jax.phases.pipeline import (
    train_stylizer as train_stylizer,
  )
  from stylized_nerf_jax.pixels.pixel_bank import PixelBank as PixelBank
  from stylized_nerf_jax.presets import get_config as get_config
  from stylized_nerf_jax.rendering.camera_rays import camera_rays as camera_rays
  from stylized_nerf_jax.rendering.ray_records import Rays as Rays
  from stylized_nerf_jax.rendering.rays import CameraArrays as CameraArrays
  from stylized_nerf_jax.rendering.rays import camera_arrays as camera_arrays
  from stylized_nerf_jax.rendering.render_rays import (
    RenderedRays as RenderedRays,
  )
  from stylized_nerf_jax.rendering.render_rays import (
    render_rays as render_rays,
  )
  from stylized_nerf_jax.rendering.render_rays import (
    render_styled_rays as render_styled_rays,
  )
  from stylized_nerf_jax.rendering.samples import Samples as Samples
  from stylized_nerf_jax.scenes.cameras import Camera as Camera
  from stylized_nerf_jax.scenes.cameras import Cameras as Cameras
  from stylized_nerf_jax.scenes.normalization import (
    Normalization as Normalization,
  )
  from stylized_nerf_jax.scenes.normalization import normalize_scene
  from stylized_nerf_jax.scenes.readers.formats import load_scene as load_scene
  from stylized_nerf_jax.scenes.scene import Scene as Scene

  normalize = normalize_scene

__version__ = "0.2.0"

# Where a name is, looked up on first use: `stylized-nerf --help` should not
# wait for jax.
_PUBLIC = {
  "Camera": "scenes.cameras",
  "CameraArrays": "rendering.rays",
  "Cameras": "scenes.cameras",
  "Field": "fields.field",
  "HashGridField": "fields.hash_grid",
  "JaxNerfField": "fields.jaxnerf",
  "Normalization": "scenes.normalization",
  "PixelBank": "pixels.pixel_bank",
  "PositionalField": "fields.positional",
  "Rays": "rendering.ray_records",
  "RenderedRays": "rendering.render_rays",
  "Samples": "rendering.samples",
  "Scene": "scenes.scene",
  "StyleField": "fields.style_field",
  "StylizedNerf": "model",
  "camera_arrays": "rendering.rays",
  "camera_rays": "rendering.camera_rays",
  "get_config": "presets",
  "init_latents": "fields.latents",
  "latent_loss": "losses.mutual",
  "load_jaxnerf": "networks.jaxnerf_checkpoint",
  "load_scene": "scenes.readers.formats",
  "mimic_2d_to_3d": "losses.mutual",
  "mimic_3d_to_2d": "losses.mutual",
  "normalize": "scenes.normalization",
  "register_field": "options.field_kinds",
  "render_rays": "rendering.render_rays",
  "render_styled_rays": "rendering.render_rays",
  "train": "phases.pipeline",
  "train_mutual_learning": "phases.pipeline",
  "train_radiance_field": "phases.pipeline",
  "train_stylizer": "phases.pipeline",
}
# Of those that have another name where they are.
_NAMES_THERE = {"normalize": "normalize_scene"}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
  if name not in _PUBLIC:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
  module = importlib.import_module(f"{__name__}.{_PUBLIC[name]}")
  return getattr(module, _NAMES_THERE.get(name, name))


def __dir__() -> list[str]:
  return [*globals(), *__all__]
