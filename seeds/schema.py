"""The one description of a seed file: editors read it as JSON Schema, the checker reads files by it."""

from typing import Any

SCHEMA: dict[str, Any] = {}  # what `seeds schema` prints, as JSON
