"""How the program and its method are cited; as CITATION.cff says it."""

_TITLE = "stylized_nerf_jax"
_AUTHORS = "stylized_nerf_jax contributors"
_METHOD = (
  "StylizedNeRF: Consistent 3D Scene Stylization as Stylized NeRF via 2D-3D "
  "Mutual Learning"
)
_METHOD_AUTHORS = (
  ("Huang", "Yi-Hua"),
  ("He", "Yue"),
  ("Yuan", "Yu-Jie"),
  ("Lai", "Yu-Kun"),
  ("Gao", "Lin"),
)
_VENUE = "IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)"
_METHOD_YEAR = 2022
_ARXIV = "2205.12183"
_YEAR = 2026


def lines(version: str) -> list[str]:
  """Returns what a list of references has, an entry each.

  Args:
    version: of the program.
  """
  names = ", ".join(f"{given} {family}" for family, given in _METHOD_AUTHORS)
  return [
    f"{_AUTHORS}. {_TITLE}, version {version}, {_YEAR}.",
    f"The method: {names}. {_METHOD}. {_VENUE}, {_METHOD_YEAR}. "
    f"arXiv:{_ARXIV}.",
  ]


def bibtex(version: str) -> str:
  """Returns the same for BibTeX."""
  names = " and ".join(
    f"{family}, {given}" for family, given in _METHOD_AUTHORS
  )
  return (
    "@software{stylized_nerf_jax,\n"
    f"  author = {{{{{_AUTHORS}}}}},\n"
    f"  title = {{{_TITLE}}},\n"
    f"  version = {{{version}}},\n"
    f"  year = {{{_YEAR}}}\n"
    "}\n\n"
    "@inproceedings{huang2022stylizednerf,\n"
    f"  author = {{{names}}},\n"
    f"  title = {{{_METHOD}}},\n"
    f"  booktitle = {{{_VENUE}}},\n"
    f"  year = {{{_METHOD_YEAR}}},\n"
    f"  eprint = {{{_ARXIV}}},\n"
    "  archivePrefix = {arXiv}\n"
    "}\n"
  )
