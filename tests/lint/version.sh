#!/bin/bash
# version.sh: the packages' version is that of CMakeLists.txt, where it is set.
. "$(dirname "$0")/lib.sh"

project=$(sed -nE 's/^project\(berth VERSION ([0-9.]+) .*/\1/p' CMakeLists.txt)
package=$(sed -nE '1s/^berth \(([^)]*)\) .*/\1/p' debian/changelog)
[ -n "$project" ] && [ "$package" = "$project" ] && exit 0
echo "debian/changelog:1: version '$package'; CMakeLists.txt has '$project'"
exit 1
