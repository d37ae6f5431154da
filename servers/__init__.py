"""Servers on this machine: Postgres, a CouchDB stand-in, Airflow."""
