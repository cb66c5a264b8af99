"""scripts/convert_pickle.py on pickles made here. Without numpy or joblib: exit code 77, skipped.

scikit-learn is not needed: classes of its names, with the attributes that it pickles, stand in for it. Where it is
installed its own classes are pickled too.
"""

import os
import subprocess
import sys
import tempfile
import types

try:
    import joblib
    import numpy
except ImportError as error:
    print(f"skipped: {error}; Debian's python3-numpy and python3-joblib have it")
    sys.exit(77)

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "convert_pickle.py")
CLASSES = ["CONDUCTIVE", "NEUROPATHY", "NORMAL", "SNHL", "TOTAL"]
MEAN, SCALE = [30.0, 70.0, 27.0, 1.5], [6.0, 20.0, 9.0, 0.3]


def stand_in(module, name):
    """A class that pickles under scikit-learn's name."""
    for part in ("sklearn", "sklearn.preprocessing", module):
        sys.modules.setdefault(part, types.ModuleType(part))
    made = type(name, (), {"__module__": module})
    setattr(sys.modules[module], name, made)
    return made


def old_file(scaler=None, encoder=None):
    if scaler is None:
        scaler = stand_in("sklearn.preprocessing._data", "StandardScaler")()
        scaler.mean_, scaler.scale_ = numpy.array(MEAN), numpy.array(SCALE)
        scaler.with_mean, scaler.n_samples_seen_ = True, 12
        encoder = stand_in("sklearn.preprocessing._label", "LabelEncoder")()
        encoder.classes_ = numpy.array(CLASSES)
    random = numpy.random.default_rng(1)
    data = [{"patient_id": f"Hasta {i // 3}", "static_params": random.normal(size=4).astype(numpy.float32),
             "signal": random.normal(size=200).astype(numpy.float32),
             "v_peak": numpy.array([5.5 + 0.1 * i, 0.3]), "v_peak_mask": numpy.array([i % 2 == 0, i % 4 == 0]),
             "target": numpy.int64(i % 5)} for i in range(12)]
    data[3]["clinical_threshold"] = 45.0
    return {"data": data, "scaler": scaler, "label_encoder": encoder}


def check_scikit_learn(folder):
    """Before anything stands in for it."""
    try:
        from sklearn.preprocessing import LabelEncoder, StandardScaler
    except ImportError as error:
        print(f"scikit-learn's own classes: skipped ({error})")
        return
    scaler = StandardScaler().fit(numpy.random.default_rng(2).normal(MEAN, SCALE, size=(50, 4)))
    old = old_file(scaler, LabelEncoder().fit(CLASSES))
    for compress in (0, 3, "gzip", "bz2", "lzma", "xz"):
        done, target = run(folder, old, compress=compress)
        assert done.returncode == 0, (compress, done.stderr)
        check_values(target, old)
    print("scikit-learn's own classes: converted, plain and in five compressions")


def check_versions(folder):
    """NumPy 1 and 2 call the module of its scalars differently; protocol 2 writes bytes in a way of its own."""
    source, old = os.path.join(folder, "old.pkl"), old_file()
    for version in ("numpy.core.", "numpy._core."):
        joblib.dump(old, source, protocol=3)  # names as lines of text
        with open(source, "rb") as file:
            pickled = file.read().replace(b"numpy._core.", b"numpy.core.").replace(b"numpy.core.", version.encode())
        assert version.encode() in pickled
        with open(source, "wb") as file:
            file.write(pickled)
        done, target = run(folder, None)
        assert done.returncode == 0, (version, done.stderr)
        check_values(target, old)
    joblib.dump(old, source, protocol=2)
    done, target = run(folder, None)
    assert done.returncode == 0, done.stderr
    check_values(target, old)


def run(folder, old, *arguments, compress=0):
    source, target = os.path.join(folder, "old.pkl"), os.path.join(folder, "new.npz")
    if old is not None:
        joblib.dump(old, source, compress=compress)
    if os.path.exists(target):
        os.unlink(target)
    done = subprocess.run([sys.executable, SCRIPT, source, target, "--sample-interval-ms", "0.1", *arguments],
                          capture_output=True, text=True, check=False)
    assert "can run code" in done.stderr, done.stderr
    return done, target


def check_values(target, old):
    with numpy.load(target, allow_pickle=False) as npz:
        data = old["data"]
        assert list(npz["patient_id"]) == [r["patient_id"] for r in data]
        assert list(npz["class"]) == [CLASSES[r["target"]] for r in data]
        assert numpy.array_equal(npz["signal"], numpy.array([r["signal"] for r in data]))
        for column, name in enumerate(["age_years", "intensity_db", "rate_hz", "fmp"]):
            expected = numpy.array([r["static_params"][column] for r in data], float)
            expected = expected * old["scaler"].scale_[column] + old["scaler"].mean_[column]
            assert numpy.allclose(npz[name], expected, rtol=1e-6), name
        assert list(numpy.isnan(npz["wave_v_latency_ms"])) == [i % 2 != 0 for i in range(12)]
        assert list(numpy.isnan(npz["wave_v_amplitude_uv"])) == [i % 4 != 0 for i in range(12)]
        assert npz["wave_v_latency_ms"][2] == numpy.float32(5.7)
        assert npz["threshold_db"][3] == 45 and numpy.isnan(npz["threshold_db"][4])
        assert npz["sample_interval_ms"] == 0.1


def refused(folder, old, message):
    done, target = run(folder, old)
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert message in done.stderr, (message, done.stderr)
    assert not os.path.exists(target)


class Hostile:
    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (os.path.join(self.folder, "made_by_the_pickle"),)


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_scikit_learn(folder)
        check_versions(folder)
        old = old_file()
        for classes in (CLASSES, numpy.array(CLASSES, dtype=object)):
            old["label_encoder"].classes_ = numpy.asarray(classes)
            for compress in (0, 3):
                done, target = run(folder, old, compress=compress)
                assert done.returncode == 0, done.stderr
                check_values(target, old)
        if len(sys.argv) > 1:  # the engine reads what was written
            check = subprocess.run([sys.argv[1], "check-data", os.devnull, "--set", "data.source=npz",
                                    "--set", "data.path=" + target], capture_output=True, text=True, check=False)
            assert "12 recordings of 4 patients, 200 samples of 0.1 ms" in check.stdout, check.stdout + check.stderr

        refused(folder, [1, 2], "no `data`")
        refused(folder, {"data": []}, "label_encoder")
        refused(folder, {**old_file(), "data": []}, "not empty")
        refused(folder, {**old_file(), "scaler": {"mean": 1}}, "expected scikit-learn's StandardScaler")
        for key, value, message in (("signal", numpy.zeros(3), "data[7].signal: 3 numbers, expected 200"),
                                    ("static_params", [1, 2, 3], "data[7].static_params: 3 numbers, expected 4"),
                                    ("target", 9, "data[7].target: 9.0, expected an index"),
                                    ("v_peak", ["a", "b"], "data[7].v_peak: expected 2 numbers")):
            old = old_file()
            old["data"][7][key] = value
            refused(folder, old, message)
        for hostile in (Hostile(folder), numpy.array([Hostile(folder)], dtype=object)):
            refused(folder, {**old_file(), "data": hostile}, "it asks to load")
        assert not os.path.exists(os.path.join(folder, "made_by_the_pickle"))
        with open(os.path.join(folder, "old.pkl"), "wb") as file:
            file.write(b"patient_id,s0\n1,2\n")
        refused(folder, None, "not a pickle that joblib wrote, or damaged")
    print("convert_pickle: all checks passed")


main()
