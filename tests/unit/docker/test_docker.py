"""What can be known of the Docker files without an engine."""

import http.server
import importlib.util
import json
import re
import stat
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from cht_sync import instances

from tests.lib.paths import ROOT

COMPOSE = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
ENV = (ROOT / ".env.example").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
SETTINGS = {(name, key): value for name, each in SERVICES.items() for key, value in each.get("environment", {}).items()}

each_service = pytest.mark.parametrize("name", SERVICES)


def module(name: str) -> ModuleType:
    """docker/ is no package: its files are run one by one."""
    spec = importlib.util.spec_from_file_location(f"docker_{name}", ROOT / "docker" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@each_service
def test_has_a_health_check_or_says_why_not(name: str) -> None:
    assert ("healthcheck" in SERVICES[name]) != ("x-no-health-check" in SERVICES[name])


@each_service
def test_long_running_services_restart_and_others_do_not(name: str) -> None:
    assert SERVICES[name]["restart"] == ("unless-stopped" if "healthcheck" in SERVICES[name] else "no")


@each_service
def test_image_is_pinned(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")
    assert re.match(r"\d", tag), tag


def test_airflow_is_the_version_that_the_packages_are_pinned_for() -> None:
    pinned = re.search(r"^apache-airflow==(\S+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    image = re.search(r"^FROM apache/airflow:slim-([\d.]+)-python3\.1[123]$", DOCKERFILE, re.MULTILINE)
    assert pinned is not None
    assert image is not None
    assert image[1] == pinned[1]


@each_service
def test_ports_are_published_to_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.match(r"\$\{[A-Z_]+:-127\.0\.0\.1:\d+\}:\d+$", port), port


@pytest.mark.parametrize(("name", "key"), [at for at in SETTINGS if re.search("PASSWORD$|SECRET|_KEY$|_CONN$", at[1])])
def test_no_secret_has_a_default(name: str, key: str) -> None:
    value = SETTINGS[name, key]
    optional = key == "COUCHDB_PASSWORD" and value == "${COUCHDB_PASSWORD:-}"  # CouchDB's image starts with none
    assert optional or re.search(r"\$\{[A-Z_]+:\?[^}]+\}", value), f"{name}: {key}"


def test_env_example_names_every_variable_and_no_other_and_has_no_secret() -> None:
    named = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", ENV, re.MULTILINE))
    used = dict(re.findall(r"\$\{([A-Z_]+)(:[?-])", COMPOSE))
    assert set(named) - {"COMPOSE_PROFILES"} == set(used)
    assert {name for name, kind in used.items() if kind == ":?"} <= {name for name, text in named.items() if not text}
    assert not [name for name, text in named.items() if text and re.search("PASSWORD|SECRET|KEY", name)]


def test_airflow_knows_every_setting() -> None:
    airflow = importlib.util.find_spec("airflow")  # finds it, doesn't import it
    assert airflow is not None
    assert airflow.origin is not None
    sections = yaml.safe_load((Path(airflow.origin).parent / "config_templates" / "config.yml").read_text("utf-8"))
    names = {key for _, key in SETTINGS if key.startswith("AIRFLOW__")}
    assert names
    for name in names:
        _, section, option = name.lower().split("__")
        assert option in sections[section]["options"], name


def sources() -> Iterator[str]:
    """What the Dockerfile and docker-compose.yaml take from this repository."""
    for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE):
        yield from [word for word in line.split() if not word.startswith("--")][:-1]
    yield from re.findall(r"type=bind,source=([^,]+),", DOCKERFILE)


@pytest.mark.parametrize("source", sorted(set(sources())))
def test_the_image_is_made_of_what_is_there_and_is_let_through(source: str) -> None:
    if source != "plugins/*.py":  # a plugin is no must
        assert list(ROOT.glob(source.rstrip("/")))
    let_through = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in let_through
    assert f"!{source.split('/')[0]}" in let_through


@each_service
def test_mounted_files_and_volumes_are_there(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source = volume.split(":")[0]
        assert (ROOT / source).exists() if source.startswith(".") else source in yaml.safe_load(COMPOSE)["volumes"]


def test_the_package_is_not_in_the_plugins_folder_too() -> None:
    assert "cht_sync" in (ROOT / "plugins" / ".airflowignore").read_text(encoding="utf-8")
    assert not re.search(r"^COPY .*plugins/? ", DOCKERFILE, re.MULTILINE)


def test_the_package_is_built_of_all_its_parts() -> None:
    """Where a folder is missing, the build goes on without it."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    mounted = re.findall(r"type=bind,source=([^,]+),target=/mnt/(\S+) ", DOCKERFILE)
    for part in wheel["only-include"]:
        assert [source for source, target in mounted if source == target and Path(part).is_relative_to(source)], part


def test_connections_are_those_of_the_example() -> None:
    init, couchdb = module("init"), module("couchdb")
    found = init.connections({"WAREHOUSE_PASSWORD": "w", "COUCHDB_PASSWORD": "c"})
    example = instances.read(ROOT / "include" / "instances.toml").instances[0]
    assert set(found) == {"cht_warehouse", example.connection}
    assert found[example.connection]["conn_type"] == "couchdb"
    assert json.loads(found[example.connection]["extra"]) == {"allow_http": True}
    assert set(example.databases) <= set(couchdb.DATABASES)


@pytest.mark.parametrize("environ", [{}, {"COUCHDB_PASSWORD": ""}])
def test_without_a_couchdb_for_trying_out_there_is_no_connection_to_it(environ: dict[str, str]) -> None:
    assert set(module("init").connections({"WAREHOUSE_PASSWORD": "w"} | environ)) == {"cht_warehouse"}


def test_the_password_is_for_its_owner_only_and_other_logins_stay(tmp_path: Path) -> None:
    file = tmp_path / "passwords.json"
    file.write_text('{"viewer": "v", "admin": "old"}', encoding="utf-8")
    module("init").set_password(file, "admin", "new")
    assert json.loads(file.read_text(encoding="utf-8")) == {"viewer": "v", "admin": "new"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.fixture
def api() -> Iterator[int]:
    """The port of a server that answers as the API server does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            body = {"metadatabase": {"status": "healthy"}, "scheduler": {"status": "unhealthy"}, "triggerer": {}}
            self.wfile.write(json.dumps(body if self.path == "/api/v2/monitor/health" else {}).encode())

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("part", "status"), [("metadatabase", "healthy"), ("scheduler", "unhealthy"), ("triggerer", None), ("other", None)]
)
def test_health_is_what_the_api_server_says(api: int, part: str, status: str | None) -> None:
    assert module("health").status(part, "127.0.0.1", api) == status
