#!/usr/bin/env bash
# Installs what is missing to build and run hwnas on Debian 12 or newer, with apt. Does nothing where
# all is there. Used by quickstart.sh and tests/run.sh.
set -euo pipefail
packages=(
  g++ cmake ninja-build git
  libtorch-dev libopenblas0-pthread libtbb-dev libboost-program-options-dev
  libsqlite3-dev sqlite3 libeigen3-dev libxgboost-dev libonnx-dev libprotobuf-dev libtomlplusplus-dev nlohmann-json3-dev libcpp-httplib-dev zlib1g-dev ca-certificates
  libgtest-dev libgmock-dev libbenchmark-dev libpagmo-dev slurm-wlm munge ccache dpkg-dev file
  dataset-fashion-mnist jargon-text
)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
if ! command -v apt-get >/dev/null; then
  echo "hwnas: needs these Debian packages or their like: ${missing[*]}" >&2
  exit 2
fi
run=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "hwnas: please install as root: apt-get install ${missing[*]}" >&2; exit 2; }
  run=(sudo)
fi
echo "installing: ${missing[*]}"
"${run[@]}" apt-get update -qq
"${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
