#!/bin/sh
# Postgres' image runs this on an empty volume. It creates a login and a database each for Airflow and for the warehouse.
# psql itself reads the passwords from the environment, so they are on no command line.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\getenv airflow_password AIRFLOW_DB_PASSWORD
\getenv warehouse_password WAREHOUSE_PASSWORD
create role airflow login password :'airflow_password';
create role cht login password :'warehouse_password';
create database airflow owner airflow;
create database cht owner cht;
-- by default every login may connect to every database
revoke connect on database airflow, cht, postgres, template1 from public;
SQL
