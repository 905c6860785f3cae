"""A worker that was killed leaves its runs running: the next one marks them as crashed."""

from __future__ import annotations

import os
import subprocess
import sys

from conftest import ROOT

from flows.server import prefect_server

LEFT = """
import prefect
from prefect.client.orchestration import get_client
from prefect.states import Completed, Running
from flows.left_over import close_left_over

def run(name, state):
    made = client.create_flow_run(prefect.Flow(fn=lambda: None, name=name), state=state)
    return made.id

with get_client(sync_client=True) as client:
    states = {"sessions": Running(), "session": Running(), "nightly": Running()}
    runs = {name: run(name, state) for name, state in states.items()}
    runs["done"] = run("session", Completed())
    print(close_left_over(), close_left_over())
    for name, made in runs.items():
        print(name, client.read_flow_run(made).state.type.value)
"""


def test_what_a_killed_worker_left_running_has_crashed(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    with prefect_server(tmp_path, schedules=False) as server:
        server.wait()
        environment = os.environ | {"PREFECT_API_URL": server.api, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", LEFT],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
    counted, *states = done.stdout.splitlines()
    assert counted == "2 0"
    assert dict(line.split() for line in states) == {
        "sessions": "CRASHED", "session": "CRASHED", "nightly": "RUNNING", "done": "COMPLETED",
    }  # fmt: skip
