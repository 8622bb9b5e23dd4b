"""The page of a run in training, in a browser: previews as they come."""

import json
import socket

import numpy as np
import pytest

from stylized_nerf_jax.outputs import image_writer
from stylized_nerf_jax.viewer import training_page

pytestmark = pytest.mark.browser


def _add(run, phase, step, names):
  for name in names:
    path = run / "previews" / f"{phase}-{step:06d}" / f"{name}.jpg"
    image_writer.save_image(path, np.full((30, 40, 3), 0.5))
  row = json.dumps({"phase": phase, "step": step, "psnr": 21.04})
  with (run / "metrics.jsonl").open("a") as file:
    file.write(row + "\n")


def test_previews_appear_as_they_are_made(open_page, tmp_path):
  run = tmp_path / "garden"
  _add(run, "radiance_field", 100, ("photographed", "night-2D"))
  served = training_page.TrainingPage(run)
  with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
  try:
    page = open_page(served.start("127.0.0.1", port), offline=False)
    page.wait_for_selector("figure")
    assert page.title() == page.inner_text("h1") == "garden"
    captions = page.locator("figcaption").all_inner_texts()
    assert captions == [
      "without a style · phase 1, geometry, step 100",
      "night, by AdaIN · phase 1, geometry, step 100",
    ]
    assert "PSNR 21.0 dB" in page.inner_text("#told")
    assert not page.is_visible("#when")
    _add(run, "finish", 7, ("photographed", "night"))
    page.wait_for_selector("figcaption:has-text('the finish, step 7')")
    loaded = "[...document.images].every(i => i.naturalWidth === 40)"
    # The page lets nobody evaluate texts, which waiting for functions does.
    for _ in range(100):
      if page.evaluate(loaded):
        break
      page.wait_for_timeout(100)
    assert page.evaluate(loaded)
    # Back to the first one, where it stays while others come.
    page.focus("#when")
    page.keyboard.press("Home")
    page.wait_for_selector("figcaption:has-text('by AdaIN')")
    _add(run, "finish", 9, ("photographed", "night"))
    page.wait_for_selector("#when[max='2']")
    assert page.locator("figcaption:has-text('by AdaIN')").count() == 1
  finally:
    served.stop()
