"""Time zones as people name them."""

import zoneinfo
from datetime import datetime


def zone_of(name: str) -> zoneinfo.ZoneInfo | None:
    """Find a zone by its name in the tz database; None for a name that is none."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None


def zone_name(local: datetime) -> str:
    """Name a zone the way people write it: CST alone could be China or Chicago, so the offset is what is shown."""
    offset = local.strftime("%z")
    if offset == "+0000":
        return "UTC"
    return f"UTC{offset[:3]}:{offset[3:]}"
