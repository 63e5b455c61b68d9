"""How many calls to one model run at once, over all threads of the process."""

from __future__ import annotations

import threading
from typing import Any
from weakref import WeakKeyDictionary

from shortlist.plan import Model

_lock = threading.Lock()
_threads: WeakKeyDictionary[Model[Any, Any], threading.BoundedSemaphore] = WeakKeyDictionary()


def thread_gate(model: Model[Any, Any]) -> threading.BoundedSemaphore:
    """The semaphore that every thread passes before it calls this model."""
    with _lock:
        gate = _threads.get(model)
        if gate is None:
            gate = _threads[model] = threading.BoundedSemaphore(max(1, model.concurrency))
        return gate
