# The image of every Airflow service of docker-compose.yaml: Airflow, the packages of constraints.txt, and this project.
# Needs BuildKit, which is Docker's default since 23.

# slim: without the providers that this project does not use, whose pins would conflict with ours
FROM apache/airflow:slim-3.3.2-python3.12

# the packages of this project, in the tested versions and with their hashes (no extras: neither demo nor tests);
# bytecode is compiled once here instead of at every start
RUN --mount=type=bind,source=pyproject.toml,target=/mnt/pyproject.toml \
    --mount=type=bind,source=constraints.txt,target=/mnt/constraints.txt \
    sed -n '/^uv==/,/[^\\]$/p' /mnt/constraints.txt > /tmp/uv.txt \
    && pip install --no-cache-dir --require-hashes --requirement /tmp/uv.txt \
    && rm /tmp/uv.txt \
    && uv pip install --no-cache --compile-bytecode --require-hashes \
        --requirement /mnt/pyproject.toml --constraint /mnt/constraints.txt

# the package, with its SQL and its provider entry point: in site-packages only, so that it is imported once, as cht_sync
RUN --mount=type=bind,source=pyproject.toml,target=/mnt/pyproject.toml \
    --mount=type=bind,source=constraints.txt,target=/mnt/constraints.txt \
    --mount=type=bind,source=README.md,target=/mnt/README.md \
    --mount=type=bind,source=plugins,target=/mnt/plugins \
    --mount=type=bind,source=include/sql,target=/mnt/include/sql \
    uv pip install --no-cache --compile-bytecode --no-deps --build-constraint /mnt/constraints.txt /mnt

# what Airflow reads: the DAGs and the plugin's module
COPY --chown=airflow:0 dags/ /opt/airflow/dags/
COPY --chown=airflow:0 plugins/.airflowignore plugins/*.py /opt/airflow/plugins/
COPY --chown=airflow:0 docker/*.py /opt/airflow/docker/

# the deployment's own files: instances.toml and, if there is one, deployment/
RUN --mount=type=bind,source=include,target=/mnt/include \
    mkdir /opt/airflow/include \
    && cp --recursive /mnt/include/instances.toml /mnt/include/deployment* /opt/airflow/include/
ENV CHT_SYNC_INCLUDE=/opt/airflow/include

# a new volume takes owner and mode of the folder that it is mounted on
RUN mkdir --mode=700 /opt/airflow/auth
