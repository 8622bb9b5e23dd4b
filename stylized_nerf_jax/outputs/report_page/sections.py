"""The parts of a page, each of what a run has."""

import json
import re
from collections.abc import Sequence

from stylized_nerf_jax.evaluation import shortfalls
from stylized_nerf_jax.outputs.report_page.facts import Page, Plate
from stylized_nerf_jax.outputs.report_page.markup import Markup, element
from stylized_nerf_jax.outputs.report_page.media import Film, Picture

_JUDGED = (
  ("steady", "steady", "not steady"),
  ("in_style", "in style", "not in style"),
  ("readable", "readable", "hard to read"),
)
_UNKNOWN = "not measured"
_FIELD = re.compile(r"\b([a-z_]+(?:\.[a-z_]+)+)\b")


def head(page: Page) -> Markup:
  """Title, what was done, and what is not there."""
  missing = [
    element("li", what, element("code", command) if command else None)
    for what, command in page.missing
  ]
  return element(
    "header",
    element("p", page.made, class_="kicker"),
    element("h1", page.title),
    element("p", page.lead, class_="lead"),
    element("ul", *missing, class_="missing") if missing else None,
  )


def photographs(page: Page) -> Markup | None:
  """A strip of them."""
  if not page.photographs:
    return None
  return _section(
    "Photographs",
    element(
      "figure",
      element("div", *map(_image, page.photographs), class_="strip"),
      element("figcaption", page.photographs_note),
    ),
  )


def plates(page: Page) -> Markup | None:
  """Each style with its painting, a slider and a film; without styles the scene
  alone."""
  if not page.plates:
    if page.photographed is None:
      return None
    return _section(
      "The scene as photographed",
      element("figure", _image(page.photographed)),
    )
  return _section(
    "Paintings and scene",
    *(_plate(page, plate, i + 1) for i, plate in enumerate(page.plates)),
  )


def _plate(page: Page, plate: Plate, number: int) -> Markup:
  painting = None
  if plate.painting:
    painting = element("figure", _image(plate.painting), class_="painting")
  return element(
    "article",
    element(
      "header",
      element("span", f"No. {number}", class_="number"),
      element("h3", plate.title),
    ),
    element(
      "div",
      painting,
      _slider(page, plate),
      _verdict(plate.verdict),
      _film(plate.film),
      class_="hung filmed" if plate.film else "hung",
    ),
    class_="plate",
  )


def _slider(page: Page, plate: Plate) -> Markup | None:
  """Photographed at the left of a seam, stylized at its right."""
  if plate.stylized is None:
    return None
  pair: list[Markup] = [_image(plate.stylized)]
  ends = None
  if page.photographed is not None:
    pair += [
      element(
        "div",
        class_="photographed",
        role="img",
        aria_label=page.photographed.alt,
      ),
      element("span", class_="seam", aria_hidden="true"),
      element(
        "input",
        type="range",
        min=0,
        max=100,
        step="any",
        value=50,
        aria_label=f"How much is shown as photographed, beside {plate.title}",
      ),
    ]
    ends = element(
      "figcaption",
      element("span", "photographed", class_="cap"),
      element("span", "stylized", class_="cap"),
      class_="ends",
    )
  return element(
    "figure", element("div", *pair, class_="pair"), ends, class_="wide"
  )


def _film(film: Film | None) -> Markup | None:
  if film is None:
    return None
  size = {"width": film.width, "height": film.height}
  if film.kind.startswith("video/"):
    shown = element(
      "video",
      src=film.uri,
      aria_label=film.alt,
      muted=True,
      loop=True,
      playsinline=True,
      controls=True,
      preload="auto",
      **size,
    )
  else:
    shown = element("img", src=film.uri, alt=film.alt, **size)
  return element("figure", shown, class_="film")


def _verdict(verdict: shortfalls.Verdict | None) -> Markup | None:
  if verdict is None:
    return None
  items = [
    element("li", element("span", class_="mark"), words, class_=kind)
    for kind, words in _judgements(verdict)
  ]
  reasons = None
  if verdict.reasons:
    text = f"{'; '.join(verdict.reasons)}. Try {verdict.advice}."
    text = text[:1].upper() + text[1:]
    reasons = element("p", *_with_fields(text), class_="reasons")
  return element(
    "div",
    element("ul", *items, class_="verdict"),
    reasons,
    class_="judged",
  )


def _judgements(verdict: shortfalls.Verdict) -> list[tuple[str, str]]:
  """Returns (class, words) of each of the three questions."""
  found = []
  for name, good, bad in _JUDGED:
    value = getattr(verdict, name)
    if value is None:
      found.append(("unknown", f"{good}: {_UNKNOWN}"))
    else:
      found.append(("yes", good) if value else ("no", bad))
  return found


def mixes(page: Page) -> Markup | None:
  """Two styles in five shares."""
  if not page.mix:
    return None
  tiles = [
    element("figure", _image(picture), element("figcaption", f"{share} %"))
    for share, picture in page.mix
  ]
  return _section(
    "A mix",
    element("div", *tiles, class_="five"),
    element("p", page.mix_title, class_="note"),
  )


