"""The page in Italian: as the browser asks for it, everywhere, and as the person chooses."""

import json
import os
import re
import time

from box import PASSWORD, USER
from box_sentences import said
from browser import NARROWEST, PHONE, Browser
from devices import QUICK, DeviceSimulator
from owners import hand_over, share
from page_case import PageCase
from page_words import WEB
from waiting import wait_for

# What is read or heard on the page; time zones are called as everywhere.
SAID = """
const said = [document.title];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) if (!walk.currentNode.parentElement.closest('script, style, noscript, pre, optgroup')) said.push(walk.currentNode.nodeValue);
for (const el of document.querySelectorAll('[aria-label], [title], [placeholder], [alt], optgroup')) {
  for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'label']) if (el.hasAttribute(name)) said.push(el.getAttribute(name));
}
return said.map((text) => text.trim()).filter(Boolean);
"""
CUT_OFF = """
return [...document.querySelectorAll('button, a, h1, h2, h3, label, legend, dt, .nav-label, .option-name, .stat-name, .chip')].filter((el) => el.offsetParent && el.scrollWidth > el.clientWidth + 1
  && getComputedStyle(el).overflowX !== 'visible' && !el.querySelector('input, select')).map((el) => el.textContent.trim());
"""
SAY = "return import('/js/box-words.js').then(({ boxWords }) => boxWords(arguments[0]))"
# Each template with something put in, and what it became where that is not the translation of it.
LOOKED_UP = """
const [words] = arguments;
return import('/js/box-words.js').then(({ boxWords }) => Object.entries(words).map(([text, translation]) => {
  const put = (template) => template.replace(/\\{(\\d+)\\}/g, (_, i) => ['Rossi7', '1920', 'h264', '640', 'x5'][i]);
  return boxWords(put(text)) === put(translation) ? null : `${put(text)} -> ${boxWords(put(text))}`;
}));
"""
# What the box puts together, and what people call things.
BOX_SAYS = {
    "30 days of footage until 14 March 2027, then 7 days of footage until 2 May 2028. It is to renew itself, but no such package is in stock.":
        "30 giorni di filmati fino al 14 marzo 2027, poi 7 giorni di filmati fino al 2 maggio 2028. Dovrebbe rinnovarsi da solo, ma in scorta non c’è un pacchetto di questo tipo.",
    "10.0.0.1 is a link-local address, where no camera can be. Enter the camera's address on the site's network.":
        "10.0.0.1 è un indirizzo link-local, dove non può esserci una telecamera. Inserire l’indirizzo della telecamera nella rete del sito.",
    "The device's clock is 30 seconds fast. Set its time.": "L’orologio del dispositivo è avanti di 30 secondi. Impostare l’ora.",
    "Footage is paused until Monday 14:00, as is set under what it may take of the line.":
        "Il caricamento dei filmati è in pausa fino a lunedì alle 14:00, come impostato in ciò che può occupare della linea.",
    "The device refuses the user name or password. Enter the right ones. 3 more tries, then it locks.":
        "Il dispositivo rifiuta il nome utente o la password. Inserire quelli giusti. Ancora 3 tentativi, poi si blocca.",
    "It sends H264 1920x1080 with sound (aac).": "Invia H264 1920x1080 con audio (aac).",
    "door has no plan.": "door non ha un piano.",
    "Door to garden has no plan.": "Door to garden non ha un piano.",
    "<b>{0} $&</b> has no plan.": "<b>{0} $&</b> non ha un piano.",
    "Front door, at the gate": "Front door, at the gate",
    "Whatever this is. The device answers.": "Whatever this is. Il dispositivo risponde.",
}
PAGES = ("cameras", "live", "add/find", "add/address", "add/url", "add/code", "events", "cut-outs", "cloud", "sites", "people", "log", "health", "box", "account", "notices", "unbindings", "take-over")


