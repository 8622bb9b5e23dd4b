"""Documents agree with each other, with the program and with its messages."""

import ast
import pathlib
import re

import pytest

import stylized_nerf_jax as snj

_ROOT = pathlib.Path(__file__).parents[1]
_DOCS = _ROOT / "docs"
_PAGES = sorted(path.relative_to(_ROOT) for path in _DOCS.rglob("*.md"))
_OTHERS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "findings/README.md")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def _text(*parts: str) -> str:
  return _ROOT.joinpath(*parts).read_text()


@pytest.mark.parametrize("page", [*map(str, _PAGES), *_OTHERS])
def test_links_lead_somewhere(page):
  for link in _LINK.findall(_CODE.sub("", _text(page))):
    name, _, anchor = link.partition("#")
    if "://" in name:
      continue
    path = (_ROOT / page).parent / name if name else _ROOT / page
    assert path.exists(), link
    if anchor and path.suffix == ".md":
      assert anchor in _anchors(path.read_text()), link


def _anchors(text: str) -> set[str]:
  """Names of a page's headings, as GitHub and the site make them."""
  titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
  words = (re.sub(r"[^\w\s-]", "", title).strip().lower() for title in titles)
  return {re.sub(r"\s", "-", title) for title in words}


def test_the_site_shows_every_page_once():
  nav = re.findall(r"^ +- .*: (\S+\.md)$", _text("mkdocs.yml"), re.MULTILINE)
  pages = [str(page.relative_to("docs")) for page in _PAGES]
  assert sorted(nav) == pages


def test_the_first_page_leads_to_every_other():
  links = _LINK.findall(_text("docs", "index.md"))
  pages = [str(page.relative_to("docs")) for page in _PAGES]
  assert set(pages) - {"index.md"} <= set(links)


def test_the_reference_has_every_public_name_once():
  named = re.findall(
    r"^::: stylized_nerf_jax\.(\w+)$", _text("docs/api.md"), re.M
  )
  assert sorted(named) == snj.__all__


def test_versions_agree():
  released = re.findall(
    r"^## (\d[\d.]*) \((\d{4}-\d\d-\d\d)\)$", _text("CHANGELOG.md"), re.M
  )
  assert released[0][0] == snj.__version__
  citation = dict(
    re.findall(r"^(version|date-released): (\S+)$", _text("CITATION.cff"), re.M)
  )
  assert citation == {
    "version": released[0][0],
    "date-released": released[0][1],
  }


def _messages() -> str:
  """What stands in quotes in the package; NUL where a value is put in."""
  found = []
  for path in sorted((_ROOT / "stylized_nerf_jax").rglob("*.py")):
    for node in ast.walk(ast.parse(path.read_text())):
      if isinstance(node, ast.JoinedStr):
        found.append(
          "".join(
            part.value if isinstance(part, ast.Constant) else "\0"
            for part in node.values
          )
        )
      elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        found.append(node.value)
  return "\n".join(found)


def test_messages_of_the_troubleshooting_page_are_said():
  rows = re.findall(r"^\| (`.*?) \| ", _text("docs/troubleshooting.md"), re.M)
  quoted = [part for row in rows for part in re.findall(r"`([^`]+)`", row)]
  assert len(quoted) > 40
  said = _messages()
  missing = [part for part in quoted if part not in said]
  assert not missing
