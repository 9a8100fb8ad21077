#!/bin/sh
# TIME '24:00:00', which DuckDB takes and keeps apart from 00:00, goes to Arrow as 86,400,000,000 µs, beyond what Arrow's
# time64 may hold. Expected: an error, or one reading. What happens: each reader has another one, and none says a word:
# PyArrow's to_pylist() gives midnight at the day's beginning, its text "<value out of range>", polars a null.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1 polars==2.1.0
venv/bin/python - <<'EOF'
import datetime, sys, duckdb, polars, pyarrow as pa
print("duckdb", duckdb.__version__, "pyarrow", pa.__version__, "polars", polars.__version__)
table = duckdb.sql("select time '24:00:00' as t, time '24:00:00' > time '00:00:00' as later").to_arrow_table()
listed, written = table["t"].to_pylist()[0], table["t"].cast(pa.string())[0].as_py()
polar = polars.from_arrow(table)["t"][0]
print("DuckDB:", duckdb.sql("select time '24:00:00'::varchar").fetchall()[0][0], "| to_pylist:", listed, "| as text:", written, "| polars:", polar)
seen = table["later"][0].as_py() and listed == datetime.time(0, 0) and "out of range" in written and polar is None
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
