"""Writes the files that npz_test.cpp and safetensors_test.cpp read, with the libraries that own the formats.

Written with NumPy 2.4.6 and safetensors 0.8.0:  python3 tests/oracle/formats.py
"""

import zipfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save

folder = Path(__file__).parent / "formats"

arrays = {
    "float32": np.arange(6, dtype="<f4").reshape(2, 3) / 4,
    "float64": np.array([1e300, -0.1, np.nan]),
    "int64": np.array([-(2**62), 3], dtype="<i8"),
    "int32": np.array([-7, 8], dtype="<i4"),
    "int16": np.array([-300], dtype="<i2"),
    "uint8": np.array([[255], [0]], dtype="|u1"),
    "uint64": np.array([2**64 - 1], dtype="<u8"),
    "bool": np.array([True, False, True]),
    "text": np.array(["NORMAL", "NÖROPATİ", "", "𝄞"]),
    "bytes": np.array([b"left", b"r"]),
    "scalar": np.float64(0.1),
    "empty": np.zeros((0, 200), dtype="<f4"),
    "fortran": np.asfortranarray(np.arange(24, dtype="<i4").reshape(2, 3, 4)),
}
np.savez(folder / "numpy_stored.npz", **arrays)
np.savez_compressed(folder / "numpy_deflated.npz", **arrays)

refused = {
    "objects": np.array(["a", 1], dtype=object),
    "big_endian": np.array([1.0], dtype=">f4"),
    "structured": np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]),
    "complex": np.array([1j]),
    "half": np.array([1.0], dtype="<f2"),
    "dates": np.array(["2020-01-01"], dtype="datetime64[D]"),
}
np.savez(folder / "numpy_refused.npz", **refused)

# Versions 2 and 3 of .npy, and a member with a zip64 size in the central directory.
with zipfile.ZipFile(folder / "numpy_versions.npz", "w") as archive:
    for version in (2, 3):
        with archive.open(f"v{version}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, np.array([1.5, 2.5]), version=(version, 0))

(folder / "python.safetensors").write_bytes(
    save(
        {
            "b": np.arange(3, dtype="<f4"),
            "a/weight": np.arange(4, dtype="<f4").reshape(2, 2),
            "wide": np.array([0.1, -2.0]),
            "counts": np.array([5, -6], dtype="<i8"),
            "bytes": np.array([1, 2, 3], dtype="|u1"),
            "scalar": np.array(7.0, dtype="<f4"),
            "none": np.zeros((0, 4), dtype="<f4"),
        },
        metadata={"kind": 'quoted "text" ö'},
    )
)
