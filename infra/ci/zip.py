#!/usr/bin/env python3
"""A bootstrap as Lambda takes it: FILE becomes the one entry `bootstrap` of OUT, with a fixed time, so that the same
bootstrap gives the same bytes."""
import pathlib
import sys
import zipfile

if len(sys.argv) != 3:
    sys.exit(f"zip: expected FILE OUT, found {len(sys.argv) - 1} arguments")
entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
entry.external_attr = 0o755 << 16
entry.compress_type = zipfile.ZIP_DEFLATED
with zipfile.ZipFile(sys.argv[2], "w") as archive:
    archive.writestr(entry, pathlib.Path(sys.argv[1]).read_bytes(), compresslevel=9)
