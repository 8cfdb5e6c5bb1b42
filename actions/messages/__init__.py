"""Messages: what was written, who has seen it, and what is taken away of it."""
