"""What people are told about their sites, by e-mail and by text message."""

import email
import email.policy
import http.server
import json
import os
import re
import threading

from box import PASSWORD, USER
from case import Case
from client import Client, Problem
from owners import Owner, hand_over
from people import Person
from waiting import wait_for


class Told(Case):
    """A box that sends e-mail and text messages; both are kept by the test."""

    def setUp(self):
        folder, self.messages = self.folder(), []
        self.letters = os.path.join(folder, "letters")
        program = os.path.join(folder, "sendmail")
        with open(program, "w") as file:
            file.write(f'#!/bin/sh\n{{ echo "$@"; cat; echo "=== end"; }} >> {self.letters}.new && mv {self.letters}.new {self.letters}\n')
        os.chmod(program, 0o755)
        messages = self.messages

        class Gateway(http.server.BaseHTTPRequestHandler):
            """Keeps what it is sent."""

            def do_POST(self):
                """A text message."""
                messages.append((self.headers["authorization"], json.loads(self.rfile.read(int(self.headers["content-length"])))))
                self.send_response(202 if len(messages) < 2 else 503)
                self.end_headers()

            def log_message(self, *_):
                """Nothing is logged."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.made = self.box(**{"mail.program": program, "mail.from": "box@example.com", "sms.url": f"http://127.0.0.1:{server.server_port}/send", "sms.token": "s3cret-of-sms"})
        self.made.claim()
        self.site = self.made.get("/sites")["items"][0]["id"]

    def letter(self, recipient):
        """The newest e-mail to somebody: its subject and its text."""
        def look():
            if not os.path.exists(self.letters):
                return None
            with open(self.letters) as file:
                letters = [one for one in file.read().split("=== end\n") if f"-- {recipient}\n" in one]
            if not letters:
                return None
            found = email.message_from_string(letters[-1].partition("\n")[2], policy=email.policy.default)
            return found["Subject"], found.get_content()
        return wait_for(look, 10, f"an e-mail to {recipient}")

    def test_by_email(self):
        """The link comes by e-mail, in the owner's language; who is asked or answered is told on the page and by e-mail."""
        box = self.made
        self.assertEqual(box.call("PUT", "/session/contact", {"email": "anna@example.com", "language": "it"}), {"email": "anna@example.com", "language": "it", "mails": True, "recovers": False})
        sent = hand_over(box, self.site, "olga", language="it", remarks="Le telecamere sono pronte.")
        self.assertEqual(sent["delivery"], {"sent": True, "sentence": "Sent to olga@example.com."})
        subject, text = self.letter("olga@example.com")
        self.assertEqual(subject, "Test house: Service provider ti consegna il sito")
        self.assertIn("Le telecamere sono pronte.", text)
        link = re.search(r"http\S+", text).group()
        self.assertEqual(link, f"{box.client.base}/#/handover/{sent['token']}")
        olga = Owner(box, "olga", link.rpartition("/")[2])
        self.assertEqual(self.letter("anna@example.com")[0], "olga ha accettato Test house.")
        box.call("POST", f"/sites/{self.site}/applications", {"permissions": [{"permission": "live-view"}]})
        self.assertEqual(self.letter("olga@example.com")[0], f"{USER} ti chiede dei permessi per Test house.")
        self.assertEqual([(one["kind"], one["readAt"]) for one in olga.get("/notices")["items"]], [("applied", None)])
        olga.client.call("POST", "/notices/read")
        self.assertTrue(olga.get("/notices")["items"][0]["readAt"])
        self.assertEqual([one["kind"] for one in box.get("/notices")["items"]], ["handover-accepted"])
        # Nobody else's; no token is in the log.
        self.assertEqual(Person(box, "dora", "Site Manager").get("/notices")["items"], [])
        self.assertNotIn(sent["token"], box.log())

    def test_an_invitation(self):
        """Who is invited to the company gets the link by e-mail where an address is given; where not, nothing is sent and nothing said of it."""
        box = self.made
        roles = {one["name"]: one["id"] for one in box.get("/roles")["items"]}
        order = {"name": "Dora", "roleId": roles["Site Manager"]}
        made = box.call("POST", "/invitations", {**order, "email": "dora@example.com", "language": "it"})
        self.assertEqual(made["delivery"], {"sent": True, "sentence": "Sent to dora@example.com."})
        subject, text = self.letter("dora@example.com")
        self.assertEqual(subject, "Service provider ti invita")
        self.assertIn(f"{box.client.base}{made['path']}", text)
        self.assertNotIn("delivery", box.call("POST", "/invitations", order))
        self.assertFalse({"token", "email", "delivery"} & set(box.get("/invitations")["items"][0]))
        with self.assertRaises(Problem) as found:
            box.call("POST", "/invitations", {**order, "email": "dora"})
        self.assertEqual((found.exception.status, found.exception.fields), (422, ["/email"]))

    def test_by_text_message(self):
        """By phone the link comes as a text message; where the gateway takes none, the answer says so."""
        box = self.made
        asked = {"way": "phone", "recipient": "+39 055 123456"}
        sent = box.call("POST", f"/sites/{self.site}/handovers", asked)
        self.assertTrue(sent["delivery"]["sent"])
        authorization, message = self.messages[0]
        self.assertEqual((authorization, message["to"]), ("Bearer s3cret-of-sms", "+39 055 123456"))
        self.assertIn(f"/#/handover/{sent['token']}", message["text"])
        again = box.call("POST", f"/sites/{self.site}/handovers", asked)
        self.assertEqual((again["delivery"]["sent"], again["state"]), (False, "pending"))
        self.assertNotIn("s3cret-of-sms", box.log())

    def test_a_forgotten_password(self):
        """A code comes by e-mail to who has an address, and sets a new password; whoever has none is answered the same."""
        box = self.made
        contact = {"email": "anna@example.com", "language": "en"}
        self.assertEqual(box.client.request("PUT", "/session/contact", {**contact, "password": "not " + PASSWORD}).status, 403)
        self.assertTrue(box.call("PUT", "/session/contact", {**contact, "password": PASSWORD})["recovers"])
        self.assertTrue(box.call("PUT", "/session/contact", contact)["recovers"], "the same address")
        # One that came by a sign-in alone opens no account.
        self.assertFalse(box.call("PUT", "/session/contact", {**contact, "email": "eve@example.com"})["recovers"])
        nobody = Client(box.client.base)
        self.assertEqual(nobody.request("POST", "/session/forgotten", {"userName": USER}).status, 202)
        box.call("PUT", "/session/contact", {**contact, "password": PASSWORD})
        for name in (USER, "nobody"):
            answer = nobody.request("POST", "/session/forgotten", {"userName": name})
            self.assertEqual((answer.status, answer.body), (202, b""), name)
        subject, text = self.letter("anna@example.com")
        self.assertEqual(subject, "A new password")
        self.assertNotIn("http", text)
        code = re.search(r"[A-Z2-9]{4}-[A-Z2-9]{4}", text).group()
        self.assertNotIn(code, box.log())
        order = {"userName": USER, "code": "AAAA-AAAA", "password": "three green boats on land"}
        wrong = nobody.request("POST", "/session/new-password", order).problem()
        self.assertEqual((wrong.status, wrong.slug), (403, "wrong-code"))
        self.assertEqual(nobody.request("POST", "/session/new-password", {**order, "code": code}).status, 204)
        self.assertEqual(box.client.request("GET", "/session").status, 401, "every sign-in has ended")
        self.assertEqual(nobody.request("POST", "/session/new-password", {**order, "code": code}).problem().slug, "wrong-code")
        box.client.token = nobody.call("POST", "/session", {"userName": USER, "password": order["password"]})["token"]
        known = [one for one in box.get("/operations")["items"] if one["action"] in ("forgetPassword", "setNewPassword")]
        self.assertEqual({(one["action"], one["result"]) for one in known} & {("setNewPassword", "done")}, {("setNewPassword", "done")}, known)
        self.assertNotIn(code, json.dumps(known))
        with open(self.letters) as file:
            self.assertEqual(file.read().count("=== end"), 1)


class WithoutMail(Case):
    """A box that sends nothing."""

    def test_it_says_so(self):
        """Whoever has forgotten a password is told whom to ask."""
        box = self.box()
        box.claim()
        problem = Client(box.client.base).request("POST", "/session/forgotten", {"userName": USER}).problem()
        self.assertEqual((problem.status, problem.slug), (409, "conflict"))
        self.assertIn("sends no e-mails", problem.detail)
