"""axe-core, the engine of accessibility checks: from PyPI, in an environment of its own; and what it finds on a page.

`python3 Tests/SystemTests/axe.py` fetches it; it is never part of the box.
"""

import glob
import hashlib
import os

from peers import environment

PACKAGES = ("--no-deps", "axe-playwright-python==0.1.8")  # for its axe.min.js alone: without Playwright
SHA256 = "84494fec757e4710dc751c8d7a636e457f4532f08f85c86dc9070133fbff53bc"  # of axe-core 4.12.1
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
GRAVE = ("serious", "critical")
# What can be different in another colour scheme, and nothing else.
OF_COLOURS = ("color-contrast", "link-in-text-block")

RUN = """
const [rules, tags, done] = arguments;
const options = {runOnly: rules ? {type: 'rule', values: rules} : {type: 'tag', values: tags}, resultTypes: ['violations'], preload: false};
axe.run(document, options).then(({violations}) => done(violations.map((one) => ({rule: one.id, impact: one.impact, tags: one.tags,
  nodes: one.nodes.map((node) => ({at: node.target.flat().join(' '), html: node.html.slice(0, 200), why: [...node.any, ...node.all, ...node.none].map((check) => check.message).join('; ')}))}))),
  (error) => done(String(error)));
"""


def source():
    """The engine's script; subprocess.SubprocessError or OSError where it cannot be had."""
    home = os.path.dirname(os.path.dirname(environment("axe", *PACKAGES)))
    [path] = glob.glob(os.path.join(home, "lib/python*/site-packages/axe_playwright_python/axe.min.js"))
    with open(path, "rb") as file:
        script = file.read()
    found = hashlib.sha256(script).hexdigest()
    if found != SHA256:
        raise AssertionError(f"{path} is not the axe-core that was looked at: its SHA-256 is {found}")
    return script.decode()


def look(browser, script, rules=None):
    """What is wrong with the page as it stands: a list of {rule, impact, tags, nodes}."""
    if not browser.script("return Boolean(window.axe)"):  # a page that was loaded anew
        browser.driver.execute_script(script)
    browser.driver.set_script_timeout(60)
    found = browser.driver.execute_async_script(RUN, rules, [*WCAG, "best-practice"])
    if isinstance(found, str):
        raise AssertionError(f"axe-core failed: {found}")
    return found


def is_grave(one):
    """Whether it is against WCAG 2.1 A or AA, and serious or critical."""
    return one["impact"] in GRAVE and any(tag in WCAG for tag in one["tags"])


if __name__ == "__main__":
    source()
