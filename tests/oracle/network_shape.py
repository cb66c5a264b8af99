"""The shape of the network `abr_unet`: the engine's settings with their defaults, and what the data decide.

network_settings.json is what model/network_settings.hpp says; a test of the engine holds it to that.
"""

import json
from dataclasses import dataclass, make_dataclass
from pathlib import Path

TASKS = ("classification", "peak_exist", "peak_latency", "peak_amplitude", "threshold")

_DEFAULTS = {
    name: tuple(value) if isinstance(value, list) else value
    for name, value in json.loads(Path(__file__).with_name("network_settings.json").read_text()).items()
}
Settings = make_dataclass(
    "Settings", [(name, type(value), value) for name, value in _DEFAULTS.items()], frozen=True
)


@dataclass(frozen=True)
class Shape(Settings):
    """`built` names the heads that exist."""

    length: int = 200
    static_inputs: int = 9
    classes: int = 5
    built: tuple = ("signal", *TASKS)
    first_place: float = 0.0
    place_step: float = 1.0

    def channels(self, level):
        return self.base_channels << level

    @property
    def padded_length(self):
        multiple = 1 << (self.levels - 1)
        return -(-self.length // multiple) * multiple
