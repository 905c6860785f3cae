"""Engines: weights, a device and a call. Nothing here knows of therapy, Parquet or Prefect.

Importing this package switches off every library's usage reporting and hub access *before* any of
them is imported, because each reads its switch at import time.
"""

import os

OFFLINE_ENVIRONMENT = {
    "PYANNOTE_METRICS_ENABLED": "0",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime >= 1.29 reports from Linux too, with model names
    "DO_NOT_TRACK": "1",
}
os.environ.update(OFFLINE_ENVIRONMENT)
