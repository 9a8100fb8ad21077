# synthkit with its pinned dependencies, for pods and for who has no Python: docker build -t synthkit:0.1.0 .
# The project is mounted, never copied in: docker run --rm -v "$PWD:/project" synthkit:0.1.0 build
FROM python:3.11.14-slim-bookworm AS wheel
WORKDIR /src
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM python:3.11.14-slim-bookworm
# Extras by name, with commas: kubernetes for the build's own pod, ray for a cluster's machines.
ARG EXTRAS=kubernetes
COPY constraints.txt /tmp/constraints.txt
COPY --from=wheel /wheel /tmp/wheel
# torch first and on its own, as in the Makefile: this version has a CPU build.
RUN pip install --no-cache-dir -c /tmp/constraints.txt torch==2.13.0 \
    && pip install --no-cache-dir -c /tmp/constraints.txt "$(echo /tmp/wheel/*.whl)[${EXTRAS}]" \
    && rm -rf /tmp/wheel /tmp/constraints.txt \
    && groupadd --gid 10001 synth \
    && useradd --uid 10001 --gid synth --create-home synth
USER 10001:10001
WORKDIR /project
ENTRYPOINT ["synth"]
CMD ["--help"]
