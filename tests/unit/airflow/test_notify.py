import logging
from typing import Any

import pytest
from cht_sync.airflow import notify
from cht_sync.errors import CheckFailed, ConfigurationInvalid, LoginRefused

HERE = __name__
said: list[tuple[str, str]] = []


class Recorder:
    def __init__(self, to: str) -> None:
        self.to = to

    def __call__(self, context: Any) -> None:
        said.append((self.to, context["cht_message"]))


class Failing:
    def __call__(self, _context: Any) -> None:
        raise RuntimeError("https://hooks.example/s3cret")


class Task:
    dag_id, task_id = "cht_marts", "update_models"


@pytest.fixture(autouse=True)
def forget() -> None:
    said.clear()


def context(error: Exception | None) -> dict[str, Any]:
    return {"task_instance": Task(), "exception": error}


def test_our_own_sentence_is_notified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHT_NOTIFIER", f"{HERE}.Recorder")
    monkeypatch.setenv("CHT_NOTIFIER_ARGS", '{"to": "ops"}')
    notify.failed(context(LoginRefused("It is so", "Do that")))
    assert said == [("ops", "cht_marts.update_models failed: It is so. Do that")]


def test_an_error_that_was_notified_is_not_notified_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHT_NOTIFIER", f"{HERE}.Recorder")
    monkeypatch.setenv("CHT_NOTIFIER_ARGS", '{"to": "ops"}')
    for is_notified in (False, True):
        notify.failed(context(CheckFailed("It is so", "Do that", is_notified=is_notified)))
    assert len(said) == 1


def test_the_text_of_another_error_is_not_notified() -> None:
    text = notify.message(context(ValueError("Ana, 0712 345678")))
    assert text == "cht_marts.update_models failed: ValueError; see its log"
    assert notify.message(context(None)).endswith("see its log")


def test_by_default_nobody_is_notified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHT_NOTIFIER", raising=False)
    assert notify.configured({}) is None
    notify.failed(context(None))
    assert said == []


def test_a_notifier_that_fails_is_logged_without_its_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CHT_NOTIFIER", f"{HERE}.Failing")
    with caplog.at_level(logging.ERROR):
        notify.failed(context(None))
    assert "No notice was sent" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("nowhere.Notifier", "{}"),
        (f"{HERE}.Missing", "{}"),
        (f"{HERE}.Recorder", '{"password": "s3cret"}'),
        (f"{HERE}.Recorder", "{"),
        ("Recorder", "{}"),
        (f"{HERE}.Recorder", "[]"),
    ],
)
def test_a_wrong_setting_is_named_and_never_fails_a_callback(
    path: str, arguments: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    environment = {"CHT_NOTIFIER": path, "CHT_NOTIFIER_ARGS": arguments}
    with pytest.raises(ConfigurationInvalid, match="CHT_NOTIFIER") as raised:
        notify.configured(environment)
    assert "s3cret" not in str(raised.value)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    notify.failed(context(None))
    assert "No notice was sent" in caplog.text