class PageLanguages(PageCase):
    """One visit of somebody whose browser asks for Italian."""

    @classmethod
    def setUpClass(cls):
        cls.devices = DeviceSimulator("--device", "ptz,name=yard")
        cls.addClassCleanup(cls.devices.close)
        cls.box_under_test = box = cls.class_box(**{"http.tls": True, "recording.seconds-before": 2, "recording.seconds": 6, **QUICK})
        cls.browser = Browser(box.client.base, language="it-IT")
        cls.addClassCleanup(cls.browser.close)
        cls.overflow, cls.failed = [], None
        with open(os.path.join(WEB, "languages", "it.json"), encoding="utf-8") as file:
            words = json.load(file)
        plain = {key.partition("|")[0].strip(): text for key, text in words.items() if isinstance(text, str)}
        ours = {text.strip() for text in plain.values()}
        cls.english = {key for key, text in plain.items() if key != text and key not in ours and "{0}" not in key}
        # A sentence with something put in is known by its longest words.
        known = [re.split(r"(\\{\d\\})", re.escape(key)) for key, text in words.items() if "{0}" in key and re.search(r"[a-z]{4}.*[a-z]{4}", re.sub(r"\{\d\}", "", key))]
        with open(os.path.join(WEB, "languages", "box-it.json"), encoding="utf-8") as file:
            words = json.load(file)
        cls.box_words = {text: words[text] for text in said()[0]}
        parts = {text: re.split(r"\{\d\}", text.strip()) for text, translation in cls.box_words.items() if text != translation}
        cls.of_box = [re.compile(".*".join(map(re.escape, some))) for some in parts.values() if re.search(r"[a-z]{3}.*[a-z]{3}.*[a-z]{3}", "".join(some))]
        cls.patterns = [re.compile("".join(".+" if part.startswith("\\{") else part for part in parts)) for parts in known]

    def english_left(self, *of_the_box):
        """What the page still says in English; what the box or a person said may be named."""
        return [text for text in self.browser.script(SAID) if text not in of_the_box and (text in self.english or any(one.fullmatch(text) for one in self.patterns))]

    def box_english(self):
        """What the page shows of the box's sentences in English."""
        return [text for text in self.browser.script(SAID) if any(one.search(text) for one in self.of_box)]

    def visit(self, name, place, *of_the_box):
        """Look at a page in both sizes, with everything opened."""
        page = self.browser
        page.open(f"#/{place}")
        wait_for(lambda: page.all("#content h1"), 20, f"{name} to be drawn")
        page.script("for (const one of document.querySelectorAll('#content details')) one.open = true")
        self.quiet()
        self.assertFalse(self.english_left(*of_the_box), f"{name} has English")
        self.assertFalse(self.box_english(), f"{name} has English of the box")
        self.assertEqual(re.search("Non è stato possibile mostrare questa pagina|Non è qui", page.text()) is not None, name == "lost", page.text()[:500])
        page.shoot(f"it-{name}", self.overflow)
        for size in (PHONE, (360, 780), NARROWEST):
            page.size(*size)
            self.assertFalse(page.script(CUT_OFF), f"{name} has texts that do not fit at {size[0]} px")
            page.measure(name, size[0], self.overflow)
        page.size(1440, 900)

    def test_a_before_signing_in(self):
        """A new box is claimed in Italian; English is a tap away, and stays."""
        page, box = self.browser, self.box_under_test
        page.open()
        page.find("claim-form")
        self.assertEqual(page.script("return [document.documentElement.lang, document.title]"), ["it", "Configura - Gatehouse"])
        self.assertFalse(self.english_left())
        page.shoot("it-claim", self.overflow)
        page.click("language-en")
        page.await_text("Make this box mine")
        page.driver.refresh()
        page.await_text("Make this box mine")
        self.assertEqual(page.script("return document.documentElement.lang"), "en-GB")
        page.click("language-it")
        page.await_text("Prendi possesso di questo gateway")
        for field, text in (("claim-code", box.setup_code), ("claim-user", USER), ("claim-password", PASSWORD), ("claim-password-again", PASSWORD), ("claim-site", "Panificio")):
            page.fill(field, text)
        page.click("claim-submit")
        page.await_text("Qui compariranno le telecamere")
        box.token = box.client.token = box.client.call("POST", "/session", {"userName": USER, "password": PASSWORD}, token=None)["token"]
        self.assertFalse(self.english_left())
        self.done()

    def test_b_every_page(self):
        """No page has English of its own; what people call things stays as they call it."""
        box = self.box_under_test
        job = box.call("POST", "/onboardings", {"devices": [self.devices["yard"].entry()]})
        wait_for(lambda: box.get(f"/onboardings/{job['id']}")["done"], 60, "the device to be added")
        channel = box.get("/channels")["items"][0]
        box.call("PATCH", f"/channels/{channel['id']}", {"name": "Off"})
        box.await_picture(channel)
        box.link(channel, "standard")
        event = box.trigger(channel, "manual")
        clip = box.await_stored(event, 90)
        named = ("Off", "Gatehouse box", "Service provider", "bytes", "person")  # the camera, the box, the company, and what the log has of requests
        for place in PAGES:
            with self.subTest(place):
                self.visit(place.replace("/", "-"), place, *named)
        for name, place in (("camera", f"cameras/{channel['id']}"), ("playback", f"cameras/{channel['id']}/playback"), ("device", f"device/{channel['deviceId']}"),
                            ("clip", f"clips/{clip['id']}"), ("site", f"sites/{box.get('/sites')['items'][0]['id']}"), ("onboarding", f"onboarding/{job['id']}"), ("lost", "clips/none")):
            with self.subTest(name):
                self.visit(name, place, *named)
        self.browser.open("#/cameras")
        self.browser.await_text("Off")
        self.done("404")

    def test_c_what_the_box_says(self):
        """The box's own sentences come in the page's language: states, refusals, the health of the box. Whatever the box can say is found again, nothing else is touched."""
        page, box = self.browser, self.box_under_test
        page.open("#/sites")
        page.fill("site-name", "Panificio")
        page.click("site-add")
        page.await_text("C’è già un sito Panificio.")
        self.assertFalse(self.box_english())
        channel = box.get("/channels")["items"][0]
        box.call("PATCH", f"/channels/{channel['id']}", {"proxied": False})
        page.open(f"#/cameras/{channel['id']}")
        page.await_text("Il proxy del canale è disattivato: non viene né mostrato né registrato.")
        self.assertFalse(self.box_english())
        box.call("PATCH", f"/channels/{channel['id']}", {"proxied": True})
        page.await_text("L’immagine c’è.", 60)  # told by the stream of news
        self.quiet()  # what was asked of the device has come
        self.devices.close()
        wait_for(lambda: box.get("/health")["problems"], 60, "the box to miss the device")
        for place in (f"cameras/{channel['id']}", f"device/{channel['deviceId']}", "health"):
            page.open(f"#/{place}")
            wait_for(lambda: page.all("#content h1"), 20, f"{place} to be drawn")
            self.quiet()
            self.assertFalse(self.box_english(), place)
        page.find("health-problem")
        page.shoot("it-health-problem", self.overflow)
        self.assertFalse([what for what in page.script(LOOKED_UP, self.box_words) if what], "these are not found again")
        for text, words in BOX_SAYS.items():
            self.assertEqual(page.script(SAY, text), words)
        began = time.monotonic()
        for text in ("a. " * 660, "x is y, " * 12, "1 to 2 to " * 199, "The device cannot do that: " * 70, "is, is. " * 249):
            page.script(SAY, text)
        self.assertLess(time.monotonic() - began, 3)
        self.assertEqual(page.script(SAY, "It works. " * 201), "It works. " * 201)  # too long to be the box's
        self.done("404", "409", "ERR_")  # a picture that was switched off, the refusal, and a stream that broke

    def test_d_the_choice(self):
        """On the account's page another language is chosen; dates and numbers follow, and it holds when signed out."""
        page, box = self.browser, self.box_under_test
        page.open("#/events")
        page.await_text("Oggi")
        page.open("#/account")
        page.find("page-language")
        page.script("const s = document.querySelector('[data-testid=page-language]'); s.value = 'en'; s.dispatchEvent(new Event('change'))")
        page.await_text("Where you are signed in")
        page.open("#/events")
        page.await_text("Today")
        page.click("sign-out")
        page.find("sign-in-form")
        page.await_text("Forgotten your password?")
        page.click("language-it")
        page.await_text("Password dimenticata?")
        self.assertFalse(self.english_left())
        page.shoot("it-sign-in", self.overflow)
        site = box.get("/sites")["items"][0]["id"]
        links = {"partner": share(box, site, "paolo", "installation")["path"]}
        links["accept"] = hand_over(box, site, "olga", [{"permission": "live-view", "hours": 8}])["path"]
        links["join"] = box.call("POST", "/invitations", {"name": "Carla", "roleId": box.get("/roles")["items"][0]["id"]})["path"]
        for name, path in links.items():
            page.driver.get("about:blank")
            page.open(path.lstrip("/"))
            page.find(f"{name}-submit")
            self.assertFalse(self.english_left("Service provider"), name)
            page.shoot(f"it-{name}", self.overflow)
        page.driver.get("about:blank")
        page.open()
        for name in ("on-site", "forgotten"):
            page.click(name)
            page.find("on-site-back" if name == "on-site" else "forgotten-user")
            self.assertFalse(self.english_left(), name)
            page.driver.refresh()
            page.find("sign-in-form")
        self.done("401")
