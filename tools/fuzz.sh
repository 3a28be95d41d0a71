#!/bin/sh
# Builds the fuzz targets with libFuzzer and runs each for SECONDS (30 unless told), from its seeds; new findings are kept
# in build/fuzz-findings. A crash, leak or hang fails.
set -eu
seconds=${1:-30}
tools/build.sh fuzz
status=0
mkdir -p build/fuzz-findings
for target in build/fuzz/tests/fuzz/fuzz_*; do
    [ -x "$target" ] && [ -f "$target" ] || continue
    name=${target##*/fuzz_}
    mkdir -p "build/fuzz-corpus/$name" "build/fuzz-findings/$name"
    if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=0 -verbosity=0 \
        -artifact_prefix="build/fuzz-findings/$name/" "build/fuzz-corpus/$name" "tests/fuzz/corpus/$name" \
        >"build/fuzz-findings/$name/log" 2>&1; then
        echo "fuzz $name: ${seconds} s, nothing found"
    else
        echo "fuzz $name: FOUND something, see build/fuzz-findings/$name"
        tail -n 30 "build/fuzz-findings/$name/log"
        status=1
    fi
done
exit $status
