"""A real browser for tests of pages: Chromium without a network.

`STYLIZED_NERF_CHROMIUM` names the program; where it is set, as `.ci/run` does,
a browser that is missing is a failure, and elsewhere a skip.
"""

import contextlib
import os
import pathlib
import shutil
from collections.abc import Callable, Iterator

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
# WebGL by software: tests run where there is no graphics card.
_ARGUMENTS = (
  "--no-sandbox",
  "--use-gl=angle",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
)
_PATIENCE = 60_000  # ms


def _missing(what: str) -> None:
  message = f"{what}: install Debian's chromium and `.[browser]`"
  if os.environ.get("STYLIZED_NERF_CHROMIUM"):
    pytest.fail(message)
  pytest.skip(message)


@pytest.fixture(scope="session")
def chromium() -> Iterator:
  """The browser, of Playwright's Python package."""
  try:
    from playwright import sync_api
  except ImportError:
    _missing("no playwright")
  named = os.environ.get("STYLIZED_NERF_CHROMIUM")
  program = named or next(filter(None, map(shutil.which, _NAMES)), None)
  if program is None or not pathlib.Path(program).exists():
    _missing(f"no browser at {named}" if named else "no chromium")
  with sync_api.sync_playwright() as playwright:
    browser = playwright.chromium.launch(
      executable_path=program, args=list(_ARGUMENTS)
    )
    yield browser
    browser.close()


@pytest.fixture
def open_page(chromium) -> Iterator[Callable]:
  """Opens addresses, each in a context of its own, and closes them.

  `open_page(address, size=(width, height), offline=True, motion=False,
  touch=False, expected=(), **options of new_context)` returns Playwright's
  page. The test fails where the console had an error that holds none of the
  texts expected, or anything was asked of the network that is no data of the
  page itself.
  """
  troubles: list[str] = []
  with contextlib.ExitStack() as stack:

    def open_one(
      address: str | pathlib.Path,
      *,
      size: tuple[int, int] = (640, 480),
      offline: bool = True,
      motion: bool = False,
      touch: bool = False,
      expected: tuple[str, ...] = (),
      **options,
    ):
      if isinstance(address, pathlib.Path):
        address = address.resolve().as_uri()
      context = chromium.new_context(
        viewport={"width": size[0], "height": size[1]},
        offline=offline,
        reduced_motion="no-preference" if motion else "reduce",
        has_touch=touch,
        is_mobile=touch,
        **options,
      )
      stack.callback(context.close)
      context.set_default_timeout(_PATIENCE)
      page = context.new_page()
      page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
      page.on("console", lambda said: _note(said, expected, troubles))
      if offline:
        page.on("request", lambda asked: _local(asked, address, troubles))
      page.goto(address)
      return page

    yield open_one
  assert not troubles


def _note(said, expected: tuple[str, ...], troubles: list[str]) -> None:
  # Chromium tells of its own software rendering.
  expected = ("GL Driver", *expected)
  known = any(part in said.text for part in expected)
  if said.type in ("error", "warning") and not known:
    troubles.append(f"{said.type}: {said.text}")


def _local(asked, address: str, troubles: list[str]) -> None:
  own = address.partition("#")[0]
  if asked.url.partition("#")[0] != own and not asked.url.startswith(
    ("data:", "blob:")
  ):
    troubles.append(f"asked for {asked.url}")
