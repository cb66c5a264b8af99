"""Compares a run's TensorBoard event file, read by stock TensorBoard, with the run's CSV files.

    read_tensorboard.py RUN

Every cell of epochs.csv that has a tag must be the one point of that tag at that step, as a 32-bit float.
"""
import csv
import json
import math
import pathlib
import struct
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

MEANS = {"macro", "weighted", "micro", "macro_majority"}


def tag_of(column):
    if column == "learning_rate":
        return "optimizer/learning_rate"
    if column == "grad_norm_mean":
        return "optimizer/grad_norm"
    if column.startswith("weight_"):
        return f"curriculum/{column}"
    if column.startswith("train_share_"):
        return f"ratios/train_{column.removeprefix('train_share_')}_share"
    if column.startswith("train_loss_"):
        if column.endswith(("_min", "_max")):
            return None
        name = column.removeprefix("train_")
        return f"train_variance/{name.removeprefix('loss_')}" if name.endswith("_std") else f"train/{name}"
    if column.startswith("val_f1_") and column.removeprefix("val_f1_") not in MEANS:
        return f"val/f1/{column.removeprefix('val_f1_')}"
    return f"val/{column.removeprefix('val_')}" if column.startswith("val_") else None


def as_float32(text):
    return struct.unpack("f", struct.pack("f", float(text)))[0]


def main():
    run = pathlib.Path(sys.argv[1])
    with open(run / "epochs.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    found = {}
    for tag in events.Tags()["scalars"]:
        points = events.Scalars(tag)
        assert len({p.step for p in points}) == len(points), f"{tag}: two points of one epoch"
        found[tag] = {p.step: p.value for p in points}

    expected = {}
    for row in rows:
        for column, cell in row.items():
            tag = tag_of(column)
            if tag and cell:
                expected.setdefault(tag, {})[int(row["epoch"])] = as_float32(cell)
    shares = {tag for tag in found if tag.startswith("ratios/val_")}
    assert set(found) - shares == set(expected), set(found) ^ set(expected) ^ shares
    for tag, points in expected.items():
        assert set(found[tag]) == set(points), tag
        for step, value in points.items():
            assert found[tag][step] == value or math.isnan(value), (tag, step, found[tag][step], value)
    for step in (int(row["epoch"]) for row in rows):
        total = sum(found[tag][step] for tag in shares)
        assert abs(total - 1) < 1e-5, (step, total)

    images = {p.step: p for p in events.Images("confusion_matrix")} if "confusion_matrix" in events.Tags()["images"] else {}
    assert sorted(images) == [e for e in range(len(rows)) if (e + 1) % 5 == 0], sorted(images)
    for image in images.values():
        assert image.encoded_image_string.startswith(b"\x89PNG"), "no PNG"
    print(json.dumps({"tags": len(found), "epochs": len(rows), "images": len(images)}))


if __name__ == "__main__":
    main()
