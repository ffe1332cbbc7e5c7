#!/bin/sh
# run_fuzz.sh BINARY RUNS SEED_FOLDER...: fuzz from the seeds; what is found new goes to a folder that is
# removed at the end, so that the tree stays as it is. A crash leaves its input in the working directory.
set -eu
binary=$1 runs=$2
shift 2
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT INT TERM
"$binary" -runs="$runs" -max_len=16384 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 "$corpus" "$@"
