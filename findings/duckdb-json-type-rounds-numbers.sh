#!/bin/sh
# A column of JSON lines in which numbers and text are mixed is read by DuckDB as type JSON, which is text by another name.
# Expected: the text of each value as it is in the file. What happens: numbers with a decimal point are parsed into 64-bit floats and
# written anew, so a number of 23 digits comes back as another one, inside a type that promises the document.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1
venv/bin/python - <<'EOF'
import sys, duckdb
print("duckdb", duckdb.__version__)
with open("t.jsonl", "w") as file:
    file.write('{"amount": 12345678901234567890.123}\n{"amount": "none"}\n')
found = duckdb.sql("select typeof(amount), amount::varchar from read_json('t.jsonl')").fetchall()
direct = duckdb.sql("select '12345678901234567890.123'::json::varchar").fetchall()[0][0]
print(found, "| a cast of the same text:", direct)
seen = found[0] == ("JSON", "12345678901234567000.0") and direct == "12345678901234567890.123"
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
