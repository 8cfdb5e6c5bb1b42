# Completion of chatctl for bash. In ~/.bashrc: eval "$(chatctl completion bash)"

_chatctl() {
    local rest
    COMPREPLY=()
    # Each answer is what comes behind the cursor; "$2" is the part of the word that bash replaces.
    while IFS= read -r rest; do
        if [[ $rest == :files ]]; then
            compopt -o default 2>/dev/null
        else
            COMPREPLY+=("$2$rest")
        fi
    done < <(printf '%s' "${COMP_LINE:0:COMP_POINT}" | command chatctl completion bash --line 2>/dev/null)
}

complete -F _chatctl chatctl
