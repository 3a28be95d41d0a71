#!/bin/sh
# make docs: writes docs/cli.md from the command tables and the README's scenario catalogue from the list of scenarios.
# docs.sh --check writes nothing and fails where they are not up to date; --check catalogue needs no programs, --check cli
# no scenarios.
set -eu
cd "$(dirname "$0")/.."
touchdown=${TOUCHDOWN:-build/touchdown}
device=${TOUCHDOWN_DEVICE:-build/touchdown-device}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mode=${1:-write}
only=${2:-}
status=0

settle() { # made, kept
    if [ "$mode" = write ]; then
        cp "$1" "$2"
    elif ! diff -u "$2" "$1"; then
        echo "docs: $2 is not up to date; run make docs" >&2
        status=1
    fi
}

catalogue() {
    printf '| scenario | in | what it shows |\n|---|---|---|\n'
    python3 tests/e2e/run.py --catalogue
}

if [ "$only" != cli ]; then
    catalogue >"$work/rows"
    awk -v rows="$work/rows" '
        /^<!-- end of catalogue -->$/ { inside = 0 }
        !inside { print }
        /^<!-- catalogue -->$/ { inside = 1; while ((getline line < rows) > 0) print line }' README.md >"$work/README.md"
    settle "$work/README.md" README.md
fi
if [ "$only" != catalogue ]; then
    "$touchdown" help --markdown >"$work/cli.md"
    { echo; "$device" help --markdown; } >>"$work/cli.md"
    settle "$work/cli.md" docs/cli.md
fi
exit $status
