"""A small tree of places and persons, and a document of every other kind."""

import datetime

TODAY = datetime.date(2026, 11, 24)


TREE = """
    _id | type     | parent | patient_id | muted | date_of_death | date_of_birth
    d   | district |        |            |       |
    c   | centre   | d      |            | true  |
    h   | clinic   | c d    |            |       |
    i   | clinic   | c d    |            | true  |
    p   | person   | h c d  | 1          |       |               | 2020-01-01
    q   | person   | i c d  | 2          |       | 2024-01-01
    r   | person   | gone d |            | true  |
    s   | person   |        | 3          |       |
    x   | centre   | y      |            |       |
    y   | centre   | x      |            |       |
    t   | person   | y      |            |       |
    a   | centre   | no g   |            |       |
    g   | centre   | a      |            |       |
    v   | person   | g      |            |       |
"""


USER = {"_id": "u", "type": "user-settings", "contact_id": "p"}


REPORT = {"_id": "m", "type": "data_record", "form": "f", "patient_id": "1", "contact": {"_id": "q"}}


OTHERS = [
    USER,
    REPORT,
    {"_id": "n", "type": "data_record"},
    {"_id": "k", "type": "task"},
    {"_id": "target~2024-05~p", "type": "target", "targets": [{"id": "a"}]},
    {"_id": "target~2024-06~p", "type": "target", "targets": [{"id": ""}, {"id": {}}, {"id": "a" * 501}, {}]},
    {"_id": "target~2024-07~p", "type": "target", "targets": "none"},
    {"_id": "target~2024-08~p", "type": "target", "targets": [{}, 1, None, {"id": "a"}, {"id": 2}]},
    {"_id": "e", "type": "telemetry"},
    {"_id": "b", "type": "feedback"},
    {"_id": "form:f", "type": "form"},
]
