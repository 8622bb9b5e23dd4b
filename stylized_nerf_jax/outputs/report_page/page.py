"""The page itself: its parts between the template's head and end."""

import html
import importlib.resources
import string

from stylized_nerf_jax.outputs.report_page import sections
from stylized_nerf_jax.outputs.report_page.facts import Page
from stylized_nerf_jax.outputs.report_page.markup import element, joined

_PARTS = (
  sections.head,
  sections.photographs,
  sections.plates,
  sections.mixes,
  sections.scores,
  sections.disagreement,
  sections.training,
  sections.cameras,
  sections.costs,
  sections.colophon,
)


def write(page: Page) -> str:
  """Writes a page as HTML that needs nothing beside it.

  Args:
    page: what it shows.
  """
  style = _template("page.css")
  if page.photographed is not None:
    # Behind every slider, and in the page once.
    uri = page.photographed.uri
    style += f'\n.photographed {{ background-image: url("{uri}"); }}\n'
  body = joined(
    *(part(page) for part in _PARTS),
    element("footer", element("p", page.made, class_="note")),
  )
  return string.Template(_template("page.html")).substitute(
    title=html.escape(page.title),
    style=style,
    body=body,
    script=_template("page.js"),
  )


def _template(name: str) -> str:
  folder = importlib.resources.files(__package__)
  return folder.joinpath(name).read_text(encoding="utf-8")
