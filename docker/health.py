"""Exit status 0 if one part of Airflow is healthy: metadatabase, scheduler, dag_processor or triggerer.

For the health checks of docker-compose.yaml. `airflow jobs check` would start a whole Airflow for each answer.
"""

import http.client
import json
import sys

HOST, PORT = "api-server", 8080


def status(part: str, host: str = HOST, port: int = PORT) -> str | None:
    """The status that the API server reports; None if it knows no such part. Raises OSError if it does not answer."""
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", "/api/v2/monitor/health")
        found: dict[str, dict[str, str]] = json.load(connection.getresponse())
    finally:
        connection.close()
    return found.get(part, {}).get("status")


if __name__ == "__main__":
    try:
        answer = status(sys.argv[1])
    except (OSError, ValueError, http.client.HTTPException) as error:
        sys.exit(f"the API server does not answer ({type(error).__name__})")
    sys.exit(0 if answer == "healthy" else f"{sys.argv[1]}: {answer}")
