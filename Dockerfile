# The base, named once. A release hands it in with its digest.
ARG BASE_IMAGE=python:3.13-slim-trixie

FROM ${BASE_IMAGE} AS build
# Seconds since 1970, the earliest that a zip archive can hold: whenever it is built, the same
# inputs give the same wheel and the same files.
ARG SOURCE_DATE_EPOCH=315532800
ARG PIP_INSTALL="python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir \
    --no-compile --root-user-action=ignore"
WORKDIR /build

# What the program stands on, as wheels without compiled code: the result is the same on every
# architecture. pip takes no file whose hash is not in the locks.
COPY requirements.txt requirements-build.txt ./
RUN python3 -m venv --without-pip /opt/twilio-build-wait \
    && ln -s /opt/twilio-build-wait/lib/python3.*/site-packages site \
    && ${PIP_INSTALL} --require-hashes --only-binary=:all: --platform any --implementation py \
        --abi none --target site/ -r requirements.txt \
    && ${PIP_INSTALL} --require-hashes --only-binary=:all: --target backend \
        -r requirements-build.txt \
    && rm -rf site/bin

# The package, as the wheel that anyone could build and install.
COPY pyproject.toml LICENSE ./
COPY src src
RUN chmod -R u=rwX,go=rX src LICENSE \
    && PYTHONPATH=backend python3 -m flit_core.wheel --outdir dist \
    && ${PIP_INSTALL} --no-deps --no-index --target site/ dist/*.whl \
    && rm -rf site/bin

# The program itself, isolated by its first line too: under its name on the PATH as well, it reads
# neither PYTHONPATH nor modules of the working directory. Its byte code is bound to no time stamp,
# so it serves on a read-only file system and for any user.
WORKDIR /opt/twilio-build-wait
COPY entrypoint.py ./
RUN sed -i '1s|^#!.*|#!/opt/twilio-build-wait/bin/python -I|' entrypoint.py \
    && bin/python -m compileall -q --invalidation-mode unchecked-hash lib \
    && rm -rf .gitignore bin/[Aa]ctivate* include \
    && chmod -R u=rwX,go=rX . \
    && chmod 0755 entrypoint.py \
    && find . -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

FROM ${BASE_IMAGE}
# A release hands these in.
ARG SOURCE=""
ARG REVISION=""
ARG VERSION=""
LABEL org.opencontainers.image.title="twilio-build-wait" \
      org.opencontainers.image.description="Wait until a Twilio Serverless build has completed or failed, and say which" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /opt/twilio-build-wait /opt/twilio-build-wait
RUN ln -s /opt/twilio-build-wait/entrypoint.py /usr/local/bin/twilio-build-wait
# Exec form: the program is process 1 and gets the signals itself. GitHub's runner demands root;
# elsewhere any user will do, and a read-only file system.
ENTRYPOINT ["/opt/twilio-build-wait/bin/python", "-I", "/opt/twilio-build-wait/entrypoint.py"]
