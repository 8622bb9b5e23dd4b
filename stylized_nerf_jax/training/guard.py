"""Stops a run whose losses are not finite for many steps in a row."""

from stylized_nerf_jax import user_error
from stylized_nerf_jax.training import skips as skips_lib

# Not losses of their own: they follow from those that went first.
_SUMS = ("loss", "gradient_norm", "psnr")


class NotFiniteError(user_error.UserError):
  """Too many steps in a row had losses or gradients that are not finite."""


class Guard:
  """Counts skipped steps; what `train_steps.make_train_steps` calls back.

  What it is told it looks at when it is told of the next steps: by then the
  device has them behind it, and never waits for the host.

  Args:
    what: is trained, for the message.
    limit: so many skipped steps in a row are an error.
  """

  def __init__(self, what: str, *, limit: int):
    self._what, self._limit = what, limit
    self._row, self._first = 0, ""
    self._count = 0
    self._unseen = None

  def __call__(self, skips: skips_lib.Skips, num_steps: int) -> None:
    """Notes what was skipped among `num_steps` steps, for the next look.

    Raises:
      NotFiniteError: as `look`.
    """
    self.look()
    self._unseen = skips, num_steps

  def look(self) -> None:
    """Adds what was noted last, waiting for the device where it must.

    Raises:
      NotFiniteError: the limit is reached; names what went first.
    """
    if self._unseen is None:
      return
    (skips, num_steps), self._unseen = self._unseen, None
    count, row = int(skips.count), int(skips.row)
    self._count += count
    if row < num_steps:
      self._row = 0
    if row and not self._row:
      self._first = _first(skips)
    self._row += row
    if self._row >= self._limit:
      raise NotFiniteError(
        f"{self._what}: {self._row} steps in a row were skipped because losses "
        f"or gradients are not finite; first {self._first}. The last "
        "checkpoint is intact: lower the learning rate, or look for what is "
        "not finite in the input"
      )

  def take(self) -> int:
    """Returns how many steps were skipped since this was asked last.

    Raises:
      NotFiniteError: as `look`.
    """
    self.look()
    count, self._count = self._count, 0
    return count


def _first(skips: skips_lib.Skips) -> str:
  names = sorted(n for n, finite in skips.finite.items() if not finite)
  own = [name for name in names if name not in _SUMS]
  return ", ".join(own or [n for n in names if n == "loss"] or ["the gradient"])
