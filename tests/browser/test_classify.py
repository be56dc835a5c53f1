import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from browser.conftest import settle
from browser.hostile import hostile_texts
from clip.models import write_small_checkpoint


@pytest.fixture(scope="module", autouse=True)
def checkpoint(runs):
    """A checkpoint of the workspace that says it was trained on a run of it."""
    run = runs["photos"]
    trained_on = {"run": str(run.path), "plan_digest": run.info["plan_digest"], "arm": "balanced", "t": 10.0}
    return write_small_checkpoint(run.path.parent / "models" / "small", trained_on=trained_on)


def picture(seed=0):
    out = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def cards(page):
    return page.locator("article.card")


def hand_over(page, *files):
    page.locator("input[type=file]").first.set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": data} for name, data in files]
    )


def fill(page, text):
    box = page.get_by_label("One a line")
    box.fill(text)
    box.press("Control+Enter")
    settle(page)


@pytest.mark.long  # the tour of test_hostile.py comes by here too
def test_uploads_labels_and_captions_are_shown_as_text(open_page, canary, shoot):
    texts = [text for text in hostile_texts(canary[0]) if "\n" not in text and 0 < len(text.strip()) <= 150][:20]
    page = open_page("/classify?run=photos")
    cards(page).nth(15).wait_for()
    names = [f"{text[:60]}.png" for text in texts[:3]] + ["../../etc/passwd.png"]
    hand_over(page, *((name, picture(seed)) for seed, name in enumerate(names)), ("broken.png", b"no picture"))
    expect(cards(page)).to_have_count(5)
    fill(page, "\n".join(texts))
    expect(page.get_by_text("5 pictures against 20 labels, 1 of them could not be read.")).to_be_visible()
    expect(cards(page).nth(4)).to_contain_text("image: cannot be decoded (no JPEG, PNG, WEBP or GIF)")
    assert cards(page).nth(3).locator(".name").inner_text() == "../../etc/passwd.png"
    page.get_by_text("Nearest training captions", exact=True).first.click()
    cards(page).first.locator("summary").click()
    expect(cards(page).first.locator(".captions li")).to_have_count(3)
    page.locator(".js-plotly-plot").hover()
    assert page.locator(".hoverlayer :is(a, image)").count() == 0
    assert page.locator("[data-testid=stMain] :is(iframe, object, embed, form)").count() == 0
    shoot(page, "hostile classify")


def test_the_camera_is_asked_for_only_when_one_wants_it(open_page):
    page = open_page("/classify?run=photos")
    cards(page).first.wait_for()
    assert page.locator("[data-testid=stCameraInput]").count() == 0
    page.get_by_text("Camera", exact=True).click()
    page.locator("[data-testid=stCameraInput]").wait_for()


def test_it_fits_and_can_be_read_by_all(open_page, screen, fits):
    page = open_page("/classify?run=photos", **screen)
    cards(page).nth(15).wait_for()
    threshold = page.get_by_role("spinbutton", name="None below")
    threshold.fill("0.02")
    threshold.press("Enter")
    page.get_by_text("none of these: nearest").first.wait_for()
    page.locator(".js-plotly-plot").wait_for()
    settle(page)
    fits(page, "classify")
