"""Every line that a command ends in, in any test here, says a thing once."""

import messages
import pytest

from stylized_nerf_jax.cli import running


@pytest.fixture(autouse=True)
def nothing_is_said_twice(monkeypatch):
  """Fails a test in which a command ends with a message that repeats itself."""
  write = running._one_line

  def checked(error):
    line = write(error)
    assert not messages.said_twice(line), line
    return line

  monkeypatch.setattr(running, "_one_line", checked)
