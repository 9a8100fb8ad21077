#!/bin/sh
# A password of MySQL or MariaDB may have letters beyond ASCII, and the servers' own clients send its bytes in UTF-8. Expected of PyMySQL,
# asked for a connection in utf8mb4: the same. What happens: of a str it takes the bytes of latin-1, so that "wörd" is
# "Access denied", and a letter that latin-1 lacks a UnicodeEncodeError. Given as bytes, it is sent as it is.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pymysql==1.2.4
venv/bin/python - <<'EOF'
import sys, pymysql
given = {"host": "localhost", "user": "u", "charset": "utf8mb4", "defer_connect": True}
found = [pymysql.Connection(**given, password=p).password for p in ("wörd", "wörd".encode())]
print(found)
seen = found == [b"w\xf6rd", b"w\xc3\xb6rd"]
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
