"""Who is told of a failed task: a notifier of Airflow that the environment names.

`CHT_NOTIFIER` is its import path (airflow.providers.smtp.notifications.smtp.SmtpNotifier, say), `CHT_NOTIFIER_ARGS`
its arguments as a JSON object; secrets belong in the Airflow connection that it names. In its templates
{{ cht_message }} is one line that holds no patient's data.
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
    """The on_failure_callback of every task: tells the notifier, and never fails itself.

    Of what stays wrong for long it is told once a day: one that cries at every run is switched off.
    """
    if getattr(context.get("exception"), "is_notified", False):
        return
    context["cht_message"] = message(context)
    try:
        notifier = configured(os.environ)
    except ConfigurationInvalid as error:
        log.error("Nobody was told: %s", error)
        return
    if notifier is None:
        return
    try:
        notifier(context)
    except Exception as error:
        # its text may hold an address with a key in it, as those of webhooks do
        log.error("Nobody was told: %s failed with %s", os.environ["CHT_NOTIFIER"], type(error).__name__)


def message(context: Mapping[str, Any]) -> str:
    """Which task failed and why: our own sentence, else only the kind of error, since its text may quote a document."""
    task, error = context.get("task_instance"), context.get("exception")
    named = f"{getattr(task, 'dag_id', '?')}.{getattr(task, 'task_id', '?')}"
    return f"{named} failed: {_reason(error)}"


def _reason(error: object) -> str:
    if getattr(error, "is_ours", False):
        return str(error)
    return f"{type(error).__name__}; see its log" if isinstance(error, BaseException) else "see its log"


def configured(environment: Mapping[str, str]) -> Callable[[Any], None] | None:
    """The notifier, or None where there is none. Raises ConfigurationInvalid."""
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
