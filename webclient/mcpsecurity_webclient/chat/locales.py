"""The person's language and time zone, as the browser names them."""

import re
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_LONGEST = 64


@dataclass(frozen=True, slots=True)
class PersonLocale:
    """A language tag (BCP 47) and the name of a time zone (IANA); None where it is not known."""

    language: str | None = None
    time_zone: str | None = None

    def today(self, now: datetime) -> date:
        """Return the date where the person is; without a time zone, that of `now`."""
        zone = _zone(self.time_zone)
        return (now.astimezone(zone) if zone else now).date()


UNKNOWN = PersonLocale()


def person_locale(accept_language: str, time_zone: str | None) -> PersonLocale:
    """Return the valid ones of a language and a time zone.

    Args:
        accept_language: the header (RFC 9110, 12.5.4); its first language counts.
        time_zone: a name like Europe/Zurich; another is passed over, as it may be newer than our list.
    """
    first = accept_language.partition(",")[0].partition(";")[0].strip()
    language = first if _TAG.fullmatch(first) else None
    return PersonLocale(language, time_zone if _zone(time_zone) else None)


def _zone(name: str | None) -> tzinfo | None:
    if not name or len(name) > _LONGEST:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):  # also for a path, or a folder of zones
        return None
