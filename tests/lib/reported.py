"""Small documents of reports and of their subjects."""

from typing import Any


def report(_id: str, *, code: Any = None, uuid: Any = None, **rest: Any) -> dict[str, Any]:
    """A report whose subject is named by `patient_id` (`code`) and `fields.patient_uuid` (`uuid`)."""
    fields = {"patient_uuid": uuid} if uuid else {}
    return {"_id": _id, "type": "data_record", "form": "f", "patient_id": code, "fields": fields, **rest}


def person(_id: str, code: Any = None) -> dict[str, Any]:
    return {"_id": _id, "type": "person", **({"patient_id": code} if code else {})}
