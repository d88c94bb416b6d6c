"""CIFAR-10 on its way to a machine that reaches nothing: the six binary files, each as one JPEG of all its pictures.

    cifar10.py pack FOLDER PACKED      cifar10.py unpack PACKED FOLDER

18 MiB in place of 176. Needs Pillow. Pixels come back close, not equal: 1 to 2 of 255 apart (root of mean squares).
"""

import pathlib
import sys

from PIL import Image

FILES = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
SIDE, ACROSS, COUNT = 32, 100, 10000
PLANE = SIDE * SIDE
RECORD = 1 + 3 * PLANE


def place(i):
    return i % ACROSS * SIDE, i // ACROSS * SIDE


def pack(folder, packed):
    for name in FILES:
        data = (folder / f"{name}.bin").read_bytes()
        if len(data) != COUNT * RECORD:
            sys.exit(f"{folder / name}.bin: expected {COUNT * RECORD} bytes, found {len(data)}")
        pictures = Image.new("RGB", (ACROSS * SIDE, COUNT // ACROSS * SIDE))
        for i in range(COUNT):
            planes = [data[i * RECORD + 1 + c * PLANE:][:PLANE] for c in range(3)]
            pictures.paste(Image.merge("RGB", [Image.frombytes("L", (SIDE, SIDE), plane) for plane in planes]), place(i))
        pictures.save(packed / f"{name}.jpg", quality=75, subsampling=0, optimize=True, progressive=True)
        (packed / f"{name}.labels").write_bytes(data[::RECORD])


def unpack(packed, folder):
    for name in FILES:
        pictures = Image.open(packed / f"{name}.jpg").convert("RGB")
        labels = (packed / f"{name}.labels").read_bytes()
        with open(folder / f"{name}.bin", "wb") as file:
            for i, label in enumerate(labels):
                x, y = place(i)
                picture = pictures.crop((x, y, x + SIDE, y + SIDE))
                file.write(bytes([label]) + b"".join(plane.tobytes() for plane in picture.split()))


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("pack", "unpack"):
        sys.exit(__doc__.split("\n\n")[1])
    source, target = map(pathlib.Path, sys.argv[2:])
    target.mkdir(parents=True, exist_ok=True)
    (pack if sys.argv[1] == "pack" else unpack)(source, target)


main()
