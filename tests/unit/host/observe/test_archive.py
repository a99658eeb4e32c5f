from __future__ import annotations

import hashlib
import io
import tarfile

from host.observe.archive import files_of


def archive() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        folder = tarfile.TarInfo("consumer")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        file = tarfile.TarInfo("consumer/wire.py")
        file.size, file.mode = 5, 0o640
        tar.addfile(file, io.BytesIO(b"wire\n"))
        link = tarfile.TarInfo("consumer/alias.py")
        link.type, link.linkname = tarfile.SYMTYPE, "/elsewhere.py"
        tar.addfile(link)
    return stream.getvalue()


def test_files_are_listed_below_their_parent_with_their_digests() -> None:
    whole = archive()
    files = files_of([whole[:100], whole[100:]], "/app")
    assert files[1] == {
        "path": "/app/consumer/wire.py",
        "size": 5,
        "mode": "0640",
        "sha256": hashlib.sha256(b"wire\n").hexdigest(),
    }


def test_a_link_has_no_digest_and_says_where_it_leads() -> None:
    file = files_of([archive()], "/app")[0]
    assert (file["sha256"], file["link"]) == (None, "/elsewhere.py")
