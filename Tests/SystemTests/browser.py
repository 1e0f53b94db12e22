"""A real browser for the page: Chromium without a window, found by data-testid, with its console and screenshots."""

import os
import re
import shutil
import tempfile
import time

from selenium import webdriver
from selenium.common.exceptions import ElementNotInteractableException, StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from waiting import shorten, wait_for

PHONE, DESK = (390, 844), (1440, 900)
NARROW = (360, 390)  # the widths of phones
NARROWEST = (320, 568)  # what WCAG wants: a desk's view enlarged four times


class Element(WebElement):
    """An element that is looked for anew when the page has drawn itself anew (for news) since it was found."""
    again = None

    def _anew(self, act):
        while True:
            try:
                return act()
            except (StaleElementReferenceException, ElementNotInteractableException):
                # Of what is taken away in the midst of an act, Chromium says that it cannot be acted on. What is there still cannot indeed.
                found = self.again().id if self.again else self._id
                if found == self._id:
                    raise
                self._id = found

    def _execute(self, command, params=None):
        return self._anew(lambda: super(Element, self)._execute(command, params))

    def get_attribute(self, name):
        return self._anew(lambda: super(Element, self).get_attribute(name))

    def is_displayed(self):
        return self._anew(lambda: super(Element, self).is_displayed())


