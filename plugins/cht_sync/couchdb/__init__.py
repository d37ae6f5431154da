"""CouchDB: the only package that speaks HTTP.

In: a server and a login. Out: pages of changes, lists of ids, documents, and which database it is.
May import: errors.
"""

from cht_sync.couchdb.client import Client as Client
from cht_sync.couchdb.server import Identity as Identity
from cht_sync.couchdb.server import Server as Server
