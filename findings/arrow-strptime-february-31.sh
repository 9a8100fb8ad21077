#!/bin/sh
# Parsing days that no calendar has with pyarrow.compute.strptime. Expected: null (error_is_null=True) or an error, as DuckDB and Python
# give. What happens: 31/02/2024 becomes 2 March, 20240230 becomes 1 March, and 23:59:60 the next midnight, without a word.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyarrow==26.0.1 duckdb==2.0.1
venv/bin/python - <<'PY'
import datetime, sys, duckdb, pyarrow, pyarrow.compute
print("pyarrow", pyarrow.__version__, "duckdb", duckdb.__version__)
cases = [("31/02/2024", "%d/%m/%Y"), ("20240230", "%Y%m%d"), ("5/3/2024 23:59:60", "%d/%m/%Y %H:%M:%S")]
arrow, others = [], []
for text, format in cases:
    parsed = pyarrow.compute.strptime(pyarrow.array([text]), format=format, unit="s", error_is_null=True)[0]
    arrow.append(str(parsed))
    others.append(duckdb.execute("select try_strptime(?, ?)", [text, format]).fetchone()[0])
    try:
        python = datetime.datetime.strptime(text, format)
    except ValueError as error:
        python = f"ValueError: {error}"
    print(text, "arrow:", parsed, "duckdb:", others[-1], "python:", python)
seen = arrow == ["2024-03-02 00:00:00", "2024-03-01 00:00:00", "2024-03-06 00:00:00"] and others == [None] * 3
print("behaviour seen:", seen)
sys.exit(not seen)
PY
