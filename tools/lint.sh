#!/bin/sh
# make lint: format, banned functions, include rules, the README's catalogue, file and function sizes, cppcheck, clang-tidy. Warnings are errors.
set -eu
status=0
sources=$(git ls-files 'src/*.c' 'src/*.h' 'tests/*.c' 'tests/*.h')
mkdir -p build

# shellcheck disable=SC2086
clang-format --dry-run --Werror $sources 2>build/format.log || { head -n 40 build/format.log; echo "lint: run clang-format -i on these files"; status=1; }
python3 tools/rules.py || status=1
tools/docs.sh --check catalogue || status=1
# shellcheck disable=SC2046
cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr --suppressions-list=tools/cppcheck.txt \
    -Isrc -D_GNU_SOURCE -DTD_VERSION='""' -j "$(nproc)" $(git ls-files 'src/*.c') || { echo "lint: cppcheck"; status=1; }
tools/build.sh check build.ninja >/dev/null # configured, so that every compile command is known; nothing is built
git ls-files 'src/*.c' | xargs -P "$(nproc)" -n 4 clang-tidy -p build/check --quiet 2>build/tidy.err >build/tidy.log || {
    grep -hE 'warning:|error:' build/tidy.log build/tidy.err | sort -u | head -n 60
    echo "lint: clang-tidy"
    status=1
}
[ "$status" = 1 ] || echo "lint: nothing found"
exit $status
