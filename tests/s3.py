"""A real S3-compatible server on this machine, that of JuiceFS's gateway, and what tests put into it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyarrow.fs import FileSystem, LocalFileSystem, copy_files

KEY, SECRET = "the-key-of-tests", "the-secret-of-tests"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_EC2_METADATA_DISABLED": "true",  # else who has no key asks the cloud for one
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",  # uploads without TLS are refused with a checksum behind them
}
PROGRAM = Path(sys.executable).with_name("juicefs")


class Bucket:
    """A bucket on the server of the tests."""

    def __init__(self, port: int, name: str) -> None:
        self.options = f"scheme=http&endpoint_override=127.0.0.1:{port}"
        self.name = name
        self._files, _ = FileSystem.from_uri(f"s3://{name}?{self.options}&allow_bucket_creation=true")
        self._files.create_dir(name)

    def uri(self, path: str) -> str:
        """The address of what lies there."""
        return f"s3://{self.name}/{path}?{self.options}"

    def put(self, source: Path, path: str) -> None:
        """Copy a file, or a folder with all it holds, replacing what is there."""
        copy_files(str(source), f"{self.name}/{path}", LocalFileSystem(), self._files)

    def remove(self, path: str) -> None:
        """Delete a file."""
        self._files.delete_file(f"{self.name}/{path}")


@contextmanager
def s3_server(folder: Path) -> Iterator[int]:
    """The server, keeping its files in this folder, with its key in the environment; yields its port on 127.0.0.1."""
    port = free_port()
    where = f"sqlite3://{folder / 'names.db'}"
    _run("format", "--storage", "file", "--bucket", f"{folder / 'blobs'}/", where, "tests", folder=folder)
    gateway = [
        *("--no-agent", "gateway", "--multi-buckets", "--no-banner", "--no-usage-report", "--no-bgjob"),
        *("--attr-cache", "0", "--dir-entry-cache", "0", "--cache-dir", str(folder / "cache")),
        *("--metrics", "127.0.0.1:0", "--log", str(folder / "log"), where, f"127.0.0.1:{port}"),
    ]
    with pytest.MonkeyPatch.context() as environment, (folder / "output").open("wb") as output:
        for name, value in ENVIRONMENT.items():
            environment.setenv(name, value)
        server = subprocess.Popen([PROGRAM, *gateway], env=_environment(folder), stdout=output, stderr=output)
        try:
            _wait_for(server, port, folder / "output")
            yield port
        finally:
            server.terminate()
            server.wait(10)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def _environment(folder: Path) -> dict[str, str]:
    return {"HOME": str(folder), "MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET}


def _run(*arguments: str, folder: Path) -> None:
    subprocess.run([PROGRAM, *arguments], env=_environment(folder), check=True, capture_output=True)


def _wait_for(server: subprocess.Popen[bytes], port: int, output: Path) -> None:
    give_up = time.monotonic() + 20
    while server.poll() is None and time.monotonic() < give_up:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {output.read_text(errors='replace')[-1000:]}")
