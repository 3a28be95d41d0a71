#!/bin/sh
# Configures (once) and builds one of the build folders: release, check (ASan+UBSan), tsan, fuzz.
set -eu
kind=$1
shift
dir=build/$kind
case $kind in
release) options="-Dtests=false -Dbench=true -Dbuildtype=release -Db_lto=false" ;;
check) options="-Dfaults=true -Dbuildtype=debug -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false" ;;
tsan) options="-Dbuildtype=debug -Doptimization=1 -Db_sanitize=thread -Db_lundef=false" ;;
fuzz) options="-Dc_args=-fsanitize=fuzzer-no-link -Dbuildtype=debug -Doptimization=1 -Dfuzzers=true -Db_sanitize=address,undefined -Db_lundef=false" ;;
*) echo "build.sh: there is no build $kind" >&2 && exit 2 ;;
esac
[ -z "${CI:-}" ] || options="$options -Dwerror_all=true"
if [ "$kind" = fuzz ]; then
    CC=clang
    export CC
fi
if command -v ccache >/dev/null 2>&1; then
    CC="ccache ${CC:-gcc}"
    export CC
fi
# shellcheck disable=SC2086
[ -f "$dir/build.ninja" ] || meson setup "$dir" $options >/dev/null || { cat "$dir/meson-logs/meson-log.txt" >&2; exit 1; }
exec ninja -C "$dir" -j "${JOBS:-$(nproc)}" --quiet "$@"
