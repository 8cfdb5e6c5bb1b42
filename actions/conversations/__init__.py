"""Conversations: who is in them, what was said, and how they are kept in order."""
