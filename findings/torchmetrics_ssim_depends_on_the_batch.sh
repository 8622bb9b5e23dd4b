#!/usr/bin/env bash
# torchmetrics 1.9.0, `structural_similarity_index_measure` with no data_range,
# and reduction="none" for a score of each picture. The range is taken from the
# whole batch, so that the score of a picture depends on those it is scored
# with: beside one that reaches from 0 to 1, a dim picture scores higher than by
# itself. With data_range=1.0 it does not.
# Expected: one and the same score. Seen: 0.963 alone, 0.990 in company.
# torch is a large download.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet \
  numpy==2.4.6 torch==2.13.0 torchmetrics==1.9.0
"$work/venv/bin/python" - <<'PY'
import torch
import torchmetrics
from torchmetrics.functional.image import structural_similarity_index_measure

rows, columns = torch.meshgrid(
  torch.arange(48.0), torch.arange(48.0), indexing="ij"
)
dim = (0.3 + 0.05 * torch.sin(rows / 3) * torch.cos(columns / 4))[None, None]
render = dim + 0.005 * torch.sin(7 * rows + 5 * columns)
bright = (columns > 23).float()[None, None]


def score(first, second, data_range):
  scores = structural_similarity_index_measure(
    first, second, data_range=data_range, reduction="none"
  )
  return round(float(scores[0]), 4)


found = {}
for data_range in (None, 1.0):
  found[data_range] = (
    score(render, dim, data_range),
    score(torch.cat([render, bright]), torch.cat([dim, bright]), data_range),
  )
print("torchmetrics", torchmetrics.__version__, "(alone, in company):", found)
alone, in_company = found[None]
assert in_company - alone > 0.01, found
assert found[1.0][0] == found[1.0][1] == in_company
PY
