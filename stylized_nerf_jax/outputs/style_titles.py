"""What people call a style whose name is that of a file.

Paintings are named ARTIST_TITLE-YEAR, words apart by hyphens, perhaps after
the collection that they are from: `van-gogh_starry-night-1889` and
`wikiart_gustav-klimt_roses-under-the-trees`. Any other name is a title. Mixes
are named as on the command line, `NAME:0.7,NAME:0.3`.
"""

import dataclasses
import re

from stylized_nerf_jax.splatting import splats

# Of the scene as photographed.
PHOTOGRAPH = "Photograph"
# Collections that names may begin with.
_COLLECTIONS = frozenset(
  {"wikiart", "wikimedia", "commons", "met", "rijks", "rijksmuseum", "artic"}
)
# Words inside of titles, and of names, that stay small.
_SMALL = frozenset(
  ("a", "an", "and", "at", "by", "de", "des", "du", "for", "from", "in", "la")
  + ("le", "les", "nor", "of", "off", "on", "or", "the", "to", "under", "with")
)
_PARTICLES = frozenset(
  ("af", "da", "de", "degli", "dei", "del", "della", "der", "di", "dos", "du")
  + ("el", "la", "le", "ten", "ter", "van", "von", "y", "zu")
)
_YEAR = re.compile(r"(.+?)[-_ ]+((?:1[0-9]|20)\d\d)$")
_NUMBER = re.compile(r"\d*\.?\d+")
_PICTURE = re.compile(
  r"(?:.*[/\\])?([^/\\]+)\.(?:jpe?g|png|webp|tiff?|heic)", re.I
)
_ROMAN = re.compile(r"(?=[ivx])x{0,2}(ix|iv|v?i{0,3})$")


@dataclasses.dataclass(frozen=True)
class StyleTitle:
  """Parts of a label on the wall.

  Attributes:
    title: of the painting.
    artist: or "" where the name says nothing of one.
    year: four digits, or "".
  """

  title: str
  artist: str = ""
  year: str = ""

  @property
  def text(self) -> str:
    """All in one line: "van Gogh, Starry Night, 1889"."""
    return ", ".join(filter(None, (self.artist, self.title, self.year)))


def style_title(name: str) -> StyleTitle:
  """Reads the name of a style.

  Args:
    name: of a style, a mix, a picture's file, or `splats.PHOTOGRAPHED`.
  """
  if name == splats.PHOTOGRAPHED:
    return StyleTitle(PHOTOGRAPH)
  mixed = [part.rpartition(":") for part in name.split(",")]
  if all(_NUMBER.fullmatch(share) for one, _, share in mixed if one):
    weights = {one: float(share) for one, _, share in mixed if one}
    if len(weights) == len(mixed) and sum(weights.values()) > 0:
      return StyleTitle(mix_title(weights))
  if picture := _PICTURE.fullmatch(name):
    name = picture[1]
  parts = [part for part in name.split("_") if part.strip("- ")]
  if len(parts) > 2 and parts[0].lower() in _COLLECTIONS:
    parts = parts[1:]
  artist = ""
  named = len(parts) == 2 and all(map(_has_words, parts))
  if named and parts[0].lower() not in _SMALL:
    artist, parts = _in_capitals(parts[0], _PARTICLES, first=False), parts[1:]
  rest = "-".join(parts) or name
  year = ""
  if dated := _YEAR.fullmatch(rest):
    rest, year = dated.groups()
  return StyleTitle(_in_capitals(rest, _SMALL), artist, year)


def mix_title(weights: dict[str, float]) -> str:
  """Says what is mixed: "Starry Night 70%, Great Wave 30%".

  Args:
    weights: of styles by their names; they need not sum to 1.
  """
  total = sum(weights.values())
  return ", ".join(
    f"{style_title(name).title} {share / total:.0%}"
    for name, share in weights.items()
  )


def _has_words(part: str) -> bool:
  return re.search(r"[^\W\d]{2}", part) is not None


def _in_capitals(text: str, small: frozenset, first: bool = True) -> str:
  """Gives words capitals, but for small ones; `first` has the first one."""
  words = re.split(r"[-_ ]+", text.strip("-_ "))
  found = []
  for i, word in enumerate(words):
    stays = word in small and not (first and i == 0)
    if stays or word != word.lower():  # Small, or as somebody wrote it.
      found.append(word)
    elif i > 0 and _ROMAN.match(word):
      found.append(word.upper())
    else:
      found.append(word[:1].upper() + word[1:])
  return " ".join(found)
