#!/bin/sh
# sh docs/build.sh
#
# Installs doxygen if it has permission, and builds the website in build/docs from the headers and the Markdown files;
# its first page is build/docs/index.html. A warning from doxygen is an error.
set -eu
cd "$(dirname -- "$0")/.."
. cmake/need.sh

need doxygen command -v doxygen
provide

# A namespace without a line in docs/namespaces.dox would be missing on the site, and a line for a namespace that no
# longer exists would still appear.
stated=$(sed -n 's,^/// @namespace ,,p' docs/namespaces.dox | sort)
found=$(grep -rhoE '^namespace localis[a-z0-9_:]*' include | sed 's,^namespace ,,; /detail/d' | sort -u)
if [ "$stated" != "$found" ]; then
  say "docs/namespaces.dox: expected: $(echo $found); found: $(echo $stated)"
  exit 1
fi

version=$(awk '/define LOCALIS_VERSION / { printf "%d.%d.%d", $3 / 10000, $3 / 100 % 100, $3 % 100 }' \
  include/localis/version.hpp)
rm -rf build/docs
mkdir -p build
{ cat docs/Doxyfile && echo "PROJECT_NUMBER = $version"; } | doxygen -
say "build/docs/index.html"
