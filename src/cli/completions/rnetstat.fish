# Completions of rnetstat for fish. What is known of this host comes from rnetstat itself.

# The values of columns of the sockets that there are now, as items of a list. Cells of several values are taken apart.
function __rnetstat_now
    set -l rows (rnetstat -anq --format csv --no-header $argv[2..] 2>/dev/null | string match -v '*"*')
    set -q rows[1]; or return
    set -l values (string split -n -- $argv[1] $rows | string split -n , | sort -u)
    set -q values[1]; and __rnetstat_list $values
end

# Words as items of a list: behind the items that are there already.
function __rnetstat_list
    set -l token (commandline -ct)
    set -l before (string replace -r '^--[^=]*=' '' -- "$token" | string match -r '^(?:.*,)?[!-]?')
    string replace -r '^' "$before" -- $argv
end

# `:443`, if a colon has begun it.
function __rnetstat_port
    rnetstat -anq --format csv --no-header --columns local_port 2>/dev/null | sort -u | string replace -r '^' :
end

complete -c rnetstat -f
complete -c rnetstat -n 'string match -q ":*" -- (commandline -ct)' -a '(__rnetstat_port)'
@COMPLETE@
