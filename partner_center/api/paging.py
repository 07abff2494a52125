"""Pages of rows by `offset` and `limit` (domain.md 6.2): rows skipped, and at most a hundred of what follows."""

from typing import TypeVar

from django.db.models import Model, QuerySet
from ninja import Schema
from pydantic import Field

M = TypeVar("M", bound=Model)

# What the vendor's own addresses state; a database counts no further in time.
FARTHEST = 40_000_000


class Paged(Schema):
    """The parameters of a page."""

    offset: int = Field(0, ge=0, le=FARTHEST, description="rows skipped; not the number of a page")
    limit: int = Field(10, ge=1, le=100, description="rows at most")


def page_of(rows: QuerySet[M], asked: Paged) -> tuple[int, list[M]]:
    """Return how many rows there are, and those of one page; the newest come first, ties by id."""
    return rows.count(), list(rows.order_by("-pk")[asked.offset : asked.offset + asked.limit])
