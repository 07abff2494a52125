"""The colours of static/css/tokens.css can be read by everybody, light and dark (WCAG 2.2 AA 1.4.3, 1.4.11)."""

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).resolve().parents[2] / "static/css/tokens.css").read_text()
COLOUR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
COLOURS = {name: (light, dark) for name, light, dark in COLOUR.findall(TOKENS)}

GROUNDS = ("bg", "surface", "sunken", "raised", "hover")
TEXTS = [(text, ground) for text in ("text", "muted", "accent-text") for ground in GROUNDS]
TEXTS += [(text, "accent-soft") for text in ("text", "accent-text", "muted")]
TEXTS += [
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("on-danger", "danger"),
    ("on-danger", "danger-strong"),
]
TEXTS += [("accent-text", "accent-line"), ("text", "reveal-soft"), ("muted", "neutral-soft"), ("text", "neutral-soft")]
for kind in ("info", "success", "warning", "danger", "neutral"):
    TEXTS += [(f"{kind}-text", f"{kind}-soft"), (f"{kind}-text", "surface"), ("text", f"{kind}-soft")]
TEXTS += [("danger-text", "raised"), ("danger-text", "hover"), ("danger-text", "accent-soft")]
SHAPES = [("border-control", ground) for ground in ("surface", "sunken", "raised")]
SHAPES += [("focus", ground) for ground in (*GROUNDS, "accent-soft")]
SHAPES += [("danger-dot", "surface"), ("accent", "surface"), ("accent", "neutral-soft")]


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_is_right() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXTS)
def test_text_can_be_read(text: str, ground: str, theme: int) -> None:
    assert contrast(COLOURS[text][theme], COLOURS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_controls_and_focus_can_be_seen(shape: str, ground: str, theme: int) -> None:
    assert contrast(COLOURS[shape][theme], COLOURS[ground][theme]) >= 3
