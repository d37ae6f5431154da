"""The border to Airflow: the only package that imports it.

In: connections, parameters and signals of Airflow. Out: the parts of DAGs, notices of failures, the provider.
May import: every other package.
"""
