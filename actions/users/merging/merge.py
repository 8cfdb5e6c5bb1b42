"""Plan a merge of users: check whether the merge is possible, and say what will happen."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Final

from actions import lookup, queries
from actions.cascading_deletion import conversation_filters, deleted_documents, departures
from actions.rules import lockout
from actions.rules.checked_changeset import replannable
from actions.users.merging.batches import make_batches
from actions.users.merging.documents import Merge
from actions.users.merging.values import describe_profile, describe_user
from changes import ABSENT, Add, Change, Changeset, Delete, Question, Result, Set, Stream, Update
from changes.visible_values import readable_text
from database.errors import RefusedError, UsageError
from database.ids import any_of
from database.references import ids_in, referred
from database.wording import counted, enumerated, in_words
from models.values import PAIR, is_group

MOST: Final = 100
"""The largest number of users to merge at once. All of them must fit into memory, and more are probably a mistake."""


@replannable(deletes=True)
def merge(
    refs: Sequence[str],
    into: str,
    *,
    union: bool = False,
    keep_conversations: bool = False,
    skip_missing: bool = False,
    allow_last_member: bool = False,
) -> Changeset:
    """Move messages, conversations, sign-ins and missing values of users to one user, and delete the other users.

    If `union` is true, the user who stays also gets the roles of the others. Conversations of the merged users with
    each other are deleted, unless `keep_conversations` is true. Raises `UsageError` if a user is named twice,
    `LastMemberError` if a protected role would lose its last active member, and `TooManyLinksError` if a list of the
    user who stays would become too long.
    """
    target = lookup.find_users([into])[0]
    found = lookup.find_users(refs, skip_missing=skip_missing)
    _refuse_repeated(refs, found, target)
    if len(found) > MOST:
        raise RefusedError(f"{len(found):,} users are too many for one merge", f"merge at most {MOST} users at once")
    users = [user.document for user in found]
    lookup.refuse_duplicate_ids("User", [*users, target.document])
    work = Merge(users, target.document, union=union, keep_conversations=keep_conversations)
    work.refuse_too_many()
    gone: list[Change] = [Delete("User", user) for user in users]
    united = Update("User", (target.document["_id"],), {"rolesIds": Add(tuple(work.roles) if union else ())})
    options = [*(["--roles union"] if union else []), *(["--keep-conversations"] if keep_conversations else [])]
    return Changeset(
        " ".join([f"users merge {in_words([user.ref for user in found])} --into {target.ref}", *options]),
        [*(Result(user.document["_id"], user.ref, "merged", f"into {target.ref}") for user in found), *found.missing],
        Stream(partial(make_batches, work), work.counts() if users else {}, losing=lambda: chain(gone, _losing(work))),
        asks=True,
        notes=list(_notes(work, target, found)) if users else [],
        names=work.names,
        rules=[] if allow_last_member else lockout.member_rules([*gone, united]),
        lifted=lockout.lifted(allow_last_member=allow_last_member),
        question=Question("Merge", "User", f"into {_described(target)}"),
    )


def _refuse_repeated(refs: Sequence[str], found: lookup.FoundAll, target: lookup.Found) -> None:
    """Raise `UsageError` if a merged user is named twice, or is also the user who stays."""
    if any(user.document["_id"] == target.document["_id"] for user in found):
        raise UsageError(
            f"{target.ref} cannot be merged into {target.ref}",
            "name the duplicates as FROM, and the user who stays with --into",
        )
    if len(found) + len(found.missing) < len(refs):
        raise UsageError("a user is named twice", f"name each user once: {in_words([user.ref for user in found])}")


def _losing(work: Merge) -> Iterator[Change]:
    """Yield the changes that could lose data that a legal hold keeps: removals, moved messages and deletions."""
    yield from departures(work.places.moved, work.ids)
    yield from (Update("Message", (one["_id"],), {name: Set(one[name], ABSENT)}) for name, one in work.held_messages())
    ended = [one["_id"] for one in work.places.ended]
    emptied = (("Conversation", {"_id": any_of(some)}) for some in queries.chunks(work.places.emptied))
    yield from deleted_documents(chain(conversation_filters(ended), emptied))
    yield from (Delete("Account", one) for one in work.accounts.dropped)
    yield from (Delete("Profile", one) for one in work.profiles.dropped)


def _notes(work: Merge, target: lookup.Found, found: lookup.FoundAll) -> Iterator[str]:
    """Yield the notes of a merge: for each field, which value wins; and lines about roles, sign-ins, conversations."""
    yield from describe_user(target, found)
    names = {referred(user.document["_id"]): user.ref for user in found}
    profiles = [(names[referred(one["userId"])], one) for one in work.profiles.others]
    after = {**(work.profiles.kept or {}), **work.profiles.new}
    yield from describe_profile(work.profiles.before, after, profiles)
    own, others = work.role_names()
    if others:
        won = [*own, *others] if work.union else own
        yield f"roles: {', '.join(won) or 'none'} ({'added' if work.union else 'removed'}: {', '.join(others)})"
    for verb, accounts in (("added", work.accounts.moved), ("removed as duplicates", work.accounts.dropped)):
        if accounts:
            yield f"linked sign-ins {verb}: {enumerated([readable_text(one.get('provider')) for one in accounts])}"
    yield from _conversation_notes(work)


def _conversation_notes(work: Merge) -> Iterator[str]:
    places = work.places
    if places.joined:
        people = work.labels([work.others(one)[0] for one, *_ in places.joined])
        yield f"One-to-one conversations that will become one: with {enumerated(people)}"
    if places.ended:
        messages = counted(work.count("Message", "conversationId", [one["_id"] for one in places.ended]), "message")
        number = len(places.ended)
        what = "the conversation" if number == 1 else counted(number, "conversation")
        yield f"Deleted: {what} of these users with each other ({messages})"
    alone = [one for one in places.moved if not is_group(one) and not work.others(one)]
    if alone:
        yield "Kept: a conversation with only one participant, whose page in the application will fail."
    reduced = [one for one in places.moved if is_group(one) and len(work.others(one)) + 1 == PAIR]
    if two := [one for one in reduced if len(set(ids_in(one, "userIds"))) > PAIR]:
        names = [readable_text(one.get("name") or one["_id"]) for one in two]
        yield f"{enumerated(names)} will have only two people."


def _described(user: lookup.Found) -> str:
    """Return the username of a user with the name and the e-mail, like `ada (Ada Lovelace, ada@example.org)`."""
    details = [readable_text(user.document[name]) for name in ("name", "email") if user.document.get(name)]
    return f"{user.ref} ({', '.join(details)})" if details else user.ref
