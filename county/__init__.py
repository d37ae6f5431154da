"""An invented county, the same for the same seed: documents for CouchDB, and the counts that they make."""
