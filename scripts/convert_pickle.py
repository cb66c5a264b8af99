#!/usr/bin/env python3
"""Converts the joblib pickle of the system that this engine replaces into an NPZ file.

  scripts/convert_pickle.py old.pkl recordings.npz --sample-interval-ms 0.1

The pickle is a dict of
  data           list of dicts: patient_id, static_params[4] (standardised), signal[T] (z-scored), v_peak[2] (latency,
                 amplitude), v_peak_mask[2], target (class index), optionally clinical_threshold
  scaler         scikit-learn's StandardScaler of the static parameters; it is undone here
  label_encoder  scikit-learn's LabelEncoder, whose classes_ name the targets

A pickle can run any code when it is loaded. This script loads only the names that such a file needs (NumPy arrays,
joblib's wrapper of them, the two scikit-learn classes as inert stand-ins) and refuses all others, but convert files
from people you trust all the same. Needs numpy and joblib (Debian: python3-numpy python3-joblib), not scikit-learn.

The signals were z-scored by the old system: their amplitude is lost. They are written as they are.
"""

import argparse
import importlib
import importlib.util
import os
import pickle
import sys
import tempfile

PARAMETERS = ("age_years", "intensity_db", "rate_hz", "fmp")  # in the order of the old spreadsheet
NUMPY_NAMES = {
    ("numpy", "ndarray"), ("numpy", "dtype"), ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
}


class Refused(Exception):
    """The file is not what it should be; the message says why and what to do."""


class StandardScaler:
    """Stands in for scikit-learn's: holds the attributes, runs nothing."""


class LabelEncoder:
    """Likewise."""


def bytes_of(text, encoding):
    """How pickles of protocol 2 write bytes: as _codecs.encode(text, "latin1"). No other codec is needed."""
    if encoding != "latin1":
        raise Refused(f"it asks for the codec {encoding}, which no data file of the old system needs")
    return text.encode("latin1")


STAND_INS = {"StandardScaler": StandardScaler, "LabelEncoder": LabelEncoder}


