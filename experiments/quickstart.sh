#!/usr/bin/env bash
# From a fresh clone to a Pareto front: installs what is missing (apt), builds, and runs the main job,
# which is at most six minutes of search. The study is fashion_mnist.db in this folder's checkout.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
start=$SECONDS
experiments/install_packages.sh
echo "== building ($((SECONDS - start)) s)"
cmake --preset release -DHWNAS_TESTS=OFF >/dev/null
cmake --build --preset release
echo "== searching ($((SECONDS - start)) s)"
build/bin/hwnas search fashion_mnist "$@"
echo "== done in $((SECONDS - start)) s. Next:"
echo "   build/bin/hwnas pareto fashion_mnist.db"
echo "   build/bin/hwnas show fashion_mnist.db ID"
