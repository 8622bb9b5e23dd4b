"""Regions of tiny runs in seconds, for tests of what is made of them."""

import pytest

from stylized_nerf_jax.regions import fitting, surfaces
from stylized_nerf_jax.scenes.synthetic import embedded


def few_steps(patch: pytest.MonkeyPatch) -> None:
  """Fits regions in few steps: how good they are is asked elsewhere."""
  patch.setattr(fitting, "_EXAMPLES", 1 << 12)
  patch.setattr(fitting, "_BATCH", 1 << 9)
  patch.setattr(fitting, "_STEPS", 30)


def exact_views(model, run, more):
  """The embedded scene's own answers in place of the tiny field's."""
  numbers = [*more, *(v for v in model.scene.splits["train"] if v not in more)]
  return [
    surfaces.View(camera, *seen(camera))
    for camera in (model.scene.cameras[number] for number in numbers)
  ]


def seen(camera):
  """Colours and depths of the embedded scene."""
  return embedded.render(camera)[0], embedded.depth(camera)
