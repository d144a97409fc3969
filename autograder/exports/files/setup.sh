#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the container; its output is shown on Configure Autograder.
set -euo pipefail
root="${AUTOGRADER_ROOT:-/autograder}"
venv="${SHORTEST_VENV:-/opt/shortest}"
export DEBIAN_FRONTEND=noninteractive

# The first Python that is new enough: Ubuntu 22.04 starts with 3.10, which is not.
find_python() {
  for name in python3.13 python3.12 python3.11 python3; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
      command -v "$name"
      return 0
    fi
  done
  return 1
}

install() {
  apt-get update
  apt-get install -y --no-install-recommends "$@"
}

if ! python="$(find_python)"; then
  install python3.12 python3.12-venv || install python3.11 python3.11-venv
  python="$(find_python)" || { echo "setup.sh: no Python 3.11 or newer; choose a newer base image" >&2; exit 1; }
fi
if ! "$python" -m venv "$venv"; then
  install "$(basename "$(readlink -f "$python")")-venv"
  "$python" -m venv --clear "$venv"
fi

wheels=("$root"/source/*.whl)
"$venv/bin/python" -m pip install --quiet --constraint "$root/source/constraints.txt" "${wheels[0]}[gradescope]"
chmod -R go= "$root/source"
"$venv/bin/python" -I -m autograder.exports.container --self-test
