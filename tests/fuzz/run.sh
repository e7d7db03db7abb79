#!/usr/bin/env bash
# run.sh [SECONDS [NAME...]]: builds the fuzzers with clang and runs each for so long (600 s), two at a
# time. New inputs that reach new code are kept in build-fuzz/found/NAME, failures in build-fuzz/failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=${1:-600}
names=("${@:2}")
if [ ${#names[@]} -eq 0 ]; then
  for corpus in tests/fuzz/corpus/*/; do names+=("$(basename "$corpus")"); done
fi
compiler=$(command -v clang++ || command -v clang++-14) || { echo "needs clang (Debian: clang libclang-rt-14-dev)" >&2; exit 2; }
cmake -G Ninja -S . -B build-fuzz -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_C_COMPILER="${compiler/++/}" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DHWNAS_FUZZ=ON -DHWNAS_TRAINER=OFF -DHWNAS_SANITIZE=address,undefined,fuzzer-no-link >/dev/null
cmake --build build-fuzz -j2 --target "${names[@]/#/fuzz_}"
mkdir -p build-fuzz/failed
one() {
  mkdir -p "build-fuzz/found/$1"
  UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "build-fuzz/bin/fuzz_$1" -max_total_time="$2" -timeout=10 -rss_limit_mb=512 -max_len=65536 \
    -print_final_stats=1 -artifact_prefix="build-fuzz/failed/$1-" "build-fuzz/found/$1" $(cat "build-fuzz/seeds/$1") >"build-fuzz/$1.log" 2>&1 &&
    echo "$1: $(grep -oP 'number_of_executed_units: \K.*' "build-fuzz/$1.log") inputs, nothing failed" || { echo "$1: FAILED, see build-fuzz/$1.log"; return 1; }
}
export -f one
printf '%s\n' "${names[@]}" | xargs -P2 -I{} bash -c "one {} $seconds"
