# Completion of chatctl for bash. In ~/.bashrc: eval "$(chatctl completion bash)"

# Print the names of all groups and commands, or those of the commands of a group.
_chatctl_commands() {
    case $1 in
    @COMMANDS@
    esac
}

_chatctl() {
    local rest line=${COMP_LINE:0:COMP_POINT}
    COMPREPLY=()
    if [[ $line =~ ^chatctl\ +(([a-z]+)\ +)?([a-z][a-z-]*)?$ ]]; then # The names of commands need no database.
        COMPREPLY=($(compgen -W "$(_chatctl_commands "${BASH_REMATCH[2]}")" -- "${BASH_REMATCH[3]}"))
        [[ ${COMPREPLY[*]} ]] && return
    fi
    # Each line of the answer is the text after the cursor. "$2" is the part of the word that bash replaces.
    while IFS= read -r rest; do
        if [[ $rest == :files ]]; then
            compopt -o default 2>/dev/null
        else
            COMPREPLY+=("$2$rest")
        fi
    done < <(printf '%s' "$line" | command chatctl completion bash --line 2>/dev/null)
}

complete -F _chatctl chatctl
