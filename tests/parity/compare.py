"""What losses.py and optimizers.py share: a program of localis and PyTorch compute the same tensors."""

import subprocess
import sys
import tempfile

from safetensors.torch import load_file, save_file


def compare(program, tensors, expected, theirs, off, double_limit):
    """Exits with 1 unless all tensors agree.

    off(found, name): the deviation from `expected`, which PyTorch computed in double. In double at most double_limit; in
    float at most 3 times that of `theirs`, which PyTorch computed in float, or 1e-6 where that is less.
    """
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        save_file(tensors, f"{folder}/input")
        for scalar in ("double", "float"):
            subprocess.run([program, scalar, f"{folder}/input", f"{folder}/results"], check=True)
            ours = load_file(f"{folder}/results")
            if set(ours) != set(expected):
                sys.exit(f"tensors on one side only: {sorted(set(ours) ^ set(expected))}")
            for name in expected:
                value = off(ours, name)
                limit = double_limit if scalar == "double" else max(1e-6, 3 * off(theirs, name))
                print(f"{scalar:6} {name:30} {value:9.2e}")
                failed |= not value <= limit
    sys.exit(1 if failed else 0)
