"""Imported first: one thread for every numerical library (or `SHORTLIST_THREADS`), and no question to any hub."""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = os.environ.get("SHORTLIST_THREADS", "1")
os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_PROGRESS_BARS="1",
    TRANSFORMERS_VERBOSITY="error",
    TOKENIZERS_PARALLELISM="false",
    HAYSTACK_TELEMETRY_ENABLED="False",
)
