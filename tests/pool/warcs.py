"""WARC and WAT files, written by fastwarc."""

import gzip
import io
import json

from fastwarc.warc import WarcRecord, WarcRecordType


def wat_record(page, links, base=None):
    """A record of a WAT file with the links of a page."""
    head = {"Base": base} if base else {}
    envelope = {
        "WARC-Header-Metadata": {"WARC-Target-URI": page},
        "Payload-Metadata": {"HTTP-Response-Metadata": {"HTML-Metadata": {"Head": head, "Links": links}}},
    }
    body = json.dumps({"Envelope": envelope}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return record(WarcRecordType.metadata, page, "application/json", body)


def warc_record(page, html, headers="Content-Type: text/html; charset=utf-8"):
    """A record of a WARC file with the answer of a server."""
    html = html.encode() if isinstance(html, str) else html
    body = f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\n".encode() + html
    return record(WarcRecordType.response, page, "application/http; msgtype=response", body)


def record(kind, page, content_type, body):
    """The bytes of one record."""
    made = WarcRecord()
    made.init_headers(kind)
    made.headers["WARC-Target-URI"] = page
    made.headers["Content-Type"] = content_type
    made.set_bytes_content(body)
    out = io.BytesIO()
    made.write(out)
    return out.getvalue()


def write_records(path, records):
    """A file of records; in one of .gz each is a member of its own, as everywhere on the web."""
    path.write_bytes(b"".join(gzip.compress(each) if path.suffix == ".gz" else each for each in records))
    return path
