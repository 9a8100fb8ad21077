#!/bin/sh
# The same object name in the address that obstore asks for, with its stores for S3 and for Google Cloud Storage. Expected: a/b.json in
# both, as . is unreserved (RFC 3986, 2.3: such characters are not to be percent-encoded) and / divides a path. What happens:
# S3 is asked for /bucket/a/b.json, Google for /bucket/a%2Fb%2Ejson. Google decodes that; what stands between (a proxy's rule by the ending,
# a log's reader, a stand-in for the service that takes paths as they come) meets another name for the one as for the other.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check obstore==0.12.1
venv/bin/python - <<'EOF'
import http.server, json, sys, threading
import obstore
from obstore.store import GCSStore, S3Store

asked = []

class Server(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        asked.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
key = {"gcs_base_url": url, "disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
plain = {"allow_http": True}
s3 = S3Store("bucket", endpoint=url, access_key_id="k", secret_access_key="s", region="us-east-1", client_options=plain)
gcs = GCSStore("bucket", service_account_key=json.dumps(key), client_options=plain)
for store in (s3, gcs):
    obstore.put(store, "a/b.json", b"{}", use_multipart=False)
print("obstore 0.12.1 asks S3 for", asked[0], "and Google Cloud Storage for", asked[1])
seen = asked == ["/bucket/a/b.json", "/bucket/a%2Fb%2Ejson"]
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
