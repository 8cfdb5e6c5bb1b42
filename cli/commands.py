"""The tables of all groups and commands: what each does, in one line, and the module that contains it.

With these tables, the help of a group imports no command, and a command imports only its own module.
"""

from typing import Final

GROUPS: Final = {
    "users": "Find, create, change, suspend and delete users.",
    "roles": "Manage roles and their permissions.",
    "permissions": "List, create, rename and delete permissions.",
    "access": "Report and review who may do what.",
    "conversations": "Find, read and change conversations.",
    "messages": "Find, send, redact, delete and follow messages.",
    "seeds": "Apply roles and permissions from YAML files.",
    "proposals": "Approve or reject changes that others propose.",
    "audit": "Show what was changed with chatctl, and undo it.",
    "holds": "Keep users and conversations from being deleted.",
    "retention": "Delete old messages and inactive users by rules.",
    "db": "Show, check, repair and protect the database.",
    "context": "Save names for databases, and choose the current one.",
}

COMMANDS: Final = {
    "apply": "Carry out a plan saved with --save-plan.",
    "whoami": "Show who you are in which database, and how it is protected.",
    "demo": "Show a tour of 15 seconds on generated data.",
    "completion": "Print a completion script for your shell.",
}
"""The commands that are not in a group → the line about the command in the help of chatctl."""

SHORT_NAMES: Final = {"conv": "conversations", "msg": "messages", "perm": "permissions"}
"""Short names of command groups → full names. The audit trail and the output always use the full names."""

MODULES: Final = {
    "users": {
        "cli.users.reading": {
            "list": "List users.",
            "show": "Show a user with all details.",
            "can": "Tell whether a user has a permission, and why.",
        },
        "cli.users.changing": {
            "create": "Create a user.",
            "update": "Change the e-mail, names or profile of a user.",
            "suspend": "Block new sign-ins of users.",
            "reinstate": "Let suspended users sign in again.",
            "verify-email": "Mark users' e-mail addresses as verified.",
            "set-password": "Set the password of a user.",
            "grant": "Give roles to users.",
            "revoke": "Remove roles from users.",
            "unlink": "Remove a linked sign-in from a user.",
            "delete": "Delete users and everything that depends on them.",
            "erase": "Erase the personal data of a user.",
        },
        "cli.users.merging": {
            "duplicates": "List probable duplicates, and why.",
            "merge": "Merge duplicate users into one user.",
        },
        "cli.users.personal_data": {
            "export-data": "Write all stored data of a person to a zip file.",
        },
        "cli.users.importing": {
            "import": "Create users from a file.",
        },
        "cli.users.exporting": {
            "export": "Write users to a file for chatctl users import.",
        },
    },
    "roles": {
        "cli.roles": {
            "list": "List roles with their members and permissions.",
            "show": "Show a role: its permissions and the number of its members.",
            "create": "Create a role.",
            "rename": "Rename a role.",
            "copy": "Create a role with the permissions of another role.",
            "delete": "Delete roles.",
            "grant": "Add permissions to a role.",
            "revoke": "Remove permissions from a role.",
            "matrix": "Show which permissions each role has.",
            "diff": "Show the permissions that only one of two roles has.",
        },
    },
    "permissions": {
        "cli.permissions": {
            "list": "List permissions with the roles and users that have them.",
            "show": "Show a permission and the roles that have it.",
            "create": "Create permissions.",
            "rename": "Rename a permission.",
            "delete": "Delete permissions.",
        },
    },
    "access": {
        "cli.access": {
            "report": "Report likely mistakes in roles and permissions.",
            "who": "List the users who have a permission, with the roles that give it.",
            "diff": "Show the permissions that only one of two users has.",
            "review": "Write a review sheet, or revoke the roles that it rejects.",
        },
    },
    "conversations": {
        "cli.conversations.reading": {
            "list": "List conversations, the latest activity first.",
            "show": "Show a conversation and its participants.",
            "transcript": "Write the messages of a conversation, oldest first.",
        },
        "cli.conversations.changing": {
            "create": "Create a conversation of two users, or a group with --name.",
            "add": "Add users to a group.",
            "remove": "Remove users from a conversation.",
            "rename": "Rename a group.",
            "delete": "Delete conversations with all their messages.",
        },
    },
    "messages": {
        "cli.messages": {
            "list": "List messages, newest first.",
            "search": "Search the text of messages, newest first.",
            "show": "Show a message and who has seen it.",
            "send": "Send a message as a participant.",
            "redact": "Replace the text of messages, and remove their images.",
            "delete": "Delete messages.",
            "purge": "Delete messages that were sent before a time.",
            "tail": "Show messages when they are sent, changed, redacted or deleted.",
        },
    },
    "seeds": {
        "cli.seeds": {
            "validate": "Check seed files and show all their faults.",
            "plan": "Show what seeds apply would change.",
            "apply": "Change the database to match the seed, completely or not at all.",
            "export": "Write the roles and permissions of the database as a seed.",
            "test": "Run the tests of a seed.",
            "schema": "Print the JSON Schema of seed files, for editors.",
        },
    },
    "proposals": {
        "cli.proposals": {
            "list": "List proposals, newest first.",
            "show": "Show a proposal and what it would change.",
            "approve": "Carry out a proposal of another person, exactly as proposed.",
            "reject": "Refuse a proposal.",
            "withdraw": "Take back your own proposal.",
        },
    },
    "audit": {
        "cli.audit": {
            "list": "List the events of the audit trail, newest first.",
            "show": "Show an event and everything it changed.",
            "undo": "Undo an event.",
            "prune": "Delete old events.",
        },
    },
    "holds": {
        "cli.holds": {
            "add": "Keep users and conversations from being deleted.",
            "list": "List holds, also released ones.",
            "show": "Show a hold, the reason, and what it kept when it was placed.",
            "release": "Release a hold.",
            "check": "Find out which held documents are gone since the hold was placed.",
            "export": "Write everything that a hold keeps to a zip file.",
        },
    },
    "retention": {
        "cli.retention": {
            "plan": "Count what is due by each retention rule.",
            "apply": "Delete, suspend or erase what is due by the retention rules.",
        },
    },
    "db": {
        "cli.db.server": {
            "status": "Show the server, the database and its collections.",
            "indexes": "Show the required indexes, or create them.",
            "protect": "Protect the database against accidental writes.",
            "unprotect": "Remove the protection of the database.",
            "stop": "Stop the embedded server.",
        },
        "cli.db.checking": {
            "check": "Find data that breaks or misleads the application.",
            "repair": "Repair faults that have one right repair.",
        },
        "cli.db.stats": {
            "stats": "Count sign-ups, messages and active conversations.",
        },
        "cli.db.generating": {
            "generate": "Fill an empty or the embedded database with generated data.",
        },
        "cli.db.copying": {
            "copy": "Copy the database into an empty one, without the people in it.",
        },
        "cli.db.server_roles": {
            "roles": "Print MongoDB roles for the users of the server.",
        },
    },
    "context": {
        "cli.context": {
            "add": "Save a name for a database.",
            "list": "List the contexts and their databases.",
            "show": "Show a context, without its password.",
            "use": "Make a context the current one.",
            "remove": "Remove a context.",
        },
    },
}
"""The modules of each group, the commands of each module, and the line about each command in the help of its group.

The help lists the commands in the same order.
"""
