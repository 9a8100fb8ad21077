#!/bin/sh
# safetensors.numpy.save and save_file of an array whose values do not lie one after the other: a transposed one, or a
# field of a structured array. Expected: its values, or an error, as safetensors.torch raises one. What happens: the bytes
# that lie in memory from its first value on are written under its shape, so that other values come back, without a word.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
venv/bin/python - <<'EOP'
import sys, numpy as np, safetensors
from safetensors.numpy import load, load_file, save, save_file
print("safetensors", safetensors.__version__, "numpy", np.__version__)
records = np.zeros(3, dtype=[("number", "<i8"), ("share", "<i8")])
records["number"], records["share"] = [1, 2, 3], 7
given = {"transposed": np.arange(6).reshape(2, 3).T, "field": records["number"]}
save_file(given, "arrays.safetensors")
seen = True
for way, back in (("save_file", load_file("arrays.safetensors")), ("save", load(save(given)))):
    for name, array in given.items():
        print(f"{way}, {name}: given {array.tolist()}, back {back[name].tolist()}")
    seen &= back["transposed"].tolist() == [[0, 1], [2, 3], [4, 5]] and back["field"].tolist() == [1, 7, 2]
print("behaviour seen:", seen)
sys.exit(not seen)
EOP
