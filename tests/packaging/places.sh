# sh places.sh SOURCE FOLDER
# A checkout in a folder of an odd name configures through cmake/need.sh as the scripts do; moved, or copied with what was
# built, it does so anew; a name that CMake cannot hold is refused.
set -eu
source=$1 folder=$2
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"

checkout() {
  mkdir "$1"
  cp -R "$source/CMakeLists.txt" "$source/LICENSE" "$source/cmake" "$source/include" "$1"
}
configures() (
  root=$PWD/$1
  . "$root/cmake/need.sh"
  configure "$root/build" -DLOCALIS_BUILD_TESTS=OFF -DLOCALIS_BUILD_EXAMPLES=OFF 2>"$folder/log"
  grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$root/build/CMakeCache.txt"
)
expect() { # COMMAND...
  "$@" || {
    echo "expected, of $folder: $*; found:" >&2
    cat log >&2
    exit 1
  }
}

odd="it's a+b, \$1 & (ü) #2"
checkout "$odd"
expect configures "$odd"
expect configures "$odd" # once more, with its own cache
expect [ ! -s log ]
mv "$odd" moved
expect configures moved
expect grep -q 'configuring anew' log
cp -R moved copied # both are there
expect configures copied
expect grep -q 'configuring anew' log
expect configures moved
expect [ ! -s log ]
ln -s moved link # another path to the same place
(cd link && root=$PWD && . ./cmake/need.sh && configure "$root/build" 2>"$folder/log")
expect [ ! -s log ]

for wrong in 'a;b' 'a"b' 'a${b}' 'a[b]' 'a<b>' 'a|b'; do
  checkout "$wrong"
  if configures "$wrong" || ! tr -s ' \n' ' ' <log | grep -q 'localis: folders of source and build: expected none of'; then
    echo "$wrong: expected a refusal, found:" >&2
    cat log >&2
    exit 1
  fi
done