def load(path):
    """The unpickled object, with nothing but the known names."""
    try:
        import joblib
        import joblib.numpy_pickle
    except ImportError as error:
        raise Refused(f"{error}; install python3-numpy and python3-joblib") from error

    # NumPy 2 gave the package a new name; a file of either version loads under either.
    core = "numpy._core" if importlib.util.find_spec("numpy._core") else "numpy.core"

    class ArrayWrapper(joblib.numpy_pickle.NumpyArrayWrapper):
        """An array of objects is a pickle of its own, which joblib would load without asking for the names."""

        def read_array(self, unpickler, *arguments, **options):
            if self.dtype.hasobject:
                return ObjectUnpickler(unpickler.file_handle).load()
            return super().read_array(unpickler, *arguments, **options)

    def find_known(module, name):
        """What a name of the pickle means; refuses all that are not needed."""
        if module.startswith("sklearn.preprocessing") and name in STAND_INS:
            return STAND_INS[name]
        if (module, name) == ("_codecs", "encode"):
            return bytes_of
        if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
            return ArrayWrapper
        known = module.replace("numpy._core", "numpy.core")
        if (known, name) in NUMPY_NAMES:
            return getattr(importlib.import_module(known.replace("numpy.core", core)), name)
        raise Refused(f"{path}: it asks to load {module}.{name}, which no data file of the old system needs; "
                      "loading it could run code. Refused")

    class Unpickler(joblib.numpy_pickle.NumpyUnpickler):
        def find_class(self, module, name):
            return find_known(module, name)

    class ObjectUnpickler(pickle.Unpickler):
        def find_class(self, module, name):
            return find_known(module, name)

    joblib.numpy_pickle.NumpyUnpickler = Unpickler  # joblib.load looks it up there
    try:
        return joblib.load(path)
    except Refused:
        raise
    except OSError as error:
        raise Refused(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # a damaged pickle may raise anything
        raise Refused(f"{path}: not a pickle that joblib wrote, or damaged ({type(error).__name__}: {error})") from error


def numbers(value, count, where):
    """`value` as `count` finite or missing floats."""
    import numpy

    try:
        array = numpy.asarray(value, dtype=numpy.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise Refused(f"{where}: expected {count} numbers ({error})") from error
    if len(array) != count:
        raise Refused(f"{where}: {len(array)} numbers, expected {count}")
    return array


def member(record, key, where):
    if not isinstance(record, dict) or key not in record:
        raise Refused(f"{where}: no `{key}`; expected the old system's dict of data, scaler and label_encoder")
    return record[key]


def undo_scaler(standardised, scaler):
    """StandardScaler: x = z * scale + mean; either part may have been switched off."""
    import numpy

    width = standardised.shape[1]
    if not isinstance(scaler, StandardScaler):
        raise Refused(f"scaler: a {type(scaler).__name__}, expected scikit-learn's StandardScaler")
    values = standardised
    if getattr(scaler, "scale_", None) is not None:
        values = values * numbers(scaler.scale_, width, "scaler.scale_")
    if getattr(scaler, "mean_", None) is not None:
        values = values + numbers(scaler.mean_, width, "scaler.mean_")
    if values is standardised:
        raise Refused("scaler: neither mean_ nor scale_; it was never fitted")
    return numpy.asarray(values)


def convert(old, names):
    """The arrays of the NPZ file."""
    import numpy

    records = member(old, "data", "the file")
    encoder = member(old, "label_encoder", "the file")
    classes = getattr(encoder, "classes_", None) if isinstance(encoder, LabelEncoder) else None
    if classes is None:
        raise Refused("label_encoder: expected scikit-learn's LabelEncoder with classes_")
    classes = [str(name) for name in classes]
    if not isinstance(records, (list, tuple)) or not records:
        raise Refused("data: expected a list of recordings, not empty")

    length = len(numpy.asarray(member(records[0], "signal", "data[0]")).reshape(-1))
    count = len(records)
    signal = numpy.empty((count, length), numpy.float32)
    statics = numpy.empty((count, len(names)))
    peak = numpy.full((count, 2), numpy.nan)
    threshold = numpy.full(count, numpy.nan)
    patients, labels = [], []
    for i, record in enumerate(records):
        where = f"data[{i}]"
        patients.append(str(member(record, "patient_id", where)))
        signal[i] = numbers(member(record, "signal", where), length, f"{where}.signal")
        statics[i] = numbers(member(record, "static_params", where), len(names), f"{where}.static_params")
        marked = numbers(member(record, "v_peak_mask", where), 2, f"{where}.v_peak_mask") != 0
        peak[i, marked] = numbers(member(record, "v_peak", where), 2, f"{where}.v_peak")[marked]
        target = numbers(member(record, "target", where), 1, f"{where}.target")[0]
        if not (target == int(target) and 0 <= target < len(classes)):
            raise Refused(f"{where}.target: {target}, expected an index into the {len(classes)} classes")
        labels.append(classes[int(target)])
        if record.get("clinical_threshold") is not None:
            threshold[i] = numbers(record["clinical_threshold"], 1, f"{where}.clinical_threshold")[0]

    arrays = {"patient_id": numpy.array(patients), "class": numpy.array(labels), "signal": signal,
              "wave_v_latency_ms": peak[:, 0].astype(numpy.float32),
              "wave_v_amplitude_uv": peak[:, 1].astype(numpy.float32)}
    if not numpy.isnan(threshold).all():
        arrays["threshold_db"] = threshold.astype(numpy.float32)
    for name, column in zip(names, undo_scaler(statics, member(old, "scaler", "the file")).T):
        arrays[name] = column.astype(numpy.float32)
    return arrays, classes


def write(path, arrays):
    """Replaces the file when it is complete."""
    import numpy

    folder = os.path.dirname(os.path.abspath(path))
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".npz", delete=False) as file:
        try:
            numpy.savez_compressed(file, **arrays)
        except BaseException:
            os.unlink(file.name)
            raise
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pickle", help="the old system's file")
    parser.add_argument("npz", help="the file to write")
    parser.add_argument("--sample-interval-ms", type=float, required=True,
                        help="the old file does not say it; 0.1 for 10 kHz")
    parser.add_argument("--params", default=",".join(PARAMETERS),
                        help="what static_params hold, in their order [%(default)s]; check it against the ranges that "
                             "abr_engine check-data prints")
    arguments = parser.parse_args()
    print("convert_pickle: a pickle can run code when it is loaded; convert files from people you trust",
          file=sys.stderr)
    names = arguments.params.split(",")
    if sorted(names) != sorted(PARAMETERS):
        parser.error(f"--params must name {', '.join(PARAMETERS)}, each once")
    if not arguments.sample_interval_ms > 0:
        parser.error("--sample-interval-ms must be above 0")
    try:
        arrays, classes = convert(load(arguments.pickle), names)
        import numpy

        arrays["sample_interval_ms"] = numpy.float64(arguments.sample_interval_ms)
        write(arguments.npz, arrays)
    except (Refused, pickle.UnpicklingError) as error:
        print(f"convert_pickle: {error}", file=sys.stderr)
        return 2
    print(f"{arguments.npz}: {len(arrays['signal'])} recordings of {len(set(arrays['patient_id']))} patients, "
          f"{arrays['signal'].shape[1]} samples of {arguments.sample_interval_ms} ms; classes: {', '.join(classes)}")
    print("signals are z-scored as in the old file: their amplitude is lost, so signal errors and wave V amplitudes "
          "have no relation to them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
