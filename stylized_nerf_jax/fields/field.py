"""What every radiance field keeps to: samples along rays, and their colours.

Renderers and phases know fields by this protocol alone. A field is
a flax module; whoever adds one gives it to the contract test
(`tests/fields/test_fields_contract.py`).
"""

from typing import Any, Protocol

import jax

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import samples as samples_lib


class Field(Protocol):
  """A radiance field.

  Attributes:
    num_samples: final samples of a ray, K.
    floats_per_ray: floats of a ray's widest layer and its input, over all
      samples: what decides how many rays a processor works on together.
    has_tables: whether gradients are as large as the parameters, however few
      rays they are of, so that adding them up block after block costs more than
      it saves.
  """

  @property
  def num_samples(self) -> int: ...

  @property
  def floats_per_ray(self) -> int: ...

  @property
  def has_tables(self) -> bool: ...

  def __call__(
    self, rays: rays_lib.Rays, key: jax.Array | None = None
  ) -> tuple[samples_lib.Samples, jax.Array, Any]:
    """Samples and colours; `init` through this creates every parameter.

    Args:
      rays: [...].
      key: as in `sample`.

    Returns:
      (samples, colors, found), as of `sample` and `color`.
    """
    ...

  def sample(
    self,
    rays: rays_lib.Rays,
    key: jax.Array | None = None,
    *,
    noise: float = 0.0,
  ) -> tuple[samples_lib.Samples, Any]:
    """Places samples along rays and weighs them.

    Args:
      rays: [...].
      key: random key of a training step; None gives the same samples every
        time, without jitter and without noise.
      noise: standard deviation of the noise on densities before their
        activation; needs a key.

    Returns:
      (`Samples` [..., K], found: a tree of [...], what `losses` needs).
    """
    ...

  def color(self, samples: samples_lib.Samples, viewdirs: jax.Array):
    """Computes the colours of samples.

    Args:
      samples: [..., K], from `sample`.
      viewdirs: [..., 3], unit directions in model axes, one a ray.

    Returns:
      [..., K, 3], in [0, 1].
    """
    ...

  def losses(
    self,
    rays: rays_lib.Rays,
    found: Any,
    target: jax.Array | None,
    background: jax.Array,
    *,
    every: int = 1,
  ) -> dict[str, jax.Array]:
    """Computes what this field is trained on beside its rendered colours.

    Args:
      rays: [R].
      found: of `sample` for these rays.
      target: [R, 3], photographed colours in [0, 1]; None leaves out the
        losses that compare with them.
      background: [3] or [R, 3], what was put behind the rays.
      every: one ray in so many is enough where a loss takes as long as
        rendering.

    Returns:
      Unweighted losses [] by name; empty where there are none.
    """
    ...

  def coarse_samples(self, found: Any) -> samples_lib.Samples | None:
    """Returns what a coarse pass of `sample` weighed; None without one.

    Asked of modules that are not bound (`flax.linen.nowrap`).
    """
    ...

  def coarse_color(self, samples: samples_lib.Samples, viewdirs: jax.Array):
    """Computes the colours of coarse samples.

    Only asked for what `coarse_samples` returned: a field that has no coarse
    pass needs no such method.

    Args:
      samples: [..., K], from `coarse_samples`.
      viewdirs: as in `color`.

    Returns:
      [..., K, 3], in [0, 1].
    """
    ...
