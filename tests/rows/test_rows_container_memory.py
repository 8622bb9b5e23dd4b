"""Limits of control groups, in files as Linux has them."""

import os
import pathlib

import jax
import pytest

from stylized_nerf_jax.rows import container_memory, device_memory

_MIB = 2**20


def _write(root: pathlib.Path, files: dict[str, str]) -> pathlib.Path:
  for name, text in files.items():
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")
  return root


@pytest.mark.parametrize(
  ("files", "limit"),
  [
    ({}, None),
    ({"proc/self/cgroup": "0::/"}, None),
    (
      {
        "proc/self/cgroup": "0::/",
        "sys/fs/cgroup/memory.max": str(512 * _MIB),
      },
      512 * _MIB,
    ),
    # A group without a limit inside of one that has one.
    (
      {
        "proc/self/cgroup": "0::/user/shell",
        "sys/fs/cgroup/user/shell/memory.max": "max",
        "sys/fs/cgroup/user/memory.max": str(100 * _MIB),
      },
      100 * _MIB,
    ),
    # The first version; a container that sees its own group at the top.
    (
      {
        "proc/self/cgroup": "4:cpu,memory:/docker/1f\n2:pids:/docker/1f",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": str(64 * _MIB),
      },
      64 * _MIB,
    ),
  ],
)
def test_the_smallest_limit_counts(tmp_path, files, limit):
  assert container_memory.limit_bytes(_write(tmp_path, files)) == limit


def test_devices_share_what_the_container_has(monkeypatch):
  physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
  for allowed, expected in (
    (8 * _MIB, 8 * _MIB),
    (2**63, physical),
    (None, physical),
  ):
    monkeypatch.setattr(
      container_memory, "limit_bytes", lambda allowed=allowed: allowed
    )
    share = expected // jax.local_device_count()
    assert device_memory.limit_bytes() == share
