"""Where Prefect's server keeps the leases of runs that count against a limit: on disk, and a while beyond their end.

A run that cannot renew its lease is ended by Prefect. In memory, as by default, a restart of the server loses them all;
on disk the server, once it is back, at first removes those that could not be renewed while it was away. A run renews
its lease of 300 s after 225 s, so any two minutes without a server could end a training.

Named by PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE, which wants a module with a class of this name.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.server.concurrency.lease_storage import filesystem

#: Runs ask again for four minutes (flows/environment.py), after pauses of up to two.
GRACE = timedelta(minutes=10)


class ConcurrencyLeaseStorage(filesystem.ConcurrencyLeaseStorage):
    """Prefect's own, on disk, with that grace. Of a run that ended, the server frees the lease at once in any case."""

    async def read_expired_lease_ids(self, limit: int = 100) -> list[UUID]:
        """Those that nobody will renew any more."""
        expired = await super().read_expired_lease_ids(limit)
        return [lease for lease in expired if not await self._is_within_grace(lease)]

    async def _is_within_grace(self, lease: UUID) -> bool:
        known = await self.read_lease(lease)
        return known is not None and datetime.now(UTC) < known.expiration + GRACE
