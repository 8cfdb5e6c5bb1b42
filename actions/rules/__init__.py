"""The rules that every command must keep: about protected roles, sign-ins, new names and passwords.

Start reading at `checked_changeset.checked_changeset`. It makes a changeset from a draft, and adds the rules to check.
"""
