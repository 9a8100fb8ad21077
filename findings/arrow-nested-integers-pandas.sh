#!/bin/sh
# Whole numbers inside lists and structs, one of them null: Table.to_pandas(). Expected: the digits stay, as they do in
# to_pylist(). What happens: one null anywhere in the column makes floats of the numbers of every row, so those beyond 2^53
# lose their last digit, also in a row that has no null. types_mapper, which keeps top-level columns whole, does not reach
# inside them; integer_object_nulls does.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyarrow==26.0.1 pandas==2.3.3
venv/bin/python - <<'EOF'
import sys, pandas, pyarrow as pa
print("pyarrow", pa.__version__, "pandas", pandas.__version__)
whole = 2**53 + 1
table = pa.table({"lists": [[whole], [None]], "structs": [{"n": whole}, {"n": None}], "plain": [whole, None]})
mapped = {pa.int64(): pandas.Int64Dtype()}.get
ways = {
    "as it is": table.to_pandas(),
    "types_mapper": table.to_pandas(types_mapper=mapped),
    "integer_object_nulls": table.to_pandas(integer_object_nulls=True),
}
found = {}
for name, frame in ways.items():
    found[name] = [int(v) for v in (frame["lists"][0][0], frame["structs"][0]["n"], frame["plain"][0])]
    print(f"{name}: in a list {found[name][0]}, in a struct {found[name][1]}, plain {found[name][2]}; written {whole}")
lost = [whole - 1] * 2
seen = found == {
    "as it is": [*lost, whole - 1],
    "types_mapper": [*lost, whole],
    "integer_object_nulls": [whole] * 3,
}
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
