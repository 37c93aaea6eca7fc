"""A fake camera for the browser: a plate's code, tilted, warped, blurred and noisy, as a hand-held phone sees it.

Chromium plays the file as its camera (motion JPEG). Refuses to draw the code itself: it is the one that we print.
"""

import random
from io import BytesIO
from pathlib import Path

import qrcode
from PIL import Image, ImageChops, ImageFilter

WIDTH, HEIGHT = 640, 480
_FRAMES = 24
_STEEL = 168  # the grey of a case


def film(text: str, target: Path, seed: int = 1) -> Path:
    """Write the film of a plate that carries `text`."""
    dice = random.Random(seed)
    frames = [_frame(_plate(text), dice, tilt) for tilt in _tilts()]
    target.write_bytes(b"".join(_jpeg(frame) for frame in frames))
    return target


def photo(text: str, target: Path) -> Path:
    """One still of the same, for the door that takes a photo."""
    _frame(_plate(text), random.Random(2), 8.0).save(target)
    return target


def _tilts() -> list[float]:
    half = [-12 + 24 * step / (_FRAMES // 2) for step in range(_FRAMES // 2)]
    return half + half[::-1]


def _plate(text: str) -> Image.Image:
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_H, border=4, box_size=6)
    code.add_data(text)
    code.make(fit=True)
    return code.make_image().get_image().convert("L").resize((300, 300), Image.Resampling.LANCZOS)


def _frame(plate: Image.Image, dice: random.Random, tilt: float) -> Image.Image:
    scene = Image.new("L", (WIDTH, HEIGHT), _STEEL)
    scene.paste(plate, ((WIDTH - 300) // 2 + dice.randint(-8, 8), (HEIGHT - 300) // 2 + dice.randint(-8, 8)))
    turned = scene.rotate(tilt, Image.Resampling.BICUBIC, fillcolor=_STEEL)
    warped = turned.transform((WIDTH, HEIGHT), Image.Transform.QUAD, _corners(dice), Image.Resampling.BICUBIC)
    soft = warped.filter(ImageFilter.GaussianBlur(1.1))
    noise = Image.effect_noise((WIDTH, HEIGHT), 24)
    return ImageChops.add(soft, noise, scale=1, offset=-128)


def _corners(dice: random.Random) -> tuple[int, ...]:
    """The corners of what is seen: a phone is never held straight."""
    lean = dice.randint(10, 40)
    return (lean, lean // 2, 0, HEIGHT, WIDTH, HEIGHT - lean // 2, WIDTH - lean, 0)


def _jpeg(frame: Image.Image) -> bytes:
    file = BytesIO()
    frame.convert("RGB").save(file, "JPEG", quality=80)
    return file.getvalue()
