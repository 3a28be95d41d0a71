#!/bin/sh
# Builds the fuzz targets with libFuzzer and runs each for SECONDS (30 unless told) from its seeds, JOBS at a time; new
# findings are kept in build/fuzz-findings. A crash, leak or hang fails.   fuzz.sh [SECONDS]   fuzz.sh --one TARGET SECONDS
# FUZZ_SEED=N makes a run repeat itself (continuous integration); without it every run goes other ways.
set -eu

one() {
    target=$1 seconds=$2 name=${1##*/fuzz_}
    mkdir -p "build/fuzz-corpus/$name" "build/fuzz-findings/$name"
    rm -f "build/fuzz-findings/$name/failed"
    if "$target" -seed="${FUZZ_SEED:-0}" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=0 -verbosity=0 \
        -artifact_prefix="build/fuzz-findings/$name/" "build/fuzz-corpus/$name" "tests/fuzz/corpus/$name" \
        >"build/fuzz-findings/$name/log" 2>&1; then
        echo "fuzz $name: ${seconds} s, nothing found"
        return 0
    fi
    echo "fuzz $name: FOUND something, see build/fuzz-findings/$name"
    touch "build/fuzz-findings/$name/failed"
    return 1
}

# What was found stands last, whole enough to be run again elsewhere: the stack, and the input as base64.
tell() {
    for failed in build/fuzz-findings/*/failed; do
        dir=${failed%/failed}
        echo "=== $dir"
        grep -n -A 25 -E 'ERROR|SUMMARY|deadly signal|ALARM' "$dir/log" | cut -c1-300 | tail -n 60
        for input in "$dir"/crash-* "$dir"/leak-* "$dir"/timeout-* "$dir"/oom-*; do
            [ -f "$input" ] || continue
            echo "--- ${input##*/}"
            head -c 6000 "$input" | base64 -w 160
        done
    done
}

if [ "${1:-}" = --one ]; then
    one "$2" "$3"
    exit
fi
seconds=${1:-30}
tools/build.sh fuzz
find build/fuzz/tests/fuzz -maxdepth 1 -type f -perm -u+x -name 'fuzz_*' | sort |
    xargs -P "${JOBS:-$(nproc)}" -I '{}' "$0" --one '{}' "$seconds" || { tell && exit 1; }
