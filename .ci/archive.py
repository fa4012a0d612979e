"""Packs a folder: archive.py FOLDER ARCHIVE. The same files give the same bytes: sorted, owned by root, with one time."""

import gzip
import os
import pathlib
import sys
import tarfile
import time
import zipfile

folder, archive = map(pathlib.Path, sys.argv[1:])
stamp = int(os.environ.get("SOURCE_DATE_EPOCH", 315532800))
files = sorted(path for path in folder.rglob("*") if path.is_file())


def mode(path):
    return 0o755 if path.stem == "rnetstat" and path.suffix in ("", ".exe") and path.parent == folder else 0o644


def name(path):
    return path.relative_to(folder.parent).as_posix()


if archive.suffix == ".zip":
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in files:
            entry = zipfile.ZipInfo(name(path), time.gmtime(stamp)[:6])
            entry.external_attr = mode(path) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, path.read_bytes())
else:
    # The time in the header of gzip is that of the archive too.
    with open(archive, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, stamp) as packed:
        with tarfile.open(fileobj=packed, mode="w") as out:
            for path in files:
                entry = tarfile.TarInfo(name(path))
                entry.size, entry.mode, entry.mtime = path.stat().st_size, mode(path), stamp
                entry.uname = entry.gname = "root"
                with open(path, "rb") as content:
                    out.addfile(entry, content)
