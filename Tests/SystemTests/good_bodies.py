"""A body that is right in form for each operation that takes one: what the tests of bad input break, a property at a time."""

from box import PASSWORD

CLAIM = {"setupCode": "ABCD-EFGH", "userName": "me", "password": PASSWORD, "siteName": "Here", "timeZone": "Europe/Rome"}
FOLDER = {"kind": "folder", "path": "/tmp/nowhere"}
S3 = {"kind": "s3", "endpoint": "https://s3.example.com", "region": "eu", "bucket": "clips", "prefix": "a/", "accessKeyId": "KEY",
      "addressing": "path", "secretAccessKey": "secret"}
CHANNEL = {"name": "Door", "armed": True, "motion": {"enabled": True, "sensitivity": 50, "cells": ["1" * 22] * 18},
           "schedule": {"always": False, "periods": [{"day": "monday", "from": "08:00", "to": "18:00"}]},
           "definition": {"kind": "custom", "resolution": "720P", "bitRate": 640000}, "retentionDays": 7}
DEVICE = {"name": "Door", "url": "rtsp://127.0.0.1:9/main", "userName": "me", "password": "secret", "transport": "tcp", "subUrl": None,
          "httpPort": 80, "https": False, "allowBasic": False}
ENTRY = {"name": "Door", "address": "127.0.0.1", "port": 9, "httpPort": 9, "https": False, "userName": "me", "password": "secret",
         "driver": "isapi", "transport": "tcp", "allowBasic": False}
MOTION = {"enabled": True, "sensitivity": 50, "columns": 22, "rows": 18, "cells": ["1" * 22] * 18, "notifies": True,
          "schedule": CHANNEL["schedule"]}
STRONG = {"password": "Harbour-2026"}
VOUCHER = {"format": 1, "id": "a", "issuer": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "issuedAt": "2026-11-21T10:00:00.000Z",
           "keys": [{"sha256": "0" * 64, "package": "7-days-month", "redeemUntil": "2027-12-31", "box": "GH1"}],
           "packages": [{"package": "30-days-year", "count": 2, "box": "GH1"}], "signature": "A" * 86 + "=="}
LENS = "/channels/{id}/lens"
SITE = {"scene": "flat", "address": "Mill Lane 7", "city": "Prato", "state": "PO", "remarks": "Key at the neighbour's.", "syncTime": True, "liveLimitMinutes": 5,
        "position": {"latitude": 43.88, "longitude": 11.09}}