class Browser:
    """Chromium at one address."""

    def __init__(self, address, language="en-GB"):
        self.address = address.rstrip("/")
        self.temporary = tempfile.mkdtemp(prefix="gatehouse-browser-")
        self.screenshots = os.environ.get("GATEHOUSE_SCREENSHOTS") or os.path.join(self.temporary, "screenshots")
        os.makedirs(self.screenshots, exist_ok=True)
        options = Options()
        for argument in ("--headless=new", "--no-sandbox", "--ignore-certificate-errors", "--disable-dev-shm-usage", "--disable-gpu",
                         "--no-first-run", f"--lang={language}", "--autoplay-policy=no-user-gesture-required", "--hide-scrollbars",
                         "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"):
            options.add_argument(argument)
        options.add_experimental_option("prefs", {"intl.accept_languages": language})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = Service("/usr/bin/chromedriver", env={**os.environ, "TMPDIR": self.temporary})
        self.driver = webdriver.Chrome(service=service, options=options)
        self.driver._web_element_cls = Element
        self.console = []
        self.size(*DESK)

    def close(self):
        """End it, and remove what it left."""
        self.driver.quit()
        shutil.rmtree(self.temporary, ignore_errors=True)

    # Looking

    def open(self, place=""):
        """Go to a place such as "#/cloud" without loading the page anew where it is loaded."""
        self.driver.get(f"{self.address}/{place}")

    def find(self, testid, seconds=15, visible=True):
        """The first element with this data-testid (or CSS selector, if it has brackets or dots), once it is there."""
        def look():
            for element in self.all(testid):
                try:
                    if not visible or element.is_displayed():
                        element.again = lambda: self.find(testid, seconds, visible)
                        return element
                except StaleElementReferenceException:
                    continue
            return None
        return wait_for(look, seconds, lambda: f"{testid} on the page, which says: {shorten(self.text(), 1500)}")

    def all(self, testid):
        """All elements with this data-testid or selector."""
        selector = testid if re.search(r"[\[.#> ]", testid) else f'[data-testid="{testid}"]'
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self):
        """What the page says."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    def await_text(self, text, seconds=15):
        """Wait until the page says this (regardless of case)."""
        def look():
            try:
                return text.lower() in self.text().lower()
            except WebDriverException:
                return False
        wait_for(look, seconds, lambda: f"{text!r} on the page, which says: {shorten(self.text(), 1500)}")

    def read(self, selector, attribute=None):
        """The texts, or an attribute, of all that fits, as they are at one moment."""
        return self.script("return [...document.querySelectorAll(arguments[0])].map((one) => arguments[1] ? one.getAttribute(arguments[1]) : one.innerText)", selector, attribute)

    def place(self):
        """The part of the address after #."""
        return self.driver.current_url.partition("#")[2]

    def await_place(self, pattern, seconds=15):
        """Wait until the address matches."""
        return wait_for(lambda: re.fullmatch(pattern, self.place()), seconds,
                        lambda: f"{pattern}; it is {self.place()}: {shorten(self.text(), 800)}")

    def script(self, code, *arguments):
        """Run a script in the page."""
        try:
            return self.driver.execute_script(code, *arguments)
        except StaleElementReferenceException:
            return self.driver.execute_script(code, *(one.again() if isinstance(one, Element) and one.again else one for one in arguments))

    # Doing

    def click(self, testid, seconds=15):
        """Click; the element is brought into view."""
        def press():
            try:
                element = self.find(testid, seconds)
                self.script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
                if not element.is_enabled():
                    return False
                element.click()
                return True
            except WebDriverException:
                return False
        wait_for(press, seconds, lambda: f"{testid} to be clicked: {shorten(self.text(), 800)}")

    def choose(self, testid):
        """Choose a radio button, which may lie under its label."""
        self.script("arguments[0].click()", self.find(testid, visible=False))

    def fill(self, testid, text):
        """Type into a field in place of what is there."""
        element = self.find(testid)
        self.script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        element.clear()
        element.send_keys(text)

    def drag(self, element, start, end):
        """Drag over an element from one place to another, in shares of its size."""
        self.script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        size = element.size
        offset = lambda place: (round((place[0] - 0.5) * size["width"]), round((place[1] - 0.5) * size["height"]))
        chain = ActionChains(self.driver, duration=40).move_to_element_with_offset(element, *offset(start)).click_and_hold()
        for share in (0.25, 0.5, 0.75, 1):
            point = tuple(a + (b - a) * share for a, b in zip(start, end))
            chain.move_to_element_with_offset(element, *offset(point))
        chain.release().perform()

    # Size, colours, pictures, errors

    def size(self, width, height):
        """The size of the view."""
        self.width = width
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def colours(self, scheme):
        """Light or dark."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}]})

    def shoot(self, name, overflow, at=None):
        """Screenshots of the page (from its top, or `at` an element) in both sizes and colours; what is wider than the view goes into `overflow`."""
        for size_name, size in (("phone", PHONE), ("desk", DESK)):
            self.size(*size)
            for scheme in ("light", "dark"):
                self.colours(scheme)
                self.script("scrollTo(0, 0)")
                if at:
                    self.script("arguments[0].scrollIntoView({block: 'start', behavior: 'instant'})", self.find(at))
                self.driver.save_screenshot(os.path.join(self.screenshots, f"{name}-{size_name}-{scheme}.png"))
            self.measure(name, size[0], overflow)
        self.size(*DESK)
        self.colours("light")

    def keep(self, name, overflow, at=None):
        """One screenshot of what somebody sees now (or, when they have scrolled, `at` an element); what is wider than the view goes into `overflow`."""
        self.script("arguments[0] ? arguments[0].scrollIntoView({block: 'start', behavior: 'instant'}) : scrollTo(0, 0)", self.find(at) if at else None)
        self.driver.save_screenshot(os.path.join(self.screenshots, f"{name}.png"))
        self.measure(name, self.width, overflow)

    def measure(self, name, width, overflow):
        """Note in `overflow` that the page is wider than its view: compared with what was set, for innerWidth grows with the page."""
        wide = self.script("return document.scrollingElement.scrollWidth") - width
        if wide > 0:
            overflow.append(f"{name} is {wide} px too wide at {width} px")

    def narrow(self, name, overflow):
        """Measure the page on phones, with everything on it opened that opens."""
        self.script("for (const one of document.querySelectorAll('#content details:not([open])')) { one.open = true; one.dataset.opened = 1; }")
        for width in NARROW:
            self.size(width, PHONE[1])
            time.sleep(0.3)
            self.measure(name, width, overflow)
        self.script("for (const one of document.querySelectorAll('[data-opened]')) { one.open = false; delete one.dataset.opened; }")
        self.size(*DESK)

    def errors(self):
        """What the console said that is an error, so far."""
        self.console += self.driver.get_log("browser")
        return [f"{entry['level']}: {entry['message']}" for entry in self.console if entry["level"] in ("SEVERE", "WARNING")]
