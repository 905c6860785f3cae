"""What libraries have to say does not reach the terminal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from conftest import ROOT

from flows import deploy
from flows.terminal import hushed


def test_what_a_library_in_c_writes_goes_nowhere(capfd):
    with hushed():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
    os.write(2, b"ours\n")
    assert capfd.readouterr().err == "ours\n"


@pytest.mark.parametrize("said", ["logging.error('x')", "warnings.warn('x')", "log.error('x')"])
def test_what_a_library_logs_or_warns_of_goes_nowhere(said):
    code = "import logging, warnings; from flows.terminal import keep_ours; keep_ours();"
    code += f"log = logging.getLogger('lib'); {said}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_serve_tells_each_night_once_and_names_nobody(tmp_path, capsys):
    run = tmp_path / "runs" / "20261122T020000-a26d"
    run.mkdir(parents=True)
    sessions = [("D0705", "s-1", "failed"), ("D0706", "s-2", "done"), ("D0707", "s-3", "done")]
    rows = [f'{{"session": "{a}", "public_name": "{b}", "state": "{c}"}}' for a, b, c in sessions]
    text = f'{{"run": "{run.name}", "sessions": [{", ".join(rows)}]}}'
    (run / "summary.json").write_text(text)
    told = set()
    for _ in range(2):
        deploy._tell(tmp_path, told)
    page = f"runs/{run.name}/summary.html"
    assert capsys.readouterr().err.splitlines() == [
        f"thinslice: s-1  failed; {page} says why",
        f"thinslice: {run.name}: 2 done, 1 failed; {page}",
    ]
