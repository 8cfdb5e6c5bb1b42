"""Refuse a file of another product before it is read, and say which option it needs."""

from typing import Final

from imports import products
from imports.columns import COLUMNS
from imports.formats import ERROR, Problem
from imports.layout import Layout, normalize_header
from imports.products import Beginning
from imports.products.translating import an_export, of_another

OURS: Final = frozenset({*map(normalize_header, COLUMNS), ERROR})
"""The names that a file in the columns of an import has."""


def wrong_product(head: str, form: str, layout: Layout) -> Problem | None:
    """Say why a file cannot be what it is read as, judged by its beginning, in one message without personal data."""
    beginning = Beginning.of(head, form)
    product = layout.product
    if product is None:
        if layout.columns or layout.ignore_unknown or beginning.names <= OURS:
            return None
        found = products.recognized(beginning)
        if found is None:
            return None
        return Problem(1, None, f"this looks like {an_export(products.load(found))}", f"add --from {found}")
    if products.is_of(product, beginning):
        return None
    if product.recognized and (found := products.recognized(beginning)):
        hint = f"it looks like {an_export(products.load(found))}: use --from {found}"
        return Problem(1, None, f"this is not {an_export(product)}", hint)
    has_email = bool(beginning.names & set(map(normalize_header, product.columns["email"].paths)))
    is_data = form == "yaml" or not head.strip() or head.strip()[0] in "[{"
    return None if (has_email if form == "csv" else is_data) else of_another(product)
