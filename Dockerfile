# The base, named once: Dependabot updates its digest. A release is refused without one.
FROM python:3.13-slim-trixie AS base

FROM base AS build
ARG PIP_INSTALL="python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir \
    --no-compile --root-user-action=ignore"
WORKDIR /build

# The dependencies, as wheels without compiled code: the same on every architecture. pip accepts no
# file whose hash is not in the locks.
COPY requirements.txt requirements-build.txt ./
RUN python3 -m venv --without-pip /opt/twilio-build-wait \
    && ln -s /opt/twilio-build-wait/lib/python3.*/site-packages site \
    && ${PIP_INSTALL} --require-hashes --only-binary=:all: --platform any --implementation py \
        --abi none --target site/ -r requirements.txt \
    && ${PIP_INSTALL} --require-hashes --only-binary=:all: --target backend \
        -r requirements-build.txt \
    && rm -rf site/bin

# The package, as a wheel.
COPY pyproject.toml LICENSE entrypoint.py ./
COPY src src
RUN chmod -R u=rwX,go=rX src LICENSE entrypoint.py \
    && PYTHONPATH=backend python3 -m flit_core.wheel --outdir dist \
    && ${PIP_INSTALL} --no-deps --no-index --target site/ dist/*.whl \
    && rm -rf site/bin

# The program. Its first line isolates it however it is started: it reads neither PYTHONPATH nor
# modules in the working directory. The byte code does not depend on time stamps, so it is valid on
# a read-only file system and for every user.
WORKDIR /opt/twilio-build-wait
COPY entrypoint.py ./
RUN sed -i '1s|^#!.*|#!/opt/twilio-build-wait/bin/python -I|' entrypoint.py \
    && bin/python -m compileall -q --invalidation-mode unchecked-hash lib \
    && rm -rf .gitignore bin/[Aa]ctivate* include \
    && chmod -R u=rwX,go=rX . \
    && chmod 0755 entrypoint.py

FROM base
# The release sets these.
ARG SOURCE=""
ARG REVISION=""
ARG VERSION=""
LABEL org.opencontainers.image.title="twilio-build-wait" \
      org.opencontainers.image.description="Wait for a Twilio Serverless build: exit 0 if it completed, 1 if it failed" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /opt/twilio-build-wait /opt/twilio-build-wait
RUN ln -s /opt/twilio-build-wait/entrypoint.py /usr/local/bin/twilio-build-wait
# Exec form: the program is PID 1 and receives the signals. GitHub's runner needs root. Elsewhere any
# user and a read-only file system work.
ENTRYPOINT ["/opt/twilio-build-wait/bin/python", "-I", "/opt/twilio-build-wait/entrypoint.py"]