WISH = {"permission": "live-view", "deviceId": "a-device", "hours": 8}
GOOD = {
    ("POST", "/setup/claim"): [CLAIM], ("POST", "/session"): [{"userName": "me", "password": PASSWORD}],
    ("PATCH", "/system"): [{"name": "Box", "logLevel": "info", "liveLimitMinutes": 5}], ("POST", "/devices"): [DEVICE],
    ("POST", "/devices/test"): [DEVICE], ("PATCH", "/devices/{id}"): [DEVICE], ("PATCH", "/channels/{id}"): [CHANNEL],
    ("PUT", "/channels/{id}/link"): [{"definition": CHANNEL["definition"], "retentionDays": 30}],
    ("POST", "/channels/{id}/trigger"): [{"type": "manual"}], ("POST", "/channels/{id}/live"): [{"stream": "sub"}],
    ("POST", "/on-site/live"): [{"device": "192.168.1.64", "userName": "admin", "password": "secret", "channel": 2, "stream": "main"}],
    ("POST", "/exports"): [{"channelIds": ["a"], "from": "2026-11-27T08:15:00Z", "to": "2026-11-27T08:17:00Z", "exact": True, "pieceSeconds": 120,
                            "code": None}],
    ("POST", "/channels/{id}/playback"): [{"from": "2026-11-27T14:02:00Z", "speed": 2, "source": "box", "code": "ABCD-EFGH"}], ("PUT", "/storage/target"): [FOLDER, S3],
    ("PUT", "/support"): [{"collectsLog": False, "hours": 24}],
    ("PATCH", "/firmware"): [{"channel": "stable", "automatic": False, "windowFrom": "02:00", "windowTo": "05:00"}], ("POST", "/firmware/upgrade"): [{"version": "1.5.0"}], ("POST", "/device-firmware/upgrades"): [{"deviceIds": ["01890a5dac96774bbcceb302099a8057"]}],
    ("PUT", "/relay/rtsp"): [{"enabled": False, "port": 8554, "userName": "viewer", "password": "Harbour-Lamp-2026"}],
    ("PUT", "/relay/ice"): [{"stunUrl": "stun:stun.example.com:3478", "turnUrl": "turn:turn.example.com:3478?transport=udp", "userName": "box",
                             "credentialKind": "password", "credential": "Harbour-Lamp-2026", "firstPort": 50000, "lastPort": 50100}],
    ("PUT", "/relay/reach"): [{"enabled": False, "outsidePort": 8443, "routerUrl": "http://127.0.0.9:5000/rootDesc.xml", "interface": "eth0",
                               "checkerUrl": "https://check.example.com/reach"}],
    ("PUT", "/relay/ddns"): [{"enabled": False, "serverUrl": "https://dyn.example.com", "hostName": "box.example.com", "userName": "box",
                              "password": "Harbour-Lamp-2026"}],
    ("PUT", "/storage/line"): [{"cap": {"kind": "bits-per-second", "value": 500_000}, "testHour": 3,
                                "windows": [{"schedule": {"always": False, "periods": [{"day": "monday", "from": "08:00", "to": "18:00"}]}, "cap": {"kind": "percent", "value": 50}}]}],
    ("POST", "/storage/test"): [{"target": FOLDER}, {"target": S3}], ("POST", "/storage/second/test"): [{"target": FOLDER}, {"target": S3}],
    ("PUT", "/storage/second"): [{"role": "mirror", "target": S3}, {"role": "fallback", "afterMinutes": 5, "target": FOLDER}],
    ("POST", "/discovery"): [{"seconds": 2, "sweep": False, "addresses": ["127.0.0.1"]}],
    ("POST", "/onboardings"): [{"devices": [ENTRY], "userName": "me", "password": "secret", "setTime": False}],
    ("POST", "/onboardings/{id}/devices/{index}/retry"): [{
        "userName": "me", "password": "secret", "driver": "auto", "allowBasic": False, "acceptCertificate": False,
        "url": "rtsp://127.0.0.1:9/main", "httpPort": 9, "https": False}],
    ("POST", "/onboardings/{id}/devices/{index}/activate"): [STRONG],
    ("POST", "/onboardings/{id}/devices/{index}/unbinding"): [{"remarks": "Bought with the shop."}],
    ("PUT", "/certificate"): [{"certificate": "-----BEGIN CERTIFICATE-----", "key": None}], ("POST", "/certificate/request"): [{"names": ["cameras.example.com"]}],
    ("POST", "/devices/{id}/code"): [{"password": "lamp-7731"}], ("POST", "/sites/{id}/code"): [{"password": "lamp-7731"}],
    ("POST", "/codes/open"): [{"content": "gatehouse:1:e30", "password": "lamp-7731"}],
    ("POST", "/site-applications"): [{"siteId": "01890a5dac96774bbcceb302099a8057", "permissions": [{**WISH, "deviceId": None}], "remarks": "Your shop's cameras."}],
    ("POST", "/system/factory-reset"): [{"password": "not " + PASSWORD, "serialNumber": "GH1"}],
    ("POST", "/session/forgotten"): [{"userName": "me"}],
    ("POST", "/session/new-password"): [{"userName": "me", "code": "ABCD-EFGH", "password": PASSWORD}],
    ("POST", "/unbindings/{id}/refuse"): [{"reason": "It is not bound to any account."}],
    ("PUT", "/devices/{id}/time"): [{"zone": "Europe/Rome", "networkTimeServer": "192.0.2.1"}], ("PUT", "/devices/{id}/name"): [{"name": "Door"}],
    ("PUT", "/devices/{id}/password"): [STRONG], ("POST", "/devices/{id}/doors/{door}"): [{"command": "open"}],
    ("PATCH", "/channels/{id}/device-streams/{stream}"): [{
        "codec": "h264", "width": 640, "height": 480, "frameRate": 10, "bitRate": 512000, "keyFrameInterval": 20, "smartCodec": False}],
    ("PUT", "/channels/{id}/device-motion"): [MOTION], ("PUT", "/channels/{id}/notification"): [{"type": "motion", "on": True}],
    ("POST", LENS + "/move"): [{"pan": 0.5, "tilt": 0, "zoom": 0, "focus": 0}], ("POST", LENS + "/presets"): [{"name": "Gate"}],
    ("PUT", "/channels/{id}/plan"): [{"serviceKey": "7K3M-9QXA-2VDP-R5T8"}, {"package": "30-days-year"}],
    ("PATCH", "/channels/{id}/plan"): [{"automaticRenewal": True}], ("POST", "/channels/{id}/plan/transfer"): [{"channelId": "a-channel"}],
    ("POST", "/plans/vouchers"): [VOUCHER], ("PUT", "/storage/encryption"): [{"enabled": True, "code": "Harbour-Lamp-2026", "currentCode": "Harbour-Lamp-2025", "password": PASSWORD}],
    ("POST", "/storage/encryption/recovery-file"): [{"recoveryFile": "{}", "code": "Harbour-Lamp-2026"}],
    ("POST", "/clips/{id}/key"): [{"code": "Harbour-Lamp-2026"}],
    ("PATCH", "/session/password"): [{"password": PASSWORD, "newPassword": "three green boats on land"}],
    ("POST", "/session/one-time-passwords"): [{"password": "not " + PASSWORD}], ("PUT", "/session/one-time-passwords"): [{"oneTimePassword": "287082"}],
    ("DELETE", "/session/one-time-passwords"): [{"password": "not " + PASSWORD}],
    ("POST", "/session/reset"): [{"setupCode": "ABCD-EFGH", "password": "three green boats on land"}],
    ("POST", "/backup"): [{"password": "not " + PASSWORD, "passphrase": "nine calm herons by noon"}],
    ("POST", "/keys"): [{"name": "backup", "permissions": ["play-back", "view-site"], "days": 90, "password": "not " + PASSWORD}], ("PATCH", "/company"): [{"name": "Rossi"}],
    ("POST", "/sites"): [{"name": "Flat", "timeZone": "Europe/Rome", **SITE}], ("PATCH", "/sites/{id}"): [{"name": "Flat", **SITE}],
    ("POST", "/sites/{id}/handovers"): [{"way": "email", "recipient": "olga@example.com", "remarks": "Ready.", "permissions": [WISH], "allowRemoteUseControl": True, "language": "it"}],
    ("POST", "/handover"): [{"token": "none"}], ("POST", "/handover/refuse"): [{"token": "none"}],
    ("POST", "/handover/accept"): [{"token": "none", "userName": "olga", "fullName": "Olga", "password": "three green boats on land", "hasAccount": False, "oneTimePassword": "287082"}],
    ("POST", "/sites/{id}/permissions"): [{"permissions": [WISH], "personId": "a-person"}], ("POST", "/sites/{id}/applications"): [{"permissions": [WISH], "remarks": "Why."}],
    ("PUT", "/session/contact"): [{"email": "anna@example.com", "language": "it", "password": "not " + PASSWORD}],
    ("POST", "/sites/{id}/provider-invitations"): [{"recipient": "verdi@example.com", "permissions": [{"permission": "live-view", "hours": 8}], "remarks": "Please.", "language": "it"}],
    ("POST", "/sites/{id}/shares"): [{"kind": "installation", "recipient": "mia@example.com", "remarks": "Please.", "language": "it"},
                                     {"kind": "maintenance", "recipient": "mia@example.com", "permissions": ["live-view"]}],
    ("PATCH", "/sites/{id}/shares/{share}"): [{"permissions": ["live-view"]}],
    ("POST", "/device-moves"): [{"deviceIds": ["a-device"], "siteId": "a-site", "remarks": "To the flat."}],
    ("POST", "/share"): [{"token": "none"}], ("POST", "/share/refuse"): [{"token": "none"}],
    ("POST", "/share/accept"): [{"token": "none", "userName": "mia", "fullName": "Mia", "company": "Night Watch", "password": "three green boats on land", "hasAccount": False, "oneTimePassword": "287082"}],
    ("PUT", "/sites/{id}/owner-use"): [{"allowed": False, "deviceId": "a-device", "giveUpControl": False}],
    ("PATCH", "/people/{id}"): [{"roleId": "a-role", "disabled": False}], ("PUT", "/people/{id}/sites"): [{"siteIds": ["a-site"]}], ("PATCH", "/people/{id}/sites"): [{"add": ["a-site"], "remove": ["b-site"]}],
    ("POST", "/invitations"): [{"name": "Bert", "roleId": "a-role"}], ("POST", "/roles"): [{"name": "Clerk", "permissions": ["manage-service-package-and-order"]}],
    ("PATCH", "/roles/{id}"): [{"name": "Clerk", "permissions": ["manage-service-package-and-order"]}],
    ("POST", "/setup/restore"): [{"setupCode": "ABCD-EFGH", "passphrase": "nine calm herons by noon"}],
    ("POST", "/invitation"): [{"token": "none"}],
    ("POST", "/join"): [{"token": "q4Zr", "userName": "bert", "fullName": "Bert", "password": "three green boats on land"}],
    ("PUT", LENS + "/presets/{preset}"): [{"name": "Gate"}], ("PUT", LENS + "/auxiliary"): [{"name": "light", "on": True}],
}
