"""Points of the model frame come to lie where rays sample them."""

import jax
import numpy as np

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import normalization

_to_field = jax.jit(rays_lib.to_field, static_argnums=1)
_to_model = jax.jit(rays_lib.to_model, static_argnums=1)

_CORNERS = (-1.0, -1.0, -1.0), (1.0, 1.0, 1.0)
_FAR = np.array([[3.0, 4.0, 0.0], [0.1, 0.2, 0.3]], np.float32)


def _space(kind: str) -> normalization.RaySpace:
  return normalization.RaySpace(kind, 0.0, 1.0, 0.8, 0.6, *_CORNERS)


def test_in_ndc_it_undoes_the_way_back():
  random = np.random.default_rng(0)
  sampled = random.uniform(-0.95, 0.95, (20, 3)).astype(np.float32)
  model = _to_model(sampled, _space("ndc"))
  again = _to_field(model, _space("ndc"))
  np.testing.assert_allclose(again, sampled, atol=1e-5)


def test_in_ndc_points_behind_the_near_plane_stay_finite():
  behind = np.array([[0.1, 0.2, 0.0], [0.1, 0.2, 3.0]], np.float32)
  assert np.isfinite(_to_field(behind, _space("ndc"))).all()


def test_contracted_and_as_it_is():
  np.testing.assert_allclose(
    _to_field(_FAR, _space("contracted")),
    [[1.08, 1.44, 0.0], [0.1, 0.2, 0.3]],
    rtol=1e-6,
  )
  np.testing.assert_array_equal(_to_field(_FAR, _space("box")), _FAR)
