"""The command `chatctl completion`: it prints the script for a shell.

When the user presses Tab, the script calls the command again with `--line`, and gets the words that can follow. Start
reading at `candidates.candidates`.
"""

import sys
from importlib.resources import files
from typing import Annotated, Final

import typer

from cli.commands import COMMANDS, GROUPS, MODULES, SHORT_NAMES
from cli.completion.candidates import candidates
from cli.group import part
from cli.output import streams
from cli.params import choice

SHELLS: Final = ("bash", "zsh", "fish")

EXAMPLES: Final = """\
eval "$(chatctl completion bash)"     in ~/.bashrc
eval "$(chatctl completion zsh)"      in ~/.zshrc, after compinit
chatctl completion fish | source      in ~/.config/fish/config.fish\
"""

app = part()


@app.command(example=EXAMPLES)
def completion(
    context: typer.Context,
    shell: Annotated[
        str, typer.Argument(metavar="|".join(SHELLS), parser=choice(SHELLS), help="Your shell.", show_default=False)
    ],
    *,
    line: Annotated[bool, typer.Option("--line", hidden=True, help="Complete the line on standard input.")] = False,
) -> None:
    """Print a completion script for your shell.

    The script completes commands, options, choices and files, and the names of users, roles, permissions and groups
    from the database. If the database does not answer within 300 ms, names are not completed. Completion never reads a
    .env file and never starts a server.
    """
    if not line:
        streams.write(_script(shell))
        return
    for word in candidates(context.find_root().command, sys.stdin, suffix_only=shell == "bash"):
        streams.write(f"{word}\n")


def _script(shell: str) -> str:
    """Return the completion script for a shell. It contains the names of all commands, so that they complete fast."""
    commands = {"''": " ".join([*GROUPS, *COMMANDS])}
    commands |= {group: " ".join(name for names in MODULES[group].values() for name in names) for group in GROUPS}
    short = {name: short for short, name in SHORT_NAMES.items()}
    if shell == "fish":
        cases = [
            f"case {group} {short.get(group, '')}; string split ' ' '{names}'" for group, names in commands.items()
        ]
    else:
        cases = [f"{name}|{short.get(name, name)}) echo {words} ;;" for name, words in commands.items()]
    script = files(__name__).joinpath(f"chatctl.{shell}").read_text("utf-8")
    return script.replace("@COMMANDS@", "\n    ".join(cases))
