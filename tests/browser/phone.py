"""A phone in Chromium: a profile that survives being killed, a camera, a place, a signal."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from PIL import Image
from playwright.sync_api import BrowserContext, Error, Page, Playwright

from tests.browser.field_office import LAT, LON

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]

ITEMS = ["gas.hose_aged", "gas.shutoff", "gas.ventilation", "gas.plan", "gas.alarm_missing"]
HOSTILE = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"


def make_photo(number: int, *, size: tuple[int, int] = (900, 675)) -> bytes:
    """A JPEG no other number gives."""
    noise = Image.effect_noise(size, 60).convert("RGB")
    tint = Image.new("RGB", size, (40 + number * 37 % 200, 60 + number * 91 % 180, 110))
    out = io.BytesIO()
    Image.blend(noise, tint, 0.6).save(out, "JPEG", quality=82)
    return out.getvalue()


def sha256(content: bytes) -> str:
    """Hex."""
    return hashlib.sha256(content).hexdigest()


@dataclass
class Phone:
    """One phone and what its inspector does with it."""

    playwright: Playwright
    base: str
    folder: Path
    language: str = "zh-CN"
    width: int = 390
    accuracy: float = 8.0
    flags: list[str] = field(default_factory=list)
    user_agent: str | None = None
    script: str | None = None
    disk: str | None = None
    photos: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "/field") -> Page:
        """Switch it on (again) and open the app."""
        self.context: BrowserContext = self.playwright.chromium.launch_persistent_context(
            str(self.folder),
            executable_path=self._small_disk() if self.disk else shutil.which("chromium"),
            args=[*QUIET, *CAMERA, *self.flags],
            viewport={"width": self.width, "height": 844},
            locale=self.language,
            is_mobile=self.width < 760,
            has_touch=True,
            geolocation={"latitude": LAT, "longitude": LON + 0.00002, "accuracy": self.accuracy},
            permissions=["geolocation", "camera"],
            user_agent=self.user_agent,
        )
        self.context.set_default_timeout(10_000)
        if self.script:
            self.context.add_init_script(self.script)
        self.page = self.context.pages[0] if self.context.pages else self.context.new_page()
        self._watch(self.page)
        self.page.goto(self.base + path)
        self.page.wait_for_selector("body[data-ready]", state="attached")
        return self.page

    def _small_disk(self) -> str:
        """Chromium with its profile on a disk of this size: quota is what is left of it."""
        script = self.folder.parent / f"{self.folder.name}-small"
        self.folder.mkdir(exist_ok=True)
        script.write_text(
            f"#!/bin/sh\nexec unshare --map-root-user --mount sh -c 'mount -t tmpfs -o"
            f' size={self.disk} tmpfs {self.folder} && exec chromium "$@"\' sh "$@"\n'
        )
        script.chmod(0o755)
        return str(script)

    def fill_disk(self) -> None:
        """Until no large photo finds room any more: less than 1 MB is left."""
        self.page.evaluate(
            """async () => {
              const db = await new Promise((done) => {
                const asked = indexedDB.open("ballast", 1);
                asked.onupgradeneeded = () => asked.result.createObjectStore("ballast");
                asked.onsuccess = () => done(asked.result);
              });
              const put = (bytes, key) => new Promise((done) => {
                const tx = db.transaction("ballast", "readwrite", { durability: "strict" });
                tx.oncomplete = () => done(true);
                tx.onabort = () => done(false);
                for (let at = 0; at < bytes.length; at += 65536) {
                  crypto.getRandomValues(bytes.subarray(at, at + 65536));
                }
                tx.objectStore("ballast").put(new Blob([bytes]), key);
              });
              let key = 0;
              for (const size of [4e6, 1e6]) {
                while (await put(new Uint8Array(size), key)) key += 1;
              }
              db.close();
            }"""
        )

    def empty_disk(self) -> None:
        """The ballast is thrown out."""
        self.page.evaluate(
            "() => new Promise((done) => {"
            " indexedDB.deleteDatabase('ballast').onsuccess = () => done(true); })"
        )

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: (
                self.complaints.append(said.text)
                if "Content Security Policy" in said.text or "Permissions policy" in said.text
                else None
            ),
        )

    def second_tab(self) -> Page:
        """Another tab of the same browser."""
        page = self.context.new_page()
        self._watch(page)
        page.goto(self.base + "/field")
        page.wait_for_selector("body[data-ready]", state="attached")
        return page

    def log_in(self, login: str = "zhang", *, page: Page | None = None) -> None:
        """With the password, and wait until the day is there and the app kept for offline."""
        page = page or self.page
        inputs = page.locator("form input")
        inputs.nth(0).fill(login)
        inputs.nth(1).fill("secret")
        page.locator("form button[type=submit]").click()
        page.wait_for_selector(".screen-today .task")
        if page.evaluate("isSecureContext"):
            page.evaluate("navigator.serviceWorker.ready.then(() => true)")

    def go_offline(self, *, offline: bool = True) -> None:
        """Into the basement, or out of it."""
        self.context.set_offline(offline)

    def kill(self) -> None:
        """As a phone dies: no page hears of it."""
        for process in psutil.process_iter(["cmdline"]):
            if f"--user-data-dir={self.folder}" in (process.info["cmdline"] or []):
                os.kill(process.pid, signal.SIGKILL)
        # Playwright may have noticed by then, and finds nothing left to close.
        with suppress(Error):
            self.context.close()

    def close(self) -> None:
        """Switch it off."""
        self.context.close()

    def begin_visit(self, number: int = 0) -> None:
        """Tap a task of the list."""
        self.page.goto(self.base + "/field#today")
        self.page.locator(".task").nth(number).click()
        self.page.wait_for_selector(".screen-visit .check")

    def fail_item(self, item: str) -> None:
        """Tick an item as failing: its hazard opens."""
        self.page.locator(f'[data-item="{item}"] .segment.bad').click()
        self.page.wait_for_selector(".screen-hazard .tiles")

    def take(self, tile: int, content: bytes) -> None:
        """A photo into a tile, as the camera gives it."""
        file = {"name": "IMG.jpg", "mimeType": "image/jpeg", "buffer": content}
        self.page.locator(".tile input").nth(tile).set_input_files([file])
        self.page.wait_for_selector(f".tile >> nth={tile} >> img")
        self.photos.append(sha256(content))

    def take_before(self, number: int) -> None:
        """The wide and the close photo."""
        self.take(0, make_photo(number * 10))
        self.take(1, make_photo(number * 10 + 1))

    def order_by_date(self) -> None:
        """Second way of a hazard: a date."""
        self.page.locator(".actions .button.amber").click()
        self.page.wait_for_selector(".screen-order")
        self.sign_if_asked()
        self.page.locator(".actions .button").click()
        self.page.wait_for_selector(".screen-visit")

    def record_hazard(self, item: str, number: int) -> None:
        """One hazard, ordered by a date, from the open visit."""
        self.fail_item(item)
        self.take_before(number)
        self.order_by_date()

    def add_colleague(self, name: str = "李娜") -> None:
        """The team is two."""
        self.page.locator(".team input").first.fill(name)
        self.page.locator(".team .icon-only").click()

    def finish_visit(self) -> None:
        """All others are right; the visit ends."""
        rest = self.page.locator("button", has_text="其余全部合格")
        if rest.is_visible():
            rest.click()
        self.add_colleague()
        self.page.locator(".actions .button").click()
        self.page.wait_for_selector(".screen-today")

    def sign_if_asked(self) -> None:
        """Where the checklist says that a unit signs."""
        if self.page.locator(".signature").count():
            self.sign()
            self.page.wait_for_timeout(100)

    def sign(self) -> None:
        """A finger on the frame."""
        self.page.locator(".signature").scroll_into_view_if_needed()
        box = self.page.locator(".signature").bounding_box()
        assert box
        mouse = self.page.mouse
        mouse.move(box["x"] + 40, box["y"] + 60)
        mouse.down()
        for step in range(8):
            mouse.move(box["x"] + 40 + step * 20, box["y"] + 60 + step % 2 * 30)
        mouse.up()

    def rows(self, store: str) -> list[dict[str, object]]:
        """Everything in a store of the phone's database."""
        rows: list[dict[str, object]] = self.page.evaluate(
            """async (store) => {
              const db = await new Promise((done) => {
                const asked = indexedDB.open("infratrack-field");
                asked.onsuccess = () => done(asked.result);
              });
              const rows = await new Promise((done) => {
                const asked = db.transaction(store).objectStore(store).getAll();
                asked.onsuccess = () => done(asked.result);
              });
              db.close();
              return JSON.parse(JSON.stringify(rows));
            }""",
            store,
        )
        return rows

    def counter(self) -> str:
        """What stands at the top: received/recorded."""
        return self.page.locator(".counter").inner_text()

    def wait_until_sent(self, total: int) -> None:
        """Until nothing is left, photos included."""
        self.page.wait_for_function(
            "([total]) => document.querySelector('.counter.is-whole')?.innerText.trim() === total",
            arg=[f"{total}/{total}"],
            timeout=30_000,
        )


NewPhone = Callable[..., Phone]
