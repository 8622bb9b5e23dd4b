"""Stylized neural radiance fields in JAX.

```python
import stylized_nerf_jax as snj

scene = snj.load_scene("path", downsample=8)
model = snj.StylizedNerf.load("RUN")
out = model.render(scene.cameras[3], style={"starry-night": 0.7, "wave": 0.3})
```
"""

import importlib

# Looked up on first use: `stylized-nerf --help` should not wait for jax.
_PUBLIC = {
  "Camera": "scenes.cameras",
  "Cameras": "scenes.cameras",
  "Scene": "scenes.scene",
  "StylizedNerf": "model",
  "load_scene": "scenes.readers.formats",
  "train": "phases.pipeline",
  "train_mutual_learning": "phases.pipeline",
  "train_radiance_field": "phases.pipeline",
  "train_stylizer": "phases.pipeline",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
  if name not in _PUBLIC:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
  module = importlib.import_module(f"{__name__}.{_PUBLIC[name]}")
  return getattr(module, name)


def __dir__() -> list[str]:
  return [*globals(), *__all__]
