"""The architectures of models: those of open_clip by name, and tiny ones of ours, which open_clip learns of here.

headtail-tiny: pictures of 48 pixels, towers 128 wide, of 4 layers for pictures and 2 for texts, and a vocabulary of
its pool's own. 1.5 M weights, 6.2 MB. It trains in minutes on two cores.
headtail-nano: pictures of 32 pixels, towers of 2 layers and 64 wide: to see in seconds whether everything works.
"""

from pathlib import Path
from typing import Any

import open_clip
import torch

from curation.errors import BadArgument

open_clip.add_model_config(Path(__file__).with_name("model_configs"))

OURS = "headtail-"


def named_cfg(name: str) -> dict[str, Any]:
    """The configuration of a model as open_clip writes it: embed_dim, vision_cfg, text_cfg, ...; raises BadArgument."""
    if name not in open_clip.list_models():
        raise BadArgument(
            f"model {name!r}: give headtail-tiny or one of the names of open_clip, such as ViT-B-32"
            " ('headtail checkpoint models' lists them)"
        )
    return dict(open_clip.get_model_config(name))


def has_own_vocabulary(name: str) -> bool:
    """Whether a tokenizer is learnt from the pool for this model: CLIP's table would be five times all the rest."""
    return name.startswith(OURS)


def new_model(model_cfg: dict[str, Any]) -> torch.nn.Module:
    """A model with random weights, of torch's global random numbers.

    raises BadArgument for a configuration that open_clip cannot build
    """
    settings = {key: value for key, value in model_cfg.items() if key != "custom_text"}
    custom = model_cfg.get("custom_text", False) or "hf_model_name" in model_cfg["text_cfg"]
    try:
        return (open_clip.CustomTextCLIP if custom else open_clip.CLIP)(**settings)
    except Exception as error:  # an extra of open_clip may be missing, or a name of timm unknown
        raise BadArgument(f"this model cannot be built here: {str(error).splitlines()[0]}") from None
