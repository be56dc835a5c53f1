"""The command `headtail` and its groups of commands; the modules beside this one register their commands at them."""

from cyclopts import App

import curation

app = App(
    name="headtail",
    help="See the head and the tail of an image-text pool, and curate it the MetaCLIP way.",
    version=curation.__version__,
)
metadata_app = App(name="metadata", help="Build and look at metadata, the entries a pool is matched against.")
app.command(metadata_app)
pool_app = App(name="pool", help="Look at pools: what they are taken for, and what would be lost of them.")
app.command(pool_app)
checkpoint_app = App(
    name="checkpoint", help="Look at checkpoints: whether one answers as it should, and which there are."
)
app.command(checkpoint_app)
image_app = App(name="image", help="Look at images: whether one can be decoded.")
app.command(image_app)
