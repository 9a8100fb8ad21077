#!/bin/sh
# Setting a property of a Delta table that has a point in time without a zone: alter.set_table_properties. Expected: the protocol
# stays, as the property asks for no feature. What happens: the table names the feature variantType for readers, too, though no
# column is a variant; a reader that does not know that feature must refuse the table from then on (a table of Delta's
# protocol: readers fail on reader features that they do not have). A table without such a column stays as it was.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check deltalake==1.6.6 pyarrow==26.0.1
venv/bin/python - <<'EOF'
import datetime as dt, sys, deltalake, pyarrow as pa
print("deltalake", deltalake.__version__)
found = {}
for name, column in {
    "zoneless": pa.array([dt.datetime(2020, 1, 1)], pa.timestamp("us")),
    "plain": pa.array([1], pa.int64()),
}.items():
    deltalake.write_deltalake(name, pa.table({"c": column}))
    before = deltalake.DeltaTable(name).protocol().reader_features
    deltalake.DeltaTable(name).alter.set_table_properties({"delta.logRetentionDuration": "interval 90 days"})
    after = deltalake.DeltaTable(name).protocol().reader_features
    found[name] = [sorted(one or ()) for one in (before, after)]
    print(f"{name}: for readers before {found[name][0]}, after {found[name][1]}")
seen = found == {"zoneless": [["timestampNtz"], ["timestampNtz", "variantType"]], "plain": [[], []]}
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
