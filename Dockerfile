# The base, named once. A release hands it in with its digest.
ARG BASE_IMAGE=python:3.13-slim-trixie

FROM ${BASE_IMAGE} AS build
# The earliest time that a zip archive can hold: the same inputs give the same wheel and files.
ARG SOURCE_DATE_EPOCH=315532800
WORKDIR /build

# What the program stands on, as wheels without compiled code: the result is the same on every
# architecture. pip refuses any file whose hash is not in the locks.
COPY requirements.txt requirements-build.txt ./
RUN python3 -m venv --without-pip /opt/twilio-build-wait \
    && site=$(/opt/twilio-build-wait/bin/python -c 'import site; print(site.getsitepackages()[0])') \
    && ln -s "$site" site \
    && pip="python3 -m pip install --quiet --no-cache-dir --no-compile --root-user-action=ignore \
         --disable-pip-version-check --require-hashes --only-binary=:all:" \
    && $pip --platform any --implementation py --abi none --target "$site" -r requirements.txt \
    && $pip --target backend -r requirements-build.txt

# The package, as the wheel that anyone could build and install.
COPY pyproject.toml LICENSE ./
COPY src src
RUN chmod -R u=rwX,go=rX . \
    && PYTHONPATH=backend python3 -m flit_core.wheel --outdir dist \
    && python3 -m pip install --quiet --no-cache-dir --no-compile --root-user-action=ignore \
         --disable-pip-version-check --no-deps --no-index --target site/ dist/*.whl

# The program itself, isolated by its first line too: also under its name on the PATH, it reads
# neither PYTHONPATH nor modules of the working directory. Byte code is tied to no time stamp, so
# that it serves read-only and for any user.
COPY entrypoint.py /opt/twilio-build-wait/
RUN cd /opt/twilio-build-wait \
    && sed -i '1s|^#!.*|#!/opt/twilio-build-wait/bin/python -I|' entrypoint.py \
    && rm -rf site/bin bin/activate* bin/Activate.ps1 \
    && bin/python -m compileall -q --invalidation-mode unchecked-hash lib \
    && chmod -R u=rwX,go=rX . && chmod 0755 entrypoint.py \
    && find . -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

FROM ${BASE_IMAGE}
# A release hands these in.
ARG SOURCE=
ARG REVISION=
ARG VERSION=
LABEL org.opencontainers.image.title="twilio-build-wait" \
      org.opencontainers.image.description="Wait until a Twilio Serverless build has completed or failed, and say which" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /opt/twilio-build-wait /opt/twilio-build-wait
RUN ln -s /opt/twilio-build-wait/entrypoint.py /usr/local/bin/twilio-build-wait
# Exec form: the program is process 1 and gets the signals. GitHub's runner demands root here; any
# other user will do elsewhere, and a read-only file system.
ENTRYPOINT ["/opt/twilio-build-wait/bin/python", "-I", "/opt/twilio-build-wait/entrypoint.py"]
