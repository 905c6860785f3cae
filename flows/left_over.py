"""Runs that Prefect takes for running although the worker that ran them was killed."""

from __future__ import annotations

from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import State, StateType
from prefect.states import Crashed

OURS = ("sessions", "session")


def close_left_over() -> int:
    """Mark them as crashed, and say how many; for a worker that alone holds its output folder."""
    running = FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING])
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=list(OURS))),
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=running)),
        )
        for run in found:
            state: State[Any] = Crashed(message="its process was ended before it was done")
            client.set_flow_run_state(run.id, state, force=True)
    return len(found)
