"""The rules that every action keeps; `changesets.changeset` makes of a draft a changeset that keeps them all."""
