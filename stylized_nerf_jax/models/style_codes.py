"""What a style means to a model: names, mixes, pictures and codes as codes."""

import dataclasses
import pathlib
import sys
import types
import warnings
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.fields import latents as latents_lib
from stylized_nerf_jax.models import palettes
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.scenes.pictures import style_set, styles

# One style: a name or a unique part of one, a picture's file, or a code [L].
OneStyle = str | pathlib.Path | np.ndarray | jax.Array
# Or a mix of several, each with its weight. Codes, which cannot be keys, stand
# in pairs.
Style = (
  OneStyle
  | Mapping[str | pathlib.Path, float]
  | Sequence[tuple[OneStyle, float]]
  | None
)

_PACKAGE = __name__.partition(".")[0]
_SUM_TOLERANCE = 1e-6


@dataclasses.dataclass(frozen=True, eq=False)
class Blend:
  """What style fields paint in.

  Attributes:
    code: [L].
    shares: [S], of the styles that a model was trained on; what is left of 1 is
      of codes and of pictures that it was not trained on.
  """

  code: np.ndarray
  shares: np.ndarray

  def tobytes(self) -> bytes:
    """Returns what tells it from others."""
    return np.concatenate([self.code, self.shares], dtype=np.float32).tobytes()


class StyleCodes:
  """Codes of the styles of a model.

  Args:
    config: of its run.
    names: of the S styles that it was trained on.
    means: [S, L], mu_s.
    table: [S, V, L], codes of styles as training views see them.
  """

  def __init__(
    self, config, names: Sequence[str], means: jax.Array, table: jax.Array
  ):
    self._config = config
    self._names = tuple(names)
    self._means = jnp.asarray(means)
    self._table = jnp.asarray(table)
    self._guessed: dict[palettes.FileState, np.ndarray] = {}

  def code(self, style: Style, *, view: int, spread: float) -> np.ndarray:
    """Returns the code [L] of a style.

    Args:
      style: of any kind.
      view: index of a training view, in [0, V).
      spread: in [0, 1], from mu_s to the code of that view. What was never
        trained on has one code for all views.

    Raises:
      ValueError: a name is unknown, a part of several or twice there; a picture
        cannot be read; a code has another size; there is no such view; or
        weights are negative or all zero.
    """
    views = self._table.shape[1]
    if not 0 <= view < views:
      raise user_error.UserError(
        f"view is {view}; expected 0 to {views - 1}, a training view"
      )
    shares = _shares(style)
    if not shares:
      raise user_error.UserError(
        f"no style given; known styles: {', '.join(self._names)}"
      )
    trained = [one for one, _ in shares if self._is_trained(one)]
    found = style_set.find_all(map(str, trained), self._names)
    places = iter([self._names.index(name) for name in found])
    codes = [
      self._trained(next(places), view, spread)
      if self._is_trained(one)
      else self._foreign(one)
      for one, _ in shares
    ]
    weights = [weight for _, weight in shares]
    mixed = latents_lib.mix(jnp.stack(codes), weights)
    if abs(sum(weights) - 1.0) > _SUM_TOLERANCE:
      _warn_of_sum(shares)
    return np.asarray(mixed)

  def blend(self, style: Style, *, view: int, spread: float) -> Blend:
    """Returns what a style is painted in; arguments are those of `code`."""
    code = self.code(style, view=view, spread=spread)
    shares = np.zeros(len(self._names), np.float32)
    for part, share in self.parts(style):
      if isinstance(part, int):
        shares[part] += share
    return Blend(code, shares)

  def of_code(self, code: np.ndarray) -> Blend:
    """Returns what a code [L] by itself is painted in."""
    shares = np.zeros(len(self._names), np.float32)
    return Blend(np.asarray(code, np.float32), shares)

  def parts(
    self, style: Style
  ) -> list[tuple[int | pathlib.Path | None, float]]:
    """Returns what a mix is made of.

    Args:
      style: that `code` takes.

    Returns:
      Of each part the style's place, or the file of a picture that was never
      trained on, or None for a code; and its share, of 1 together.
    """
    shares = _shares(style)
    total = sum(weight for _, weight in shares)
    return [(self._part(one), weight / total) for one, weight in shares]

  def _part(self, one: OneStyle) -> int | pathlib.Path | None:
    if not isinstance(one, str | pathlib.Path):
      return None
    if self._is_trained(one):
      return self._names.index(style_set.find(str(one), self._names))
    return pathlib.Path(one)

  def _trained(self, place: int, view: int, spread: float) -> jax.Array:
    mean = self._means[place]
    return latents_lib.spread(mean, self._table[place, view], spread)

  def _is_trained(self, one: OneStyle) -> bool:
    """Tells names from pictures and codes; a name goes before a file."""
    if isinstance(one, pathlib.Path) or not isinstance(one, str):
      return False
    return one in self._names or not pathlib.Path(one).is_file()

  def _foreign(self, one: OneStyle) -> jax.Array:
    if isinstance(one, str | pathlib.Path):
      return jnp.asarray(self._guess(pathlib.Path(one)))
    code = jnp.asarray(one, self._means.dtype)
    if code.shape != self._means.shape[1:]:
      raise user_error.UserError(
        f"code has shape {code.shape}; expected {self._means.shape[1:]}"
      )
    return code

  def _guess(self, picture: pathlib.Path) -> np.ndarray:
    """Encodes a picture, once for each state of its file."""
    key = palettes.file_state(picture)
    if key not in self._guessed:
      self._guessed[key] = _guess(self._config, picture)
    return self._guessed[key]


def _guess(config, picture: pathlib.Path) -> np.ndarray:
  """Encodes a painting that was never trained on: the VAE's mean [L].

  Args:
    config: of the run, whose networks and size of paintings are used.
    picture: a file.

  Raises:
    ValueError: the picture is damaged.
  """
  nets = stylizer_nets.load_nets(config.weights)
  image = styles.load_style_image(picture, style_size=config.styles.style_size)
  facts = stylizer_nets.style_facts(nets, style_set.StyleSet([image]))
  return facts.latent_mean[0]


def _shares(style: Style) -> list[tuple[OneStyle, float]]:
  """Returns the styles of a mix and their weights; one style has weight 1."""
  if style is None:
    return []
  if isinstance(style, Mapping):
    return list(style.items())
  if isinstance(style, str | pathlib.Path | np.ndarray | jax.Array):
    return [(style, 1.0)]
  try:
    return [(one, weight) for one, weight in style]
  except (TypeError, ValueError):
    raise user_error.UserError(
      f"style is {style!r}; expected a name, a picture's file, a code, weights "
      "by name, or pairs of these and weights"
    ) from None


def _warn_of_sum(shares: list[tuple[OneStyle, float]]) -> None:
  """Says at the caller's line that weights are divided by their sum."""
  named = ", ".join(
    f"{one if isinstance(one, str | pathlib.Path) else 'a code'}: {weight:g}"
    for one, weight in shares
  )
  total = sum(weight for _, weight in shares)
  warnings.warn(
    f"style weights ({named}) sum to {total:g} and are divided by it",
    UserWarning,
    stacklevel=_caller_level(),
  )


def _caller_level() -> int:
  """The `stacklevel` of the first frame outside of this package."""
  level = 1
  frame: types.FrameType | None = sys._getframe(1)
  while frame is not None:
    name = frame.f_globals.get("__name__", "")
    if name.partition(".")[0] != _PACKAGE:
      return level
    frame, level = frame.f_back, level + 1
  return level
