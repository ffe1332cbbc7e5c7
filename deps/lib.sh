# What deps/up and tests/run share: messages, Debian packages, the build. Sourced by bash with -eu.

say() { printf '%s\n' "$*"; }
die() {
    printf '%s: %s\n' "$me" "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# missing_packages LIST...: names of what is not installed.
missing_packages() {
    local package command status
    cat "$@" | while read -r package command; do
        case $package in '' | '#'*) continue ;; esac
        if [ -n "$command" ] && command -v "$command" >/dev/null 2>&1; then
            continue
        fi
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=none
        [ "$status" = installed ] || printf '%s ' "$package"
    done
}

# need_packages LOG LIST...: installs what is missing, and touches nothing where nothing is.
need_packages() {
    local log=$1 missing
    shift
    command -v dpkg-query >/dev/null 2>&1 ||
        die "no Debian here: install what ${*##*/} names, then meson setup build && ninja -C build"
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1 ||
        die "packages are missing and there is no sudo; as root: apt-get install ${missing% }"
    say "installing: ${missing% }"
    # Debian starts a redis-server of its own as it is installed: nobody asked for that one.
    # shellcheck disable=SC2086
    if ! {
        as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get update -q &&
            as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
                apt-get install -y -q --no-install-recommends $missing
    } >"$log" 2>&1 </dev/null; then
        die "apt-get failed ($(tail -n 1 "$log")); see $log, then: apt-get install ${missing% }"
    fi
}

# need_build DIR LOG [MESON OPTION...]: configures once, builds what changed.
need_build() {
    local dir=$1 log=$2
    shift 2
    if [ ! -f "$dir/build.ninja" ]; then
        rm -rf "$dir"
        meson setup "$dir" "$@" >"$log" 2>&1 </dev/null ||
            die "meson failed ($(grep -m1 ERROR "$log" || tail -n 1 "$log")); see $log"
    fi
    ninja -C "$dir" >"$log" 2>&1 </dev/null ||
        die "the build failed ($(grep -m1 -E '(error|ERROR):' "$log" || grep -m1 ^FAILED "$log" || tail -n 1 "$log")); see $log"
}
