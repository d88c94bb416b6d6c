"""python3 real_npy.py FOLDER: writes arrays with NumPy, for npy_test.cpp. Exit status 77: there is no NumPy."""
import sys

try:
    import numpy as np
except ImportError:
    sys.exit(77)

folder = sys.argv[1] + "/"
x = np.arange(24).reshape(4, 6)
for name in ("<f4", "<f8", "|u1", "<i4", "<i8"):
    for version in ((1, 0), (2, 0), (3, 0)):
        with open(f"{folder}{name[1:]}.{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, x.astype(name), version=version)
np.save(folder + "fractions.npy", np.array([0.1, -2.5e-8, 3e38]))
np.save(folder + "pictures.npy", x.astype("u1").reshape(2, 2, 2, 3))
np.save(folder + "grey.npy", x.astype("u1").reshape(2, 3, 4))
np.save(folder + "labels.npy", np.array([2, 0, -1, 1]))
np.save(folder + "fortran.npy", np.asfortranarray(x))
np.save(folder + "big.npy", x.astype(">f4"))
np.save(folder + "half.npy", x.astype("f2"))
np.save(folder + "complex.npy", x.astype("c8"))
np.save(folder + "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
np.save(folder + "records.npy", np.zeros(3, dtype=[("a", "<f4"), ("b", "<i4")]))
np.save(folder + "scalar.npy", np.float32(1))
np.save(folder + "empty.npy", np.zeros((0, 3), "f4"))
np.savetxt(folder + "text.csv", np.random.default_rng(1).normal(size=(5, 3)), delimiter=",")
np.save(folder + "text.npy", np.loadtxt(folder + "text.csv", delimiter=",").astype("f4"))
