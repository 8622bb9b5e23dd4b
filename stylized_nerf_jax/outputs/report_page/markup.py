"""HTML whose texts are escaped wherever they come from.

Whatever is put into an element is text, and escaped, unless an element made it.
Names of files are untrusted: they can never become markup.
"""

import html


class Markup(str):
  """HTML that is escaped already."""

  __slots__ = ()


# Elements without an end tag.
_VOID = ("br", "hr", "img", "input", "meta", "source")


def element(name: str, *children, **attributes) -> Markup:
  """Makes an element.

  Args:
    name: of the element.
    *children: texts, which are escaped, elements, or lists of both; None and
      "" are left out.
    **attributes: of the element, "_" at the end left out and "_" inside "-";
      True is an attribute without a value, None and False are none.

  Returns:
    Its HTML.
  """
  words = [name]
  for key, value in attributes.items():
    if value is None or value is False:
      continue
    key = key.rstrip("_").replace("_", "-")
    if value is True:
      words.append(key)
    else:
      words.append(f'{key}="{html.escape(str(value), quote=True)}"')
  start = f"<{' '.join(words)}>"
  if name in _VOID:
    return Markup(start)
  return Markup(f"{start}{joined(*children)}</{name}>")


def joined(*children) -> Markup:
  """Puts texts and elements behind each other; see `element`."""
  return Markup("".join(map(_escaped, children)))


def _escaped(child) -> str:
  if child is None:
    return ""
  if isinstance(child, Markup):
    return child
  if isinstance(child, list | tuple):
    return joined(*child)
  return html.escape(str(child), quote=False)
