#!/bin/sh
# DuckDB has the date 'infinity', Python has not. Expected of fetchall(): an error, None or text, as it gives text for a date before Christ.
# What happens: it gives date.max, the same as for the real 9999-12-31, which data often hold as "valid until"; the two can no
# longer be told apart. Through Arrow the same value raises in pandas.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1 pandas==2.3.3
venv/bin/python - <<'EOF'
import datetime, sys, duckdb
print("duckdb", duckdb.__version__)
sql = "select unnest([date 'infinity', date '9999-12-31', date '0044-03-15 (BC)', date '10000-01-01']) as d"
found = [row[0] for row in duckdb.sql(sql).fetchall()]
print("fetchall:", found)
try:
    duckdb.sql(sql).to_arrow_table().to_pandas()
    raised = False
except (ValueError, OverflowError) as error:
    raised = True
    print("Arrow to pandas:", error)
seen = found[0] == found[1] == datetime.date.max and isinstance(found[2], str) and isinstance(found[3], str) and raised
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
