#!/bin/sh
# make docs: writes docs/cli.md from the command tables, the tables of docs/graph.md, docs/tasks/roles.md and
# docs/tasks/actions.md from those that the service runs by, the codes in docs/tasks/codes.md, attestation.md and hybrid.md, and the README's scenario catalogue from the list of scenarios.
# docs.sh --check writes nothing and fails where they are not up to date; --check catalogue needs no programs, --check cli,
# --check codes, --check graph, --check roles and --check actions no scenarios.
set -eu
cd "$(dirname "$0")/.."
touchdown=${TOUCHDOWN:-build/touchdown}
device=${TOUCHDOWN_DEVICE:-build/touchdown-device}
graph=${GRAPH_DOC:-build/release/src/graph/graph-doc}
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

between() { # mark, rows, file: the file with the rows between its two marks
    awk -v mark="$1" -v rows="$2" '
        $0 == "<!-- end of " mark " -->" { inside = 0 }
        !inside { print }
        $0 == "<!-- " mark " -->" { inside = 1; while ((getline line < rows) > 0) print line }' "$3"
}

catalogue() {
    printf '| scenario | in | what it shows |\n|---|---|---|\n'
    python3 tests/e2e/run.py --catalogue
}

wants() { # part
    [ -z "$only" ] || [ "$only" = "$1" ]
}

if wants catalogue; then
    catalogue >"$work/rows"
    between catalogue "$work/rows" README.md >"$work/README.md"
    settle "$work/README.md" README.md
fi
if wants cli; then
    "$touchdown" help --markdown >"$work/cli.md"
    { echo; "$device" help --markdown; } >>"$work/cli.md"
    settle "$work/cli.md" docs/cli.md
fi
if wants codes; then
    "$touchdown" code --markdown >"$work/codes"
    between codes "$work/codes" docs/tasks/codes.md >"$work/codes.md"
    settle "$work/codes.md" docs/tasks/codes.md
    "$touchdown" code --area attestation --markdown >"$work/refusals"
    between refusals "$work/refusals" docs/tasks/attestation.md >"$work/attestation.md"
    settle "$work/attestation.md" docs/tasks/attestation.md
    "$touchdown" code --area "hybrid join" --markdown >"$work/reasons"
    between reasons "$work/reasons" docs/tasks/hybrid.md >"$work/hybrid.md"
    settle "$work/hybrid.md" docs/tasks/hybrid.md
fi
if wants roles; then
    "$graph" roles >"$work/rights"
    between rights "$work/rights" docs/tasks/roles.md >"$work/roles.md"
    settle "$work/roles.md" docs/tasks/roles.md
fi
if wants actions; then
    "$graph" actions >"$work/kinds"
    between actions "$work/kinds" docs/tasks/actions.md >"$work/actions.md"
    settle "$work/actions.md" docs/tasks/actions.md
fi
if wants graph; then
    "$graph" >"$work/tables"
    between interface "$work/tables" docs/graph.md >"$work/graph.md"
    settle "$work/graph.md" docs/graph.md
fi
exit $status
