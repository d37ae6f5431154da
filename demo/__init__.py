"""The whole stack on one machine: Postgres, a CouchDB, an invented county, Airflow. Started by `python -m demo up`."""
