"""Keep the tables of the documentation equal to the measured results.

Between `<!-- table:NAME -->` and `<!-- /table -->` in README.md and
docs/*.md stands what experiments/results/NAME.json says:

- of an evaluation report (see stylized_nerf_jax/evaluation/report.py), its
  table of sequences, after the line on held-out photographs if it has one;
- of any other result, the table under its key "table": {"columns": [heading,
  ...], "rows": [[cell, ...], ...]}, or with NAME written FILE.KEY, the one
  under "tables": {KEY: ...}. Cells are strings, numbers (written as they are)
  or null.

    python experiments/tables.py           # rewrite the tables in place
    python experiments/tables.py --check   # exit 1 if any is out of date
"""

import argparse
import json
import pathlib
import re
import sys
from typing import Any

from stylized_nerf_jax.evaluation import report

_BLOCK = re.compile(
  r"(?P<open><!-- table:(?P<name>[\w.-]+) -->\n)"
  r"(?P<body>.*?)"
  r"(?P<close><!-- /table -->)",
  re.DOTALL,
)
_OPENING = re.compile(r"<!-- table:")


def render_table(results: pathlib.Path, name: str) -> str:
  """Write the table NAME as Markdown.

  Args:
    results: folder of result files.
    name: FILE or FILE.KEY, FILE without ".json".

  Returns:
    Markdown that ends in a newline.

  Raises:
    ValueError: there is no such result, or it has no such table.
  """
  file, _, key = name.partition(".")
  path = results / f"{file}.json"
  if not path.is_file():
    raise ValueError(f"table {name}: {path} does not exist")
  content = json.loads(path.read_text())
  if not key and content.get("schema") == report.SCHEMA:
    content = report.read_report(path)
    cells = report.table_cells(content) or report.held_out_cells(content)
    table = report.markdown_table(cells)
    held_out = report.held_out_line(content)
    return f"{held_out}.\n\n{table}\n" if held_out else f"{table}\n"
  table = content.get("tables", {}).get(key) if key else content.get("table")
  if table is None:
    wanted = f'"tables": {{"{key}": ...}}' if key else '"table"'
    raise ValueError(f"table {name}: {path} has no key {wanted}")
  cells = [table["columns"], *table["rows"]]
  if any(len(row) != len(cells[0]) for row in cells):
    raise ValueError(
      f"table {name}: the rows in {path} have not all {len(cells[0])} cells"
    )
  return (
    report.markdown_table([[_cell(c) for c in row] for row in cells]) + "\n"
  )


def _cell(value: Any) -> str:
  """Write one cell."""
  return "-" if value is None else str(value)


def update_text(text: str, results: pathlib.Path) -> str:
  """Put the current tables between the markers of a document.

  Raises:
    ValueError: a marker is not closed, or names no table.
  """
  if len(_OPENING.findall(text)) != len(_BLOCK.findall(text)):
    raise ValueError(
      "a line <!-- table:NAME --> has no <!-- /table --> of its own behind it"
    )

  def replace(match: re.Match) -> str:
    body = render_table(results, match["name"])
    return match["open"] + body + match["close"]

  return _BLOCK.sub(replace, text)


def main(argv: list[str] | None = None) -> int:
  """Update or check all documents; returns the exit status."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
  parser.add_argument("--check", action="store_true", help="change nothing")
  parser.add_argument(
    "--root",
    type=pathlib.Path,
    default=pathlib.Path(__file__).parents[1],
    help="folder of README.md, docs/ and experiments/results/",
  )
  args = parser.parse_args(argv)
  documents = [args.root / "README.md", *sorted(args.root.glob("docs/*.md"))]
  outdated = []
  for document in documents:
    if not document.is_file():
      continue
    text = document.read_text()
    try:
      updated = update_text(text, args.root / "experiments" / "results")
    except ValueError as error:
      print(f"{document}: {error}", file=sys.stderr)
      return 2
    if updated != text:
      outdated.append(document)
      if not args.check:
        document.write_text(updated)
  for document in outdated:
    state = "is out of date: run experiments/tables.py"
    print(f"{document} {state if args.check else 'updated'}")
  return 1 if args.check and outdated else 0


if __name__ == "__main__":
  sys.exit(main())
