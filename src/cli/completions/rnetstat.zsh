#compdef rnetstat
# Completions of rnetstat for zsh. What is known of this host comes from rnetstat itself.

# Proposes the values of columns of the sockets that there are now, as a list. Cells of several values are taken apart.
_rnetstat_now() {
    local what=$1 between=$2
    shift 2
    local row cell
    local -aU values
    for row in ${(f)"$(${(Q)words[1]} -anq --format csv --no-header $@ 2>/dev/null)"}; do
        [[ $row == *\"* ]] && continue
        for cell in ${(s:,:)row}; do
            values+=(${(ps.$between.)cell})
        done
    done
    _rnetstat_list $what $values
}

# Proposes words as items of a list.
_rnetstat_list() {
    local what=$1 expl
    shift
    local -a items=("$@")
    compset -P '*,'
    compset -P '(!|-)'
    _wanted values expl $what compadd -qS , -a - items
}

_rnetstat_port() {
    compset -P : && _rnetstat_now port ' ' --columns local_port
}

_rnetstat() {
    _arguments -s -S \
@SPECS@
        '*: :_rnetstat_port'
}

# Called as a completion function, or sourced.
if [[ $funcstack[1] == _rnetstat ]]; then
    _rnetstat "$@"
else
    compdef _rnetstat rnetstat
fi
