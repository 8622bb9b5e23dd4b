"""One field of a config: default, meaning, range, what 0 means."""

import dataclasses
import math
from typing import Any

from stylized_nerf_jax.options import field_kinds


@dataclasses.dataclass(frozen=True)
class Option:
  """One field of a config.

  Attributes:
    default: its value where nobody says otherwise, of the type it has.
    text: what it is, with its unit.
    least: smallest value; None: any.
    above: what values must exceed; None: nothing.
    most: largest value; None: any.
    multiple: whole numbers must be multiples of it.
    choices: the values there are; empty: any. Those of `field_kinds.KINDS` may
      grow.
    zero: what 0, or an empty text or list, means; empty: nothing of its own,
      and a list must hold something.
  """

  default: Any
  text: str
  least: float | None = None
  above: float | None = None
  most: float | None = None
  multiple: int = 1
  choices: tuple[str, ...] | field_kinds.Kinds = ()
  zero: str = ""

  @property
  def expected(self) -> str:
    """The range in words; empty where any value of the type will do."""
    if self.choices:
      some = "some" if isinstance(self.default, tuple) else "one"
      return f"{some} of " + ", ".join(self.choices)
    bounds = []
    if self.multiple > 1:
      bounds.append(f"a multiple of {self.multiple}")
    if self.above is not None:
      bounds.append(f"more than {self.above}")
    if self.least is not None:
      bounds.append(f"at least {self.least}")
    if self.most is not None:
      bounds.append(f"at most {self.most}")
    return ", ".join(bounds)

  @property
  def meaning(self) -> str:
    """What it is, and what 0 means."""
    if not self.zero:
      return self.text
    # Where no number is wanted, it is the empty value that means something.
    nothing = "empty" if isinstance(self.default, str | tuple) else "0"
    return f"{self.text}; {nothing}: {self.zero}"

  @property
  def described(self) -> str:
    """All that is known of it but its default, in a line."""
    return self.meaning + (f"; {self.expected}" if self.expected else "")

  def accepts(self, value) -> bool:
    """Tells whether a value is of the default's type, and in the range."""
    if isinstance(self.default, tuple):
      if not isinstance(value, tuple) or not (value or self.zero):
        return False
      # Those that are empty by default hold texts.
      items = dataclasses.replace(self, default=(*self.default, "")[0])
      return all(items.accepts(item) for item in value)
    kinds = (int, float) if isinstance(self.default, float) else ()
    if type(value) not in (type(self.default), *kinds):
      return False
    if self.choices:
      return value in self.choices
    if isinstance(value, str | bool):
      return True
    return (
      math.isfinite(value)
      and (self.least is None or value >= self.least)
      and (self.above is None or value > self.above)
      and (self.most is None or value <= self.most)
      and (self.multiple == 1 or value % self.multiple == 0)
    )


def count(default: int, text: str, **bounds) -> Option:
  """Returns a whole number of things, at least 1."""
  return Option(default, text, **{"least": 1, **bounds})


def weight(default: float, text: str, zero: str = "not used") -> Option:
  """Returns the weight of a loss, at least 0."""
  return Option(default, text, least=0.0, zero=zero)


def rate(default: float, text: str) -> Option:
  """Returns a learning rate, or what else must be more than 0."""
  return Option(default, text, above=0.0)
