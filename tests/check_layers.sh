#!/usr/bin/env bash
# Calls go down only (main, app, jobs, providers, domain, store, net, base) and each third-party
# library is wrapped by one room. Read from the includes, the meson files and, where the rooms are
# built (build-tests, or the directory given), from the symbols of their libraries.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
build=${1:-build-tests}
passed=0 failed=0

rank() { # ROOM: how high it stands; empty for what is no room
    case $1 in
    base) echo 0 ;; net) echo 1 ;; store) echo 2 ;; domain) echo 3 ;;
    providers) echo 4 ;; jobs) echo 5 ;; app) echo 6 ;; esac
}

verdict() { # WHAT FINDINGS
    if [ -z "$2" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED %s\n%s\n' "$1" "$2"
    fi
}

includes() { # ROOM, PATH…: includes of a higher room, or of another room's private header
    local room=$1 from line file target other mine
    shift
    mine=$(rank "$room")
    grep -rnE '^ *# *include "' "$@" --include='*.[ch]' | while IFS=: read -r file line target; do
        target=${target#*\"} target=${target%%\"*}
        other=$(rank "${target%%/*}")
        case $target in
        ../*)
            case $(realpath -m --relative-to=. "$(dirname "$file")/$target") in
            "${file%%/*}/$room"/*) ;;
            *) echo "$file:$line: \"$target\" leaves the room" ;;
            esac
            ;;
        */*_int.h) [ -z "$other" ] || echo "$file:$line: \"$target\" is private" ;;
        esac
        [ -z "$other" ] || [ "$other" -le "$mine" ] || echo "$file:$line: $room includes \"$target\""
    done
}

for room in base net store domain providers jobs app; do
    paths=("src/$room" "include/$room")
    verdict "includes of $room go down" "$(includes $room "${paths[@]}")"
    found=$(grep -ohE '\bdep_(base|net|store|domain|providers|jobs|app)\b' "src/$room/meson.build" | sort -u |
        while read -r dep; do
            other=${dep#dep_}
            [ "$other" = $room ] || [ "$(rank "$other")" -lt "$(rank $room)" ] || echo "src/$room/meson.build: $dep"
        done)
    verdict "$room links what is below it" "$found"
    [ -f "tests/$room/meson.build" ] || continue
    found=$(grep -ohE '\bdep_(base|net|store|domain|providers|jobs|app)\b' "tests/$room/meson.build" | sort -u |
        while read -r dep; do
            [ "$(rank "${dep#dep_}")" -le "$(rank $room)" ] || echo "tests/$room/meson.build: $dep"
        done)
    verdict "tests of $room link it and what is below" "$found"
done
verdict "the sandbox shares only base and net" "$(includes net src/sandbox)"

# WRAPPER, HEADERS: who may include them. Bench and tests may speak to the libraries themselves.
wrapped() {
    local found
    found=$(grep -rnE "^ *# *include <($2)" src include --include='*.[ch]' | grep -vE "^($1)" || true)
    verdict "<${2%%|*}> is wrapped" "$found"
}
wrapped 'src/net/' 'uv\.h|llhttp\.h|curl/|mbedtls/ssl|mbedtls/x509'
wrapped 'src/store/' 'hiredis/'
wrapped 'src/base/' 'jansson\.h'
wrapped 'src/(base|net)/' 'mbedtls/|psa/'
wrapped 'src/(base|domain)/' 'unicode/'

if command -v nm >/dev/null && [ -f "$build/src/base/libbase.a" ]; then
    names=$(mktemp -d)
    trap 'rm -rf "$names"' EXIT
    for room in base net store domain providers jobs app; do
        lib=$build/src/$room/lib$room.a
        : >"$names/$room.def"
        : >"$names/$room.use"
        [ -f "$lib" ] || continue
        nm -g --defined-only "$lib" 2>/dev/null | awk 'NF == 3 {print $3}' | sort -u >"$names/$room.def"
        nm -g --undefined-only "$lib" 2>/dev/null | awk 'NF == 2 {print $2}' | sort -u >"$names/$room.use"
    done
    below='base net store domain providers jobs app'
    for room in base net store domain providers jobs; do
        below=${below#"$room"} below=${below# }
        found=$(for higher in $below; do
            comm -12 "$names/$room.use" "$names/$higher.def" | comm -23 - "$names/$room.def" |
                sed "s/^/$room calls $higher: /"
        done)
        verdict "symbols of $room go down" "$found"
    done
fi

printf '%d passed, %d failed\n' $passed $failed
[ $failed = 0 ]
