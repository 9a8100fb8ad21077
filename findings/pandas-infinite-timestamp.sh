#!/bin/sh
# A TIMESTAMP 'infinity' of DuckDB reaches Arrow as the largest 64-bit number. Expected of pandas: an error, as for the date
# 'infinity'. What happens: it becomes the real-looking point in time 294247-01-10 04:00:54.775807, without a word.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1 pandas==2.3.3
venv/bin/python - <<'EOF'
import sys, duckdb, pandas
print("duckdb", duckdb.__version__, "pandas", pandas.__version__)
frame = duckdb.sql("select timestamp 'infinity' as t").to_arrow_table().to_pandas()
print(frame["t"].dtype, frame["t"][0], "| finite in DuckDB:", duckdb.sql("select isfinite(timestamp 'infinity')").fetchall()[0][0])
seen = str(frame["t"][0]) == "294247-01-10 04:00:54.775807" and not frame["t"].isna()[0]
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
