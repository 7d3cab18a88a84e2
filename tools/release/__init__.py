"""What can go wrong in a release, as plain functions with tests; standard library only.

`.github/workflows/release.yml` calls `python3 -m tools.release` from the repository root, before
anything is installed. docs/releasing.md says how a maintainer uses it.
"""
