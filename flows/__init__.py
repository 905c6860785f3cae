"""When and where things run: the command, Prefect flows, the composition of engines.

Prefect reads its settings at import, so what must never be on is switched off here first.
"""

import os

PREFECT_ENVIRONMENT = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_TASKS_DEFAULT_NO_CACHE": "true",
}
NIGHT_VARIABLE = "THINSLICE_NIGHT"
"""Environment variable with the scheduled night's folders as JSON: Prefect would store them."""
os.environ.update(PREFECT_ENVIRONMENT)
