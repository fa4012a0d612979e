# Completions of rnetstat for bash. What is known of this host comes from rnetstat itself.

# The values of columns of the sockets that there are now, one a line. Cells of several values are taken apart.
_rnetstat_now() {
    local line between=$1
    shift
    "${COMP_WORDS[0]:-rnetstat}" -anq --format csv --no-header "$@" 2>/dev/null | while IFS= read -r line; do
        case $line in *\"*) continue ;; esac
        line=${line//"$between"/$'\n'}
        printf '%s\n' "${line//,/$'\n'}"
    done | sort -u
}

# Proposes each line of the input that begins with the last item of a list, behind the items before it.
_rnetstat_list() {
    local before= item=$cur line quoted
    case $item in *,*) before=${item%,*}, item=${item##*,} ;; esac
    case $item in '!'* | -*) before=$before${item:0:1} item=${item:1} ;; esac
    while IFS= read -r line; do
        if [[ -n $line && $line == "$item"* ]]; then
            printf -v quoted '%q' "$before$line"
            # A comma needs no quotes, though printf gives it some.
            COMPREPLY+=("${quoted//\\,/,}")
        fi
    done
}

_rnetstat_files() {
    local file
    compopt -o filenames 2>/dev/null
    while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$cur")
}

_rnetstat() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} switch
    COMPREPLY=()
    # bash takes '--state=a' and ':80' apart.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == : && $COMP_CWORD -ge 1 ]]; then
        _rnetstat_list < <(_rnetstat_now ' ' --columns local_port)
        return
    elif [[ $prev == = && $COMP_CWORD -ge 2 ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case $prev in
@CASES@
    esac
    case $cur in
        -*) while IFS= read -r switch; do COMPREPLY+=("$switch"); done < <(compgen -W '@SWITCHES@' -- "$cur") ;;
        :) cur= && _rnetstat_list < <(_rnetstat_now ' ' --columns local_port) ;;
    esac
}

complete -F _rnetstat rnetstat
