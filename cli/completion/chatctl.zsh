#compdef chatctl
# Completion of chatctl for zsh. In ~/.zshrc, after compinit: eval "$(chatctl completion zsh)"

# Print the names of all groups and commands, or those of the commands of a group.
_chatctl_commands() {
    case $1 in
    @COMMANDS@
    esac
}

_chatctl() {
    local -a found
    local line="${(j: :)words[1,CURRENT-1]} $PREFIX"
    if [[ $line =~ '^chatctl +(([a-z]+) +)?([a-z][a-z-]*)?$' ]]; then # The names of commands need no database.
        found=(${=$(_chatctl_commands $match[2])})
        (( $#found )) && compadd -- $found && return
    fi
    found=(${(f)"$(print -rn -- $line | command chatctl completion zsh --line 2>/dev/null)"})
    if [[ $found[1] == :files ]]; then
        compset -P '--*='
        _files
    else
        compadd -- $found
    fi
}

if [[ $funcstack[1] == _chatctl ]]; then
    _chatctl "$@"
else
    compdef _chatctl chatctl
fi
