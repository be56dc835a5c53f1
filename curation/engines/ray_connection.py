"""Into a cluster of Ray and out of it, without a word of its own and with what it changes in the process put back."""

import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from curation.engines.engine import MAX_RETRIES
from curation.errors import BadArgument

_SETTINGS = {
    # Ray tries a unit whose worker used up the memory for ever; it is bounded as all other tries are
    "RAY_task_oom_retries": str(MAX_RETRIES),
    # without it the process is ended with a trace of C++, a minute after the head; we say it in words before
    "RAY_gcs_rpc_server_reconnect_timeout_s": "1000000000",
    # a node behind a pulled link is noticed after 7 minutes else; servers of a cluster allow one question a minute
    "RAY_grpc_client_keepalive_time_ms": "61000",
    "RAY_grpc_client_keepalive_timeout_ms": "20000",
    # a wrong token is refused 20 times, once a second, else
    "RAY_NUM_REDIS_GET_RETRIES": "5",
    # workers run what is installed on their node
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    # what it has to say is told by us
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of an address; BadArgument for one that is none."""
    found = re.fullmatch(r"(\[[0-9A-Fa-f:]+\]|[^\s:/@]+):(\d{1,5})", address)
    if not found or not 0 < int(found[2]) < 65536:
        raise BadArgument(
            f"{address!r} is not an address of a Ray cluster; allowed is HOST:PORT of its head, such as 10.0.0.5:6379, "
            "and the command runs on a machine of the cluster"
        )
    return found[1].strip("[]"), int(found[2])


def why_no_connection(address: str, error: Exception) -> str:
    """What Ray raised as it connected, in one line that says what to do."""
    errors = [one for one in (error, error.__cause__) if one is not None and str(one)]
    text = "\n".join(str(one) for one in errors)
    versions = re.findall(r"(Ray|Python): (\S+)", text)
    if "Version mismatch" in text and len(versions) == 4:
        there, here = (" and ".join(" ".join(part) for part in versions[at : at + 2]) for at in (0, 2))
        return f"the cluster at {address} runs {there}, this machine {here}; install the same versions on all of them"
    if type(error).__name__ == "AuthenticationError" or "InvalidAuthToken" in text:
        return (
            f"the cluster at {address} does not take the token of this machine; set RAY_AUTH_MODE=token, and "
            "RAY_AUTH_TOKEN_PATH to a file with the cluster's token"
        )
    reason = str(errors[-1]).strip().splitlines()[0][:200] if errors else type(error).__name__
    return f"no connection to the Ray cluster at {address} ({reason})"


@contextmanager
def undisturbed() -> Iterator[None]:
    """While ray is imported and connects: it says nothing, and what it changes in this process is as it was after."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    hook = sys.excepthook
    null, before = os.open(os.devnull, os.O_WRONLY), os.dup(2)
    os.dup2(null, 2)  # parts of it in C++ write there
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(null)
        os.close(before)
        sys.excepthook = hook
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler)
