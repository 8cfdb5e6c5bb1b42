"""The rules that every command keeps: protected roles, sign-ins, new names, passwords.

Start reading at `checked_changeset.checked_changeset`, which makes a changeset from a draft and adds the rules to it.
"""
