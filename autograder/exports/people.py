"""Which row of a gradebook from Canvas is whose, where a student's name here is an ID, an address or a name there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from autograder.roster import Roster

IDENTITIES = ("SIS Login ID", "SIS User ID", "ID", "Integration ID")
Row = Mapping[str, str]


def other_names(roster: Roster | None) -> dict[str, list[str]]:
    """Return what else the course's own roster calls each student: a name, an e-mail address, and IDs of Canvas."""
    people = roster.people.values() if roster else ()
    return {
        person.student: [person.name, person.email, *(person.columns.get(key, "") for key in IDENTITIES)]
        for person in people
    }


def match(
    students: Sequence[str], rows: Sequence[Row], names: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Row], list[str], list[str]]:
    """Find each student's row; whom none or several fit is returned with the reason, never left out in silence."""
    places: dict[str, Row] = {}
    missing: list[str] = []
    notes: list[str] = []
    for student in students:
        known = {text.strip().casefold() for text in (student, *names.get(student, ())) if text.strip()}
        how, found = _fitting(known, rows)
        if len(found) == 1:
            places[student] = found[0]
            if how == "name":
                notes.append(f"{student} was found by name alone, as {first(found[0])}")
        else:
            missing.append(f"{student}: {f'{len(found)} rows fit' if found else 'no row fits'}")
    taken = Counter(id(row) for row in places.values())
    twice = [student for student, row in places.items() if taken[id(row)] > 1]
    missing += [f"{one}: the row of {first(places.pop(one))} fits another student too" for one in twice]
    return places, missing, notes


def first(row: Row) -> str:
    """Return a row's first cell, by which Canvas tells what kind of row it is."""
    return next(iter(row.values()), "")


def identified(row: Row) -> bool:
    """Tell a student's row from those that say how grades are posted."""
    return bool(_ids(row))


def _fitting(known: set[str], rows: Sequence[Row]) -> tuple[str, list[Row]]:
    """Return the rows that fit: by an ID, else by what stands before the @ of one, else by the name."""
    ways: dict[str, Callable[[Row], Iterable[str]]] = {"id": _ids, "address": _addresses, "name": _names}
    for how, texts in ways.items():
        found = [row for row in rows if known.intersection(texts(row))]
        if found:
            return how, found
    return "", []


def _ids(row: Row) -> list[str]:
    return [row[column].strip().casefold() for column in IDENTITIES if row.get(column, "").strip()]


def _addresses(row: Row) -> list[str]:
    return [text.partition("@")[0] for text in _ids(row) if "@" in text]


def _names(row: Row) -> list[str]:
    if "LastName" in row:
        last, first = row["LastName"], row.get("FirstName", "")
    else:
        last, _, first = row.get("Student", "").partition(",")
    texts = (f"{first.strip()} {last.strip()}", f"{last.strip()}, {first.strip()}")
    return [text.strip(" ,").casefold() for text in texts]
