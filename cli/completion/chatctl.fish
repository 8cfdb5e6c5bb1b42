# Completion of chatctl for fish. In ~/.config/fish/config.fish: chatctl completion fish | source

# Print the names of all groups and commands, or those of the commands of a group.
function __chatctl_commands
    switch "$argv[1]"
        @COMMANDS@
    end
end

function __chatctl
    set -l line (commandline -cp | string collect)
    if set -l words (string match -r '^chatctl +(?:([a-z]+) +)?(?:[a-z][a-z-]*)?$' -- $line) # needs no database
        if set -l found (__chatctl_commands $words[2])
            string join -- \n $found
            return
        end
    end
    set -l found (printf '%s' $line | command chatctl completion fish --line 2>/dev/null)
    if test "$found[1]" = :files
        complete -C "'' "(commandline -ct)
    else
        string join -- \n $found
    end
end

complete -c chatctl -f -a '(__chatctl)'
