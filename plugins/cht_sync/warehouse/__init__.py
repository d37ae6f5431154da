"""Postgres.

In: a function that opens a connection. Out: sessions with our settings, locks, and the schema's migrations.
May import: errors, sql.
"""

from cht_sync.warehouse.session import Connection as Connection
from cht_sync.warehouse.session import connect as connect
from cht_sync.warehouse.session import lock as lock
from cht_sync.warehouse.session import one as one
from cht_sync.warehouse.session import wrapped as wrapped
