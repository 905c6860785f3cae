"""Freed memory is kept: the second large block of a process costs no fresh pages."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest
from conftest import ROOT

FAULTS_OF_TEN_BLOCKS = """
import resource, sys
import numpy as np
from models.allocator import keep_freed_memory
assert len(sys.argv) < 2 or keep_freed_memory()
def block(): np.ones(100_000_000, np.uint8).sum()
block()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10): block()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the setting")
def test_the_same_memory_serves_again():
    def faults(*keep):
        code = [sys.executable, "-c", FAULTS_OF_TEN_BLOCKS, *keep]
        return int(subprocess.run(code, cwd=ROOT, capture_output=True, check=True).stdout)

    assert faults("keep") < faults() / 10
