"""The county's configuration: its contact types, its forms, its texts."""

from collections.abc import Iterator
from typing import Any

from county.reports import FORMS

Document = dict[str, Any]

#: Each place type with the types that it may be under; the types of the examples' places and persons are included.
_PLACES: tuple[tuple[str, list[str]], ...] = (
    ("a_county", []),
    ("b_sub_county", ["a_county"]),
    ("c_health_centre", ["b_sub_county"]),
    ("d_community_health_volunteer_area", ["c_health_centre"]),
    ("e_household", ["d_community_health_volunteer_area"]),
    ("district_hospital", []),
    ("health_center", ["district_hospital"]),
    ("clinic", ["health_center"]),
)
_PERSONS = (
    ("c_supervisor", ["c_health_centre"]),
    ("d_chw", ["d_community_health_volunteer_area"]),
    ("f_client", ["e_household"]),
    ("person", ["district_hospital", "health_center", "clinic"]),
)


def settings() -> Document:
    """The `settings` document, which is written last: until then, no contact type of this county is a person type."""
    places = [_contact_type(id_, parents) for id_, parents in _PLACES]
    persons = [_contact_type(id_, parents) | {"person": True} for id_, parents in _PERSONS]
    return {
        "_id": "settings",
        "settings": {
            "locale": "en",
            "locale_outgoing": "sw",
            "languages": [{"locale": "en", "enabled": True}, {"locale": "sw", "enabled": True}],
            "default_country_code": 254,
            "phone_validation": "partial",
            "contact_types": places + persons,
            "muting": {"mute_forms": ["mute"], "unmute_forms": ["unmute"]},
            "death_reporting": {"mark_deceased_forms": ["death_report"], "date_field": "fields.date_of_death"},
            "place_hierarchy_types": [id_ for id_, _ in _PLACES[:5]],
        },
    }


def forms() -> Iterator[Document]:
    """One for each form that is reported, and the Swahili texts; `pregnancy` and English come with the examples."""
    for name in (*FORMS, "death_report", "mute", "unmute"):
        if name != "pregnancy":
            yield {
                "_id": f"form:{name}",
                "type": "form",
                "internalId": name,
                "title": [{"locale": "en", "content": name.replace("_", " ").capitalize()}],
                "context": {"person": True, "place": name == "household_visit"},
                "icon": "icon-form",
                "_attachments": {"xml": {"content_type": "application/octet-stream", "data": "PGg6aHRtbC8+"}},
            }
    yield {"_id": "messages-sw", "type": "translations", "code": "sw", "name": "Kiswahili", "generic": {}, "custom": {}}


def _contact_type(id_: str, parents: list[str]) -> Document:
    return {"id": id_, "name_key": f"contact.type.{id_}", "icon": "icon", "parents": parents}
