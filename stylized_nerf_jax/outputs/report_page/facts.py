"""What a page shows, gathered by those who know the run."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from stylized_nerf_jax.evaluation import shortfalls
from stylized_nerf_jax.outputs.report_page.markup import Markup
from stylized_nerf_jax.outputs.report_page.media import Film, Picture


@dataclasses.dataclass(frozen=True)
class Plate:
  """One style.

  Attributes:
    name: that commands know it by.
    title: for people.
    painting: that it is of; None: it is not there.
    stylized: the scene in it, from the camera of `Page.photographed`; or None.
    film: a flight through the scene in it; or None.
    verdict: of the evaluation; None: there is none.
  """

  name: str
  title: str
  painting: Picture | None = None
  stylized: Picture | None = None
  film: Film | None = None
  verdict: shortfalls.Verdict | None = None


@dataclasses.dataclass(frozen=True)
class Disagreement:
  """Heat maps of one style.

  Attributes:
    title: of the style.
    maps: at each gap, of the stylized scene and of per-frame AdaIN.
  """

  title: str
  maps: Sequence[Picture]


@dataclasses.dataclass(frozen=True)
class Page:
  """All that a report shows; what is empty or None is left out.

  Attributes:
    title: of the scene.
    lead: what was done, in a sentence or two.
    photographs: some of them.
    photographs_note: their caption.
    photographed: the scene as photographed, beside which styles are shown.
    plates: the styles.
    mix_title: of the mix.
    mix: (share of the second style in per cent, picture).
    scores: rows of cells, headings first.
    scores_note: what the figures are.
    advice: what to do next, in a sentence.
    disagreement: heat maps by style.
    disagreement_heads: what the columns of maps are.
    disagreement_scale: error of the brightest colour.
    color_bar: from no error to that.
    curves: of training.
    plan: cameras from above.
    plan_note: its caption.
    costs: rows of cells, headings first.
    disk: (folder, size in words).
    versions: (program, version).
    config: of the run, nested.
    missing: (what is not there, the command that makes it).
    citation: lines to cite.
    bibtex: the same for machines.
    made: when, and of what, in a line.
  """

  title: str
  lead: str
  photographs: Sequence[Picture] = ()
  photographs_note: str = ""
  photographed: Picture | None = None
  plates: Sequence[Plate] = ()
  mix_title: str = ""
  mix: Sequence[tuple[int, Picture]] = ()
  scores: Sequence[Sequence[str]] = ()
  scores_note: str = ""
  advice: str = ""
  disagreement: Sequence[Disagreement] = ()
  disagreement_heads: Sequence[str] = ()
  disagreement_scale: float = 0.0
  color_bar: Picture | None = None
  curves: Sequence[Markup] = ()
  plan: Markup | None = None
  plan_note: str = ""
  costs: Sequence[Sequence[str]] = ()
  disk: Sequence[tuple[str, str]] = ()
  versions: Sequence[tuple[str, str]] = ()
  config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  missing: Sequence[tuple[str, str]] = ()
  citation: Sequence[str] = ()
  bibtex: str = ""
  made: str = ""
