"""What mutual learning carries along, and how its checkpoints hold it."""

import dataclasses
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.fields import latents as latents_lib
from stylized_nerf_jax.networks import modules, stylizer_nets
from stylized_nerf_jax.rows import prng
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes import normalization
from stylized_nerf_jax.training import checkpoints as checkpoints_lib
from stylized_nerf_jax.training import state as state_lib

PHASE = "mutual_learning"
# The item of checkpoints with mean [S, L] and variance [S, L] of the codes.
_CODES = "style_codes"


@dataclasses.dataclass
class MutualState:
  """Of the two that teach each other.

  Attributes:
    field: state of style field and codes, {"style_field", "latents" [S, V, L]}.
    decoder: state of the decoder.
    target_decoder: parameters of the decoder that made the present stylized
      views: a resumed run needs the same.
  """

  field: state_lib.TrainState
  decoder: state_lib.TrainState
  target_decoder: Any

  def save(
    self,
    checkpoints: checkpoints_lib.Checkpoints,
    facts: stylizer_nets.StyleFacts,
  ) -> None:
    """Saves everything that a resumed run and a finished model need."""
    codes = {"mean": facts.latent_mean, "variance": facts.latent_variance}
    items = {**self._items(), _CODES: codes}
    checkpoints.save(int(self.field.step), items, {"phase": PHASE})

  def restored(self, checkpoints: checkpoints_lib.Checkpoints) -> "MutualState":
    """Returns the newest state that was saved; this one has its shapes."""
    items, _ = checkpoints.restore(self._items())
    items = jax.tree.map(jnp.asarray, items)
    return MutualState(
      field=state_lib.TrainState(params=items["params"], **items["optimizer"]),
      decoder=state_lib.TrainState(
        params=items["decoder"], **items["decoder_optimizer"]
      ),
      target_decoder=items["target_decoder"],
    )

  def _items(self) -> dict:
    """The trees of a checkpoint."""
    field, decoder = self.field, self.decoder
    return {
      "params": field.params,
      "optimizer": {"step": field.step, "opt_state": field.opt_state},
      "decoder": decoder.params,
      "decoder_optimizer": {
        "step": decoder.step,
        "opt_state": decoder.opt_state,
      },
      "target_decoder": self.target_decoder,
    }


def first_params(
  config,
  space: normalization.RaySpace,
  facts: stylizer_nets.StyleFacts,
  num_views: int,
) -> dict[str, Any]:
  """Draws style field and codes before the first step.

  Args:
    config: of the run.
    space: that the rays live in.
    facts: what the 2D networks see of S styles.
    num_views: training views, V.

  Returns:
    {"style_field", "latents" [S, V, L]}.
  """
  key = prng.stream_key(config.seed, f"{PHASE}/init")
  style_key, latent_key = jax.random.split(key)
  return {
    "style_field": modules.init_style_field(
      config.style_field, space, style_key
    ),
    "latents": latents_lib.init_latents(
      latent_key,
      jnp.asarray(facts.latent_mean),
      jnp.asarray(facts.latent_variance),
      num_views,
    ),
  }


def continued(
  params: dict[str, Any],
  keys: latents_lib.LatentKeys,
  folder: pathlib.Path,
  old_keys: latents_lib.LatentKeys,
) -> dict[str, Any]:
  """Takes up style field and codes that were learned for other styles.

  Args:
    params: as `first_params` draws them; their codes are kept for styles and
      views that are new.
    keys: what their codes stand for.
    folder: of the earlier result.
    old_keys: what its codes stand for.
  """
  size = params["latents"].shape[-1]
  shape = (len(old_keys.styles), len(old_keys.views), size)
  like = {**params, "latents": jax.ShapeDtypeStruct(shape, jnp.float32)}
  store = checkpoints_lib.Checkpoints(folder / "checkpoints")
  old = state_lib.restore_params(store, like)
  store.close()
  latents = latents_lib.merge_latents(
    old_keys, old["latents"], keys, params["latents"]
  )
  return {"style_field": old["style_field"], "latents": jnp.asarray(latents)}


def restore_styles(config, run: run_folder.RunFolder) -> dict[str, Any]:
  """Reads what a finished phase 3 learned, as fields of a `StylizedNerf`.

  Returns:
    "params" {"style_field", "latents"}, "styles", "style_hashes",
    "latent_mean" and "latent_variance".
  """
  facts = run.facts(PHASE)
  styles, keys = facts["styles"], facts["keys"]
  size = config.style_field.latent_size
  count = len(styles["names"])
  space = run.scene().normalization.space

  def floats(*shape):
    return jax.ShapeDtypeStruct(shape, np.float32)

  like = {
    "params": {
      "style_field": jax.eval_shape(
        lambda: modules.init_style_field(
          config.style_field, space, prng.stream_key(0, "shapes")
        )
      ),
      "latents": floats(count, len(keys["views"]), size),
    }
  }
  # Where it was before checkpoints held it.
  in_manifest = "latent_mean" in styles
  if not in_manifest:
    like[_CODES] = {
      "mean": floats(count, size),
      "variance": floats(count, size),
    }
  items, _ = run.checkpoints(PHASE).restore(like)
  codes = items.get(_CODES)
  if in_manifest:
    codes = {name: styles[f"latent_{name}"] for name in ("mean", "variance")}
  return {
    "params": items["params"],
    "styles": tuple(styles["names"]),
    "style_hashes": tuple(keys["styles"]),
    "latent_mean": np.asarray(codes["mean"], np.float32),
    "latent_variance": np.asarray(codes["variance"], np.float32),
  }
