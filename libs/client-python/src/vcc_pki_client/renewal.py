"""Renewal while a service runs: at two thirds of a certificate's life, not all services at once, and again and again until it works."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from datetime import datetime, timedelta, timezone
from typing import Callable

from .client import VCCPKIClient
from .errors import PkiError

_log = logging.getLogger("vcc_pki_client")
_LONGEST_WAIT = timedelta(hours=6)
_SHORTEST_WAIT = timedelta(seconds=30)
# Of the last third of a certificate's life, this much is used to spread renewals.
_JITTER = 0.1


def next_look(client: VCCPKIClient, now: datetime, spread: float) -> timedelta:
    """How long to wait until the certificate is to be looked at again. `spread`: 0 to 1, drawn once for each certificate, so that services that
    started together do not renew together."""
    identity = client.get_identity()
    last_third = identity.certificate.not_after - identity.renew_at
    due = identity.renew_at + last_third * _JITTER * spread
    return max(timedelta(0), min(due - now, _LONGEST_WAIT))


class Renewal:
    """Keeps the certificate of a client fresh. `start` for a thread, or `run` for a task of asyncio; servers whose context reloads need nothing
    else. A failure is logged and tried again, more rarely, until the certificate has ended and after."""

    def __init__(self, client: VCCPKIClient, on_renewed: Callable[[], None] | None = None) -> None:
        """`on_renewed` is called after each renewal, on the thread that renewed."""
        self._client = client
        self._on_renewed = on_renewed
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._failures = 0
        self._spread = random.random()

    def start(self) -> None:
        """Renews on a thread that ends with the process, or with `stop`."""
        self._thread = threading.Thread(target=self._loop, name="vcc-pki-renewal", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    async def run(self) -> None:
        """Renews until it is cancelled."""
        while True:
            wait = await asyncio.to_thread(self.step)
            await asyncio.sleep(wait.total_seconds())

    def _loop(self) -> None:
        while not self._stopped.wait(self.step().total_seconds()):
            pass

    def step(self, now: datetime | None = None) -> timedelta:
        """Renews if it is time, and says how long to wait until the next look."""
        at = now or datetime.now(timezone.utc)
        try:
            wait = next_look(self._client, at, self._spread)
            if wait > timedelta(0):
                return wait
            self._client.renew()
        except PkiError as error:
            self._failures += 1
            wait = min(_SHORTEST_WAIT * (1 << min(self._failures, 10)), _LONGEST_WAIT / 6)
            _log.warning("certificate not renewed: %s; next try in %s", error, wait)
            return wait
        self._failures = 0
        self._spread = random.random()
        _log.info("certificate renewed, good until %s", self._client.get_identity().certificate.not_after.isoformat())
        if self._on_renewed is not None:
            self._on_renewed()
        return _SHORTEST_WAIT
