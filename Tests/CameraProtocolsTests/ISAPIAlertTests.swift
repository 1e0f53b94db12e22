import CameraProtocols
import Core
import Foundation
import Testing
import XML

@Suite struct ISAPIAlertTests {
    private func alert(_ inside: String, namespace: String = "http://www.hikvision.com/ver20/XMLSchema") throws -> ISAPIAlert {
        try ISAPIAlert(
            parsing: Array(
                "<?xml version=\"1.0\"?><EventNotificationAlert version=\"2.0\" xmlns=\"\(namespace)\">\(inside)</EventNotificationAlert>"
                    .utf8))
    }

    private func only(_ alert: ISAPIAlert) throws -> DeviceNotification {
        try #require(alert.notifications.count == 1)
        return alert.notifications[0]
    }

    @Test(arguments: [
        "http://www.hikvision.com/ver20/XMLSchema", "http://www.hikvision.com/ver10/XMLSchema", "http://www.isapi.org/ver20/XMLSchema",
        "urn:psialliance-org", "",
    ]) func readsAnEventOfAnyNamespace(namespace: String) throws {
        let notification = try only(
            alert(
                "<channelID>2</channelID><dateTime>2021-07-02T14:27:59-6:00</dateTime><eventType>VMD</eventType><eventState>active</eventState>",
                namespace: namespace))
        #expect(notification.category == .motion)
        #expect(notification.deviceType == "VMD")
        #expect(notification.phase == .active)
        #expect(notification.place == .channel(2))
        #expect(notification.region == nil)
        #expect(notification.deviceTime == DeviceTime("2021-07-02T20:27:59Z"))
    }

    @Test func aHeartbeatIsNoEvent() throws {
        let quiet = try alert("<eventType>videoloss</eventType><eventState>inactive</eventState><activePostCount>0</activePostCount>")
        #expect(quiet.isHeartbeat && quiet.notifications.isEmpty)
        let lost = try alert("<eventType>videoloss</eventType><eventState>active</eventState><activePostCount>0</activePostCount>")
        #expect(!lost.isHeartbeat)
        #expect(try only(lost).category == .videoLoss)
        let back = try alert("<eventType>videoloss</eventType><eventState>inactive</eventState><activePostCount>1</activePostCount>")
        #expect(try only(back).phase == .inactive)
        #expect(try ISAPIAlert(parsing: Array(#"{"eventType": "heartBeat", "eventState": "active"}"#.utf8)).isHeartbeat)
    }

    @Test func everyRegionAndTargetIsANotificationOfItsOwn() throws {
        func entry(_ region: String, _ target: String) -> String {
            "<DetectionRegionEntry><regionID>\(region)</regionID><detectionTarget>\(target)</detectionTarget></DetectionRegionEntry>"
        }
        let entries = entry("1", "human") + entry("1", "human") + entry("2", "vehicle") + entry("", "others")
        let found = try alert(
            "<eventType>fielddetection</eventType><eventState>active</eventState><DetectionRegionList>\(entries)</DetectionRegionList>"
        ).notifications
        #expect(found.map(\.region) == ["1", "2", nil])
        #expect(found.map(\.target) == [.human, .vehicle, nil])
        #expect(found.allSatisfy { $0.category == .intrusion && $0.phase == .active && $0.place == .device })
    }

    @Test(arguments: [
        ("VMD", CameraEvent.Category.motion), ("linedetection", .lineCrossing), ("fielddetection", .intrusion),
        ("regionEntrance", .regionEntrance), ("regionExiting", .regionExit), ("loitering", .loitering), ("facedetection", .face),
        ("faceSnap", .face), ("PIR", .pir), ("shelteralarm", .tamper), ("tamperdetection", .tamper), ("scenechangedetection", .tamper),
        ("IO", .input), ("diskfull", .diskFull), ("diskerror", .diskError), ("illAccess", .illegalLogin), ("nicbroken", .network),
        ("ipconflict", .network), ("audioexception", .audio), ("unattendedBaggage", .object), ("ANPR", .object), ("TMA", .other),
        ("somethingNew", .other),
    ]) func knowsTheWord(word: String, category: CameraEvent.Category) throws {
        let notification = try only(alert("<eventType>\(word)</eventType><eventState>active</eventState>"))
        #expect(notification.category == category)
        #expect(notification.deviceType == word)
    }

