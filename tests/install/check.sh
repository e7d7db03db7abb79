#!/usr/bin/env bash
# check.sh BUILD SOURCE: installs BUILD into a scratch prefix, builds a consumer outside the tree with
# find_package(hwnas), runs it and the installed program from another folder.
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
echo "installed hwnas works"
