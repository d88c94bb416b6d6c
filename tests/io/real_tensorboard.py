#!/usr/bin/env python3
"""The other side of tensorboard_log_test.cpp: TensorBoard's own reader (Python package tensorboard).

usage: real_tensorboard.py FOLDER EXPECTED    the run in FOLDER has for each line "TAG STEP VALUE" of EXPECTED this
                                              scalar, in this order, and no other of that tag
Exit status 77 where the package is not installed.
"""
import sys

try:
    import numpy
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    sys.exit(77)

folder, expected_path = sys.argv[1:]
expected = {}
with open(expected_path) as lines:
    for line in lines:
        tag, step, value = line.split()
        number = float.fromhex(value) if "0x" in value else float(value)
        expected.setdefault(tag, []).append((int(step), float(numpy.float32(number))))

run = EventAccumulator(folder, size_guidance={"scalars": 0})
run.Reload()
bad = False
for tag, values in expected.items():
    found = [(event.step, event.value) for event in run.Scalars(tag)]
    if found != values:
        print(f"{tag}: expected {values}, found {found}", file=sys.stderr)
        bad = True
tags = set(run.Tags()["scalars"])
lacking = {"epoch/validation_loss", "epoch/epoch"} & tags
if lacking or len(tags) != 14:
    print(f"expected 14 tags, none of a missing value, found {sorted(tags)}", file=sys.stderr)
    bad = True
sys.exit(1 if bad else 0)