def scores(page: Page) -> Markup | None:
  """A verdict for each style, in words and in a table."""
  if not page.scores and not page.advice:
    return None
  table = None
  if page.scores:
    verdicts = {p.title: p.verdict for p in page.plates if p.verdict}
    heads = [page.scores[0][0], "steady", "in style", "readable"]
    rows = []
    for title, *cells in page.scores[1:]:
      judged = [("unknown", _UNKNOWN)] * len(_JUDGED)
      if title in verdicts:
        judged = _judgements(verdicts[title])
      rows.append(
        element(
          "tr",
          element("td", title),
          *(_judged(kind) for kind, _ in judged),
          *(element("td", cell, class_="figure") for cell in cells),
        )
      )
    table = _table(
      [
        *(element("th", text, scope="col") for text in heads),
        *(
          element("th", text, scope="col", class_="figure")
          for text in page.scores[0][1:]
        ),
      ],
      rows,
    )
  return _section(
    "Scores",
    element("p", *_with_fields(page.advice)),
    table,
    element("p", page.scores_note, class_="note") if page.scores_note else None,
  )


def _judged(kind: str) -> Markup:
  words = {"yes": "yes", "no": "no", "unknown": "?"}[kind]
  return element("td", element("span", class_="mark"), words, class_=kind)


def disagreement(page: Page) -> Markup | None:
  """Heat maps of the warped error of each pixel."""
  if not page.disagreement:
    return None
  scale = None
  if page.color_bar:
    scale = element(
      "div",
      element("span", "0"),
      _image(page.color_bar),
      element("span", f"{page.disagreement_scale:.2f} or more"),
      class_="bar",
    )
  heads = [
    element("span", head, class_="cap") for head in page.disagreement_heads
  ]
  rows = [
    element(
      "div",
      element("h3", row.title),
      *(
        element("figure", _image(one), element("figcaption", head))
        for one, head in zip(row.maps, page.disagreement_heads)
      ),
      class_="maps",
    )
    for row in page.disagreement
  ]
  return _section(
    "Where frames disagree",
    element(
      "p",
      "Of two frames of the flight, so many frames apart, the later is warped "
      "into the view of the earlier through the scene's geometry. What is "
      "bright has another colour there: it flickers. Grey is seen by one of "
      "them only. All maps have one scale.",
    ),
    scale,
    element("div", *heads, class_="maps heads"),
    *rows,
  )


def training(page: Page) -> Markup | None:
  """Curves."""
  if not page.curves:
    return None
  return _section("Training", element("div", *page.curves, class_="charts"))


def cameras(page: Page) -> Markup | None:
  """The plan of the cameras."""
  if page.plan is None:
    return None
  return _section(
    "Cameras from above",
    element(
      "figure",
      element("div", page.plan, class_="plan"),
      element("figcaption", page.plan_note),
    ),
  )


def costs(page: Page) -> Markup | None:
  """Time, memory and disk."""
  if not page.costs and not page.disk:
    return None
  parts = []
  if page.costs:
    first, *rows = page.costs
    parts.append(
      _table(
        [
          element("th", text, scope="col", class_="figure" if i else None)
          for i, text in enumerate(first)
        ],
        [
          element(
            "tr",
            *(
              element("td", cell, class_="figure" if i else None)
              for i, cell in enumerate(row)
            ),
          )
          for row in rows
        ],
      )
    )
  if page.disk:
    parts.append(_list("On disk", page.disk))
  return _section("What it cost", element("div", *parts, class_="two"))


def colophon(page: Page) -> Markup:
  """Versions, config and how to cite."""
  parts = []
  if page.versions:
    parts.append(_list("Made with", page.versions))
  if page.citation:
    parts.append(
      element(
        "div",
        element("h3", "How to cite"),
        *(element("p", line) for line in page.citation),
        element(
          "details",
          element("summary", "BibTeX"),
          element("pre", page.bibtex),
        )
        if page.bibtex
        else None,
      )
    )
  config = None
  if page.config:
    config = element(
      "details",
      element("summary", "The config of the run"),
      element("pre", json.dumps(page.config, indent=1, sort_keys=True)),
    )
  return _section("Colophon", element("div", *parts, class_="two"), config)


def _section(title: str, *children) -> Markup:
  name = title.lower().replace(" ", "-")
  return element("section", element("h2", title), *children, id=name)


def _list(title: str, pairs: Sequence[tuple[str, str]]) -> Markup:
  items = [(element("dt", name), element("dd", value)) for name, value in pairs]
  return element("div", element("h3", title), element("dl", *items))


def _table(heads: Sequence[Markup], rows: Sequence[Markup]) -> Markup:
  return element(
    "div",
    element(
      "table",
      element("thead", element("tr", *heads)),
      element("tbody", *rows),
    ),
    class_="scroll",
    tabindex=0,
    role="region",
    aria_label="Table",
  )


def _with_fields(text: str) -> list:
  """Sets fields of the config as code."""
  parts = _FIELD.split(text)
  return [element("code", p) if i % 2 else p for i, p in enumerate(parts)]


def _image(picture: Picture) -> Markup:
  return element(
    "img",
    src=picture.uri,
    width=picture.width,
    height=picture.height,
    alt=picture.alt,
  )
