"""One page of a list: the same value for every list that has pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Items = TypeVar("Items")


@dataclass(frozen=True)
class Page(Generic[Items]):
    """The items of one page, and which page of how many items it is."""

    items: Items
    """A DataFrame or a list."""
    total: int
    """How many items there are on all pages."""
    number: int
    """Counted from 1."""
    limit: int
    """How many items a page has at most."""

    @property
    def pages(self) -> int:
        """Return how many pages there are, at least one."""
        return max(1, -(-self.total // self.limit))

    @property
    def first(self) -> int:
        """Return the position of the first item, counted from 1; 0 where there is none."""
        return (self.number - 1) * self.limit + 1 if self.total else 0
