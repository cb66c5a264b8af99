#!/usr/bin/env bash
# Unpacks the Debian packages that the engine is built with below .gpu-deps/, for a machine that has no network and no
# rights to install: scripts/gpu_run.sh finds them there when the source tree is copied with that folder. Nothing is
# installed here, and root is not needed. The compiled parts are of this machine's Debian release: the other machine
# needs its glibc or a newer one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(libhwy-dev libhwy1 libeigen3-dev libtomlplusplus-dev libtomlplusplus3 libcli11-dev nlohmann-json3-dev
          libfmt-dev libfmt9 libfast-float-dev zlib1g-dev doctest-dev libbenchmark-dev libbenchmark1debian)

rm -rf .gpu-deps
mkdir -p .gpu-deps/packages
(cd .gpu-deps/packages && apt-get download -qq "${packages[@]}")
for package in .gpu-deps/packages/*.deb; do dpkg -x "$package" .gpu-deps; done
rm -r .gpu-deps/packages .gpu-deps/usr/share/doc
# Links to places outside, as zlib's to /lib, would hide the static library beside them.
find .gpu-deps -lname '/*' -delete
echo "== $(du -sh .gpu-deps | cut -f 1) in .gpu-deps"
