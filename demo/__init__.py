"""The whole stack on one machine: Postgres, a CouchDB, an invented county, Airflow. `python -m demo up` starts it."""
