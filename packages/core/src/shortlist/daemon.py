"""Blocking code awaited in a daemon thread."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def _carried(error: BaseException) -> RuntimeError:
    carried = RuntimeError(f"{type(error).__name__} in a thread: {error}")
    carried.__cause__ = error
    return carried


async def in_daemon_thread(work: Callable[[], T]) -> T:
    """What `work` returns or raises, run in a thread of its own with a copy of the context.

    What an event loop cannot carry (it would end the loop, or nobody would hear of it) becomes a RuntimeError: an end
    of the iteration, of a generator, of the program.

    Not `asyncio.to_thread`: a loop that shuts down joins the threads of its executor, so one hung call would hang the
    program; and the executor has few threads, which hung calls would use up.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: Exception | None) -> None:
        if future.done():  # nobody waits any more
            return
        if error is None:
            future.set_result(value)  # type: ignore[arg-type]
        else:
            future.set_exception(error)

    def run() -> None:
        outcome: tuple[T | None, Exception | None]
        try:
            outcome = work(), None
        except StopIteration as error:
            outcome = None, _carried(error)
        except Exception as error:  # noqa: BLE001 - it is raised where it is awaited
            outcome = None, error
        except BaseException as error:  # noqa: BLE001 - this thread alone ends
            outcome = None, _carried(error)
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True, name="shortlist").start()
    return await future
