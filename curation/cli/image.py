"""`headtail image`: whether images can be decoded."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from curation.cli.apps import image_app
from curation.cli.checked import print_checked, told_as_json
from curation.cli.options import Json


@image_app.command(name="check")
def image_check(
    images: Annotated[tuple[Path, ...], Parameter(negative="", show_default=False, help="files of images")],
    *,
    as_json: Json = False,
) -> None:
    """Decode images and count: those that can be shown and looked at by a model, and the others by reason.

    Each is decoded in a process with limits, so that none can do harm. The last line of --json is an object with
    rows_in, kept, dropped, damage and error, the sum over all files. Exit code 1 if a file could not be read.
    """
    from curation.errors import BadArgument
    from curation.pool.checks import check_images

    with told_as_json(as_json):
        if not images:
            raise BadArgument("no image: give at least one file")
        checked = check_images(images)
    print_checked(checked, "images", as_json)
