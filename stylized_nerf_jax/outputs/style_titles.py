"""Names of styles as people read them."""

import re

_YEAR = re.compile(r"^(?:\d{3,4}|\d{4}-\d{2,4})$")
# Of names of persons, which stay small: van Gogh, de Kooning.
_PARTICLES = (
  "van",
  "von",
  "der",
  "den",
  "de",
  "del",
  "della",
  "di",
  "da",
  "du",
)
_SMALL = (
  *("a", "an", "and", "at", "by", "for", "from", "in", "into", "la", "le"),
  *("of", "off", "on", "or", "the", "to", "under", "upon", "with"),
)
# Of collections, which names of files begin with.
_COLLECTIONS = ("wikiart",)


def title(name: str) -> str:
  """Writes the name of a style's file for people.

  Names are read as ARTIST_TITLE-YEAR, words with hyphens between them:
  `van-gogh_starry-night-1889` is "van Gogh, Starry Night, 1889".

  Args:
    name: of the style.

  Returns:
    The title; the name itself where nothing of it can be read so.
  """
  parts = [part for part in name.split("_") if part.strip("- ")]
  if len(parts) > 1 and parts[0].lower() in _COLLECTIONS:
    parts = parts[1:]
  if not parts:
    return name
  artist = parts[0] if len(parts) > 1 else ""
  words = _words("-".join(parts[1:] or parts))
  year = ""
  if len(words) > 1 and _YEAR.match(words[-1]):
    year = words.pop()
  shown = [_person(_words(artist)), _work(words), year]
  return ", ".join(filter(None, shown))


def _words(text: str) -> list[str]:
  return [word for word in re.split(r"[-\s]+", text) if word]


def _person(words: list[str]) -> str:
  return " ".join(
    word if word.lower() in _PARTICLES else _capital(word) for word in words
  )


def _work(words: list[str]) -> str:
  return " ".join(
    word if i and word.lower() in _SMALL else _roman(word)
    for i, word in enumerate(words)
  )


def _roman(word: str) -> str:
  """Writes numbers of compositions large: vii is VII."""
  is_number = len(word) > 1 and re.fullmatch("x{0,3}(ix|iv|v?i{0,3})", word)
  return word.upper() if is_number else _capital(word)


def _capital(word: str) -> str:
  """Makes the first letter large, and leaves the others."""
  return word[:1].upper() + word[1:]
