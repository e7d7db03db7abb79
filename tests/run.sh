#!/usr/bin/env bash
# Every test: installs what is missing (apt), builds, runs ctest. Arguments go to ctest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
experiments/install_packages.sh
cmake --preset release -DHWNAS_TESTS=ON >/dev/null
cmake --build --preset release
ctest --test-dir build --output-on-failure -j"${HWNAS_TEST_JOBS:-2}" "$@"
