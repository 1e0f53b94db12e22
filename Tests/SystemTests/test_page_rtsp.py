"""The card by which other programs may open the cameras, in a real browser."""

from browser import Browser
from page_case import PageCase
from rtsp_client import RTSPClient
from ports import free_port

SECRET = "Harbour-Lamp-2026"


class PageRTSP(PageCase):
    """One visit to the Box page."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_small_cameras()
        cls.box_under_test = box = cls.class_box(**{"http.tls": True})
        box.claim()
        cls.channel = box.add_camera(cls.cameras.cameras[0])
        box.await_picture(cls.channel)
        cls.browser = Browser(box.client.base)
        cls.addClassCleanup(cls.browser.close)
        cls.overflow, cls.failed = [], None

    def test_switch_on(self):
        """Without a password it says so beside the field; with one the camera's address is there to copy, and works."""
        page, port = self.browser, free_port()
        self.sign_in()
        page.find("watch-live")
        page.open("#/box")
        page.find("rtsp-port")
        self.quiet()  # nothing moves any more under what is pressed
        page.fill("rtsp-port", str(port))
        page.choose("rtsp-enabled-on")
        page.click("rtsp-save")
        page.await_text("Choose a password of at least 12 characters.")
        page.shoot("box-rtsp-password-missing", self.overflow)
        page.fill("rtsp-password", SECRET)
        page.click("rtsp-save")
        address = f"rtsp://127.0.0.1:{port}/{self.channel['id']}/main"
        page.await_text(address)
        page.await_text(f"Programs can open the cameras on port {port}.")
        page.shoot("box-rtsp", self.overflow)
        client = self.kept(RTSPClient(address, "viewer", SECRET))
        self.assertEqual(client.ask("DESCRIBE").status, 200)
        self.done("422")

    def test_viewers_from_afar(self):
        """The servers that help viewers from afar: what is missing is said beside the field; what was set is there again, without the password."""
        page = self.browser
        page.open("#/cameras")
        page.open("#/box")
        page.find("ice-turn")
        self.quiet()  # nothing moves any more under what is pressed
        page.fill("ice-turn", "turn:turn.example.com")
        page.click("ice-save")
        page.await_text("A TURN server needs a password or a secret.")
        page.fill("ice-user", "box")
        page.fill("ice-credential", SECRET)
        page.click("ice-save")
        page.await_text("The present one stays when this is empty.")
        page.shoot("box-ice", self.overflow)
        now = self.box_under_test.get("/relay/ice")
        self.assertEqual((now["turnUrl"], now["userName"], now["hasCredential"]), ("turn:turn.example.com:3478?transport=udp", "box", True))
        page.fill("ice-turn", "")
        page.click("ice-save")
        page.await_text("Saved.")
        self.done("422")
