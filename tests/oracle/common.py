"""What the scripts that write golden values share: random inputs, checks, reproducible NPZ files.

Golden values are PyTorch's, in float64 on one CPU thread with oneDNN off: through oneDNN, PyTorch 1.13 gave
other gradients for the same batch at each try. Nothing is written before the same calculation gave the same
bits twice and agreed with float32. The scripts need:  pip install torch numpy
"""

import io
import pathlib
import zipfile

import numpy as np
import torch

FOLDER = pathlib.Path(__file__).parent / "golden"


def random(rng, *shape, scale=1.0):
    """Normal numbers of sd `scale`, in multiples of 1/256: exact in float32, small when deflated."""
    return np.round(256 * scale * rng.standard_normal(shape)) / 256


def verified(compute, float32_tolerance):
    """compute(torch.float64), a dict of arrays, once they are known to repeat and float32 agrees.

    float32_tolerance is relative to an array's largest value. A case that exceeds it is ill-conditioned (its
    largest value is what is left of larger ones) and could not hold the engine's float32 to anything.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.backends.mkldnn.enabled = False
    golden, again, single = (compute(dtype) for dtype in (torch.float64, torch.float64, torch.float32))
    for name, expected in golden.items():
        if not np.isfinite(expected).all():
            raise SystemExit(f"{name} is not finite")
        if expected.tobytes() != again[name].tobytes():
            raise SystemExit(f"{name} differs between two runs")
        error = np.abs(single[name] - expected).max()
        if error > float32_tolerance * np.abs(expected).max():
            raise SystemExit(f"{name}: float32 is off by {error}")
    return golden


def flatten(tree, prefix=""):
    """{"a": {"b": x}} as {"a/b": x}."""
    flat = {}
    for name, value in tree.items():
        inner = isinstance(value, dict)
        flat |= flatten(value, f"{prefix}{name}/") if inner else {prefix + name: np.asarray(value)}
    return flat


def write(file_name, tree):
    """Writes the arrays as golden/<file_name>, with the same bytes each time."""
    arrays = flatten(tree) | {"torch_version": np.asarray(torch.__version__)}
    FOLDER.mkdir(exist_ok=True)
    with zipfile.ZipFile(FOLDER / file_name, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in sorted(arrays.items()):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
            stamp = zipfile.ZipInfo(name + ".npy", date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(stamp, member.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)
    print(f"{file_name}: {len(arrays)} arrays, {(FOLDER / file_name).stat().st_size} bytes")
