"""How many calls to one model run at once: over all threads of the process, or all tasks of an event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any
from weakref import WeakKeyDictionary

from shortlist.plan import Model

_lock = threading.Lock()
_threads: WeakKeyDictionary[Model[Any, Any], threading.BoundedSemaphore] = WeakKeyDictionary()
_loops: WeakKeyDictionary[
    asyncio.AbstractEventLoop, WeakKeyDictionary[Model[Any, Any], asyncio.Semaphore]
] = WeakKeyDictionary()  # fmt: skip


def thread_gate(model: Model[Any, Any]) -> threading.BoundedSemaphore:
    """The semaphore that every thread passes before it calls this model."""
    with _lock:
        gate = _threads.get(model)
        if gate is None:
            gate = _threads[model] = threading.BoundedSemaphore(max(1, model.concurrency))
        return gate


def loop_gate(model: Model[Any, Any]) -> asyncio.Semaphore:
    """The semaphore that every task of the running loop passes before it calls this model."""
    with _lock:
        gates = _loops.setdefault(asyncio.get_running_loop(), WeakKeyDictionary())
        return gates.setdefault(model, asyncio.Semaphore(max(1, model.concurrency)))
