"""Notices of failed tasks, sent by an Airflow notifier that the environment names.

`CHT_NOTIFIER` is its import path, such as airflow.providers.smtp.notifications.smtp.SmtpNotifier. `CHT_NOTIFIER_ARGS`
is a JSON object with its arguments; secrets belong in the Airflow connection that it names. In its templates,
{{ cht_message }} is one line without any patient's data.
"""

import importlib
import json
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

from cht_sync.errors import ConfigurationInvalid

log = logging.getLogger(__name__)


def failed(context: Any) -> None:
    """The on_failure_callback of every task: calls the notifier, and never fails itself.

    A failure that lasts is sent once a day: people switch off a notifier that repeats it with every run.
    """
    if getattr(context.get("exception"), "is_notified", False):
        return
    context["cht_message"] = message(context)
    try:
        notifier = configured(os.environ)
    except ConfigurationInvalid as error:
        log.error("No notice was sent: %s", error)
        return
    if notifier is None:
        return
    try:
        notifier(context)
    except Exception as error:
        # its text may hold a webhook's address, which has a key in it
        log.error("No notice was sent: %s failed with %s", os.environ["CHT_NOTIFIER"], type(error).__name__)


def message(context: Mapping[str, Any]) -> str:
    """Which task failed, and why. Of an error that is not ours only the type: its text may quote a document."""
    task, error = context.get("task_instance"), context.get("exception")
    named = f"{getattr(task, 'dag_id', '?')}.{getattr(task, 'task_id', '?')}"
    return f"{named} failed: {_reason(error)}"


def _reason(error: object) -> str:
    if getattr(error, "is_ours", False):
        return str(error)
    return f"{type(error).__name__}; see its log" if isinstance(error, BaseException) else "see its log"


def configured(environment: Mapping[str, str]) -> Callable[[Any], None] | None:
    """The notifier, or None if none is configured. Raises ConfigurationInvalid."""
    path = environment.get("CHT_NOTIFIER", "")
    if not path:
        return None
    try:
        arguments = json.loads(environment.get("CHT_NOTIFIER_ARGS") or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise ConfigurationInvalid("CHT_NOTIFIER_ARGS is not a JSON object", "Correct it in the environment of Airflow")
    module, _, name = path.rpartition(".")
    try:
        notifier: Callable[[Any], None] = getattr(importlib.import_module(module), name)(**arguments)
    except Exception as error:
        raise ConfigurationInvalid(
            f"The notifier {path} cannot be made ({type(error).__name__})",
            "Correct CHT_NOTIFIER and CHT_NOTIFIER_ARGS in the environment of Airflow",
        ) from None
    return notifier
