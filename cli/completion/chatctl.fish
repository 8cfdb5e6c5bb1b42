# Completion of chatctl for fish. In ~/.config/fish/config.fish: chatctl completion fish | source

function __chatctl
    set -l found (printf '%s' (commandline -cp | string collect) | command chatctl completion fish --line 2>/dev/null)
    if test "$found[1]" = :files
        complete -C "'' "(commandline -ct)
    else
        string join -- \n $found
    end
end

complete -c chatctl -f -a '(__chatctl)'
