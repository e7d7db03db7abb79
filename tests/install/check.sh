#!/usr/bin/env bash
# check.sh BUILD SOURCE: installs BUILD into a scratch prefix, builds a consumer outside the tree with
# find_package(hwnas), runs it and the installed program from another folder. Then the Debian packages,
# and a released tarball, which knows its commit without git.
set -euo pipefail
build=$1 source=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$build" --prefix "$folder/usr" >/dev/null
cmake -G Ninja -S "$source/tests/install" -B "$folder/build" -DCMAKE_PREFIX_PATH="$folder/usr" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$folder/build" >/dev/null
cd "$folder"
answer=$(build/consumer usr/share/hwnas/devices/stm32l4r5.toml)
[ "$answer" = "stm32l4r5 1 3" ] || { echo "consumer said: $answer"; exit 1; }
page=$(usr/bin/hwnas devices show stm32l4r5)
[[ $page == *"$folder/usr/share/hwnas/devices/stm32l4r5.toml"* ]] || { echo "the installed program found another device: $page"; exit 1; }
usr/bin/hwnas estimate resnet8 --device stm32l4r5 >/dev/null
# Plug-ins of users, outside of everything, against the installed header alone.
cp -r usr/share/hwnas/plugin_examples examples
cmake -G Ninja -S examples -B examples/build -DCMAKE_PREFIX_PATH="$folder/usr" >/dev/null
cmake --build examples/build >/dev/null
cmake --install examples/build --prefix "$folder/examples" >/dev/null
for device in my_chip my_fpga; do
  page=$(usr/bin/hwnas estimate resnet8 --bits 8 --device "./examples/$device.toml")
  [[ $page == *"$device "*" ms "* ]] || { echo "the plug-in $device said: $page"; exit 1; }
done
fail() { echo "$*"; exit 1; }
has() { dpkg-deb -f "$1" Depends | grep -q "$2"; }
cpack --config "$build/CPackConfig.cmake" -B "$folder/packages" >cpack.log 2>&1 || fail "$(cat cpack.log)"
cd packages
has hwnas_*.deb libtbb || fail "package hwnas does not say what it needs: $(dpkg-deb -f hwnas_*.deb)"
! has hwnas_*.deb libtorch || fail "package hwnas needs LibTorch"
has hwnas-dev_*.deb libsqlite3-dev || fail "package hwnas-dev does not say what it needs"
dpkg-deb -c hwnas-dev_*.deb >dev.txt
dpkg-deb -c hwnas_*.deb >hwnas.txt
grep -q usr/include/hwnas/space/network.h dev.txt || fail "package hwnas-dev has no headers"
! grep -q usr/include hwnas.txt || fail "package hwnas has headers"
dpkg-deb -x hwnas_*.deb "$folder/root"
version=$("$folder/root/usr/bin/hwnas" --version)
[[ $version == *"nothing can be trained"* ]] || fail "hwnas without a trainer does not say so"
if [ -x "$build/bin/hwnas-trainer" ]; then
  has hwnas-trainer_*.deb libtorch || fail "package hwnas-trainer does not say that it needs LibTorch"
  dpkg-deb -x hwnas-trainer_*.deb "$folder/root"
  version=$("$folder/root/usr/bin/hwnas" --version)
  [[ $version == *"hwnas-trainer "*LibTorch* ]] || fail "the packages do not go together"
fi

if [ -e "$source/.git" ]; then
  mkdir "$folder/tree"
  git -c safe.directory='*' -C "$source" archive HEAD | tar -x -C "$folder/tree"
  cmake -G Ninja -S "$folder/tree" -B "$folder/tarball" -DHWNAS_TRAINER=OFF -DHWNAS_TESTS=OFF >/dev/null
  cmake --build "$folder/tarball" --target hwnas_space hwnas_commit >/dev/null
  grep -q "\"$(git -c safe.directory='*' -C "$source" log -1 --format=%h)" "$folder/tarball/experiments/commit.h" ||
    fail "a tarball does not know its commit: $(cat "$folder/tarball/experiments/commit.h")"
fi
echo "installed hwnas works"
