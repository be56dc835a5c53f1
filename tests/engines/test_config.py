import pytest

from curation.engines.config import EngineConfig, open_engine
from curation.errors import BadArgument


def test_without_a_word_this_machine_works():
    assert open_engine(EngineConfig()).name == "local"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"engine": "ray"}, "engine ray: name the head of the cluster with --address HOST:PORT"),
        ({"address": "10.0.0.1:6379"}, "address 10.0.0.1:6379: only for a cluster; give --engine ray with it"),
        (
            {"engine": "ray", "address": "head.lab"},
            "'head.lab' is not an address of a Ray cluster; allowed is HOST:PORT",
        ),
        ({"engine": "spark"}, "engine 'spark': give one of local, ray"),
        ({"workers": -1}, "workers -1: give a number from 0 up"),
    ],
)
def test_what_does_not_go_together_is_one_clear_line(config, message):
    with pytest.raises(BadArgument) as caught:
        EngineConfig(**config)
    assert message in str(caught.value)
