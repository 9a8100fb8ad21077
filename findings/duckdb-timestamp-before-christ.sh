#!/bin/sh
# PostgreSQL writes Caesar's death as '0044-03-15 10:00:00 BC'. Expected of DuckDB's cast of that text to TIMESTAMP: the year 44 BC (which
# it writes '(BC)' itself), or an error: that is what its cast to DATE or TIMESTAMPTZ does with it.
# What happens: ' BC' is taken for a time zone and left out, so the result is the year 44 AD. TRY_CAST does not notice either.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1
venv/bin/python - <<'EOF'
import sys, duckdb
print("duckdb", duckdb.__version__)
sql = (
    "select try_cast('0044-03-15 10:00:00 BC' as timestamp)::varchar, try_cast('0044-03-15 BC' as date)::varchar,"
    " try_cast('0044-03-15 10:00:00+00 BC' as timestamptz)::varchar, try_cast('0044-03-15 (BC) 10:00:00' as timestamp)::varchar"
)
found = duckdb.sql(sql).fetchall()[0]
print(found)
seen = found == ("0044-03-15 10:00:00", None, None, "0044-03-15 (BC) 10:00:00")
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
