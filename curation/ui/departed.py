"""Sessions whose tab is gone leave the memory, with their uploads, also where nobody comes after them.

Streamlit keeps a session for two minutes in case its tab comes back, and lets go of those that are over when it next
stores another one: until then the last one stays, and all that was uploaded in it.
"""

import asyncio
import ctypes
from contextlib import suppress

from streamlit.runtime import get_instance

LOOK_EVERY_S = 15.0


async def let_go() -> None:
    """End sessions that are over, until it is cancelled itself."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        # there is no other way to them: nothing of this is public
        storage = getattr(getattr(get_instance(), "_session_mgr", None), "_session_storage", None)
        cache = getattr(storage, "_cache", None)
        over = cache.expire() if cache is not None else []
        for _, info in over:
            info.session.shutdown()
        if over:
            with suppress(OSError, AttributeError):  # another C library has ways of its own
                ctypes.CDLL("libc.so.6").malloc_trim(0)
