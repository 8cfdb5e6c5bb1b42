#compdef chatctl
# Completion of chatctl for zsh. In ~/.zshrc, behind compinit: eval "$(chatctl completion zsh)"

_chatctl() {
    local -a found
    local line="${(j: :)words[1,CURRENT-1]} $PREFIX"
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