    @Test func keepsWhatElseIsWorthKnowing() throws {
        let plate = try only(
            alert(
                "<eventType>ANPR</eventType><eventState>active</eventState><ANPR><licensePlate>AB123CD</licensePlate></ANPR><picInfo><picUri>http://10.0.0.2/a.jpg</picUri></picInfo>"
            ))
        #expect(plate.details["plate"] == "AB123CD")
        #expect(plate.target == .vehicle)
        #expect(plate.phase == .momentary)
        #expect(plate.pictureURL == "http://10.0.0.2/a.jpg")
        let input = try only(alert("<eventType>IO</eventType><eventState>active</eventState><inputIOPortID>3</inputIOPortID>"))
        #expect(input.details["input"] == "3")
        let other = try only(
            alert(
                "<eventType>TMA</eventType><eventDescription>too hot</eventDescription><TMA><currTemperature>81.5</currTemperature></TMA>"))
        #expect(other.details == ["description": "too hot", "temperature": "81.5"])
    }

    @Test func aNameInALocalEncodingDoesNoHarm() throws {
        let bytes =
            Array("<EventNotificationAlert><channelName>".utf8) + [0xD0, 0xA1, 0xC4, 0xFF]
            + Array(
                "</channelName><dynChannelID>7</dynChannelID><eventType>VMD</eventType><eventState>active</eventState></EventNotificationAlert>"
                    .utf8)
        #expect(try ISAPIAlert(parsing: bytes).notifications.first?.place == .channel(7))
    }

    private func access(_ major: Int, _ minor: Int, more: String = "") throws -> DeviceNotification {
        let json = """
            {"ipAddress": "10.0.0.3", "channelID": 1, "dateTime": "2024-05-01T10:00:00+02:00", "activePostCount": 1,
             "eventType": "AccessControllerEvent", "eventState": "active",
             "AccessControllerEvent": {"majorEventType": \(major), "subEventType": \(minor), "doorNo": 2\(more)}}
            """
        return try only(ISAPIAlert(parsing: Array(json.utf8)))
    }

    @Test func readsADoorControllersJSON() throws {
        let face = try access(5, 75, more: #", "cardNo": "1234", "name": "Łucja", "currentVerifyMode": "face", "employeeNoString": "17""#)
        #expect(face.category == .access)
        #expect(face.phase == .momentary)
        #expect(face.deviceType == "AccessControllerEvent/5/75")
        #expect(
            face.details == [
                "door": "2", "card": "1234", "person": "Łucja", "verification": "face", "employee": "17", "result": "accepted",
            ])
        #expect(face.deviceTime == DeviceTime("2024-05-01T08:00:00Z"))
        #expect(try access(5, 76).details["result"] == "refused")
        #expect(try access(5, 37).category == .doorbell)
        #expect(try access(5, 27).details["state"] == "forced")
        #expect(try access(5, 28).category == .door)
        #expect(try access(1, 0x404).category == .tamper)
        #expect(try access(1, 0x405).phase == .inactive)
        #expect(try access(3, 0x400).details["state"] == "remote-open")
        #expect(try access(5, 21).category == .other)
    }

    @Test func refusesWhatIsNoAlert() {
        func refusal(_ text: String) -> ISAPIAlertRefusal? {
            do throws(ISAPIAlertRefusal) {
                _ = try ISAPIAlert(parsing: Array(text.utf8))
                return nil
            } catch {
                return error
            }
        }
        #expect(refusal("<ResponseStatus><statusCode>4</statusCode></ResponseStatus>") == .notAnAlert("ResponseStatus"))
        #expect(refusal("{\"a\": 1}") == .notAnAlert("a"))
        #expect(refusal("{\"a\": ") == .json("it is not well-formed"))
        #expect(
            refusal(
                #"{"eventType": "VMD", "x": "# + String(repeating: "[{\"a\":", count: 60) + "1" + String(repeating: "}]", count: 60) + "}")
                == .json("it is nested too deeply or too large"))
        #expect(refusal("<!DOCTYPE a [<!ENTITY b \"c\">]><EventNotificationAlert/>") == .xml(.documentType))
        #expect(refusal("") == .xml(.malformed("it is empty")))
    }
}
