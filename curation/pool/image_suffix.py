"""What kind of image some bytes are, told by how they begin."""


def image_suffix(data: bytes) -> str | None:
    """ "jpg", "png", "webp" or "gif"; None for anything else.

    >>> image_suffix(b"GIF89a..."), image_suffix(b"<svg/>")
    ('gif', None)
    """
    if data.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    return "gif" if data.startswith((b"GIF87a", b"GIF89a")) else None
