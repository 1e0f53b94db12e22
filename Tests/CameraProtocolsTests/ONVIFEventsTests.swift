import CameraProtocols
import Core
import Testing

@Suite struct ONVIFEventsTests {
    private func message(
        _ topic: String, operation: String? = "Changed", time: String = "2024-05-25T23:59:38Z", source: String = "", data: String
    ) -> String {
        func items(_ text: String) -> String {
            text.split(separator: ";").map { pair in
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return "<tt:SimpleItem Value=\"\(parts[1])\" Name=\"\(parts[0])\"/>"
            }.joined()
        }
        let state = operation.map { " PropertyOperation=\"\($0)\"" } ?? ""
        return "<wsnt:NotificationMessage><wsnt:Topic>\(topic)</wsnt:Topic><wsnt:Message><tt:Message UtcTime=\"\(time)\"\(state)>"
            + "<tt:Source>\(items(source))</tt:Source><tt:Data>\(items(data))</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>"
    }

    private func events(_ messages: String..., root: String = "tev:PullMessagesResponse") throws -> [DeviceNotification] {
        let content = "<\(root)>\(messages.joined())</\(root)>"
        let text = root == "tt:MetadataStream" ? content : "<s:Envelope xmlns:s=\"x\"><s:Body>\(content)</s:Body></s:Envelope>"
        return try ONVIFEvents(parsing: Array(text.utf8)).notifications
    }

    @Test(arguments: ["tev:PullMessagesResponse", "wsnt:Notify", "tt:MetadataStream"]) func readsEveryWayEventsCome(root: String) throws {
        let found = try events(
            message("tns1:RuleEngine/CellMotionDetector/Motion", source: "VideoSourceConfigurationToken=V1;Rule=R", data: "IsMotion=TRUE"),
            root: root)
        #expect(
            found == [
                DeviceNotification(
                    category: .motion, deviceType: "RuleEngine/CellMotionDetector/Motion", phase: .active, place: .token("V1"), region: "R",
                    deviceTime: DeviceTime("2024-05-25T23:59:38Z"), details: ["operation": "changed"])
            ])
    }

    @Test(
        arguments: [
            ("tns1:VideoSource/MotionAlarm", "State=true", CameraEvent.Category.motion, CameraEvent.Target?.none),
            ("tns1:RuleEngine/FieldDetector/ObjectsInside", "IsInside=true", .intrusion, nil),
            ("tns1:RuleEngine/LineDetector/Crossed", "ObjectId=1", .lineCrossing, nil),
            ("tns1:RuleEngine/MyRuleDetector/PeopleDetect", "State=true", .object, .human),
            ("tns1:RuleEngine/MyRuleDetector/VehicleDetect", "State=true", .object, .vehicle),
            ("tns1:RuleEngine/MyRuleDetector/DogCatDetect", "State=true", .object, .animal),
            ("tns1:RuleEngine/MyRuleDetector/FaceDetect", "State=true", .face, .face),
            ("tns1:RuleEngine/MyRuleDetector/Package", "State=true", .object, .package),
            ("tns1:RuleEngine/MyRuleDetector/Visitor", "State=true", .doorbell, nil),
            ("tns1:RuleEngine/tnsaxis:LoiteringGuard/Camera1Profile1", "active=1", .loitering, nil),
            ("tns1:RuleEngine/TPSmartEventDetector/TPSmartEvent", "IsPet=true", .object, .animal),
            ("tns1:RuleEngine/TPSmartEventDetector/TPSmartEvent", "IsLineCross=true", .lineCrossing, nil),
            ("tns1:RuleEngine/TamperDetector/Tamper", "IsTamper=true", .tamper, nil),
            ("tns1:VideoSource/ImageTooBlurry/AnalyticsService", "State=true", .tamper, nil),
            ("tns1:VideoSource/SignalLoss", "State=true", .videoLoss, nil),
            ("tns1:Device/Trigger/DigitalInput", "LogicalState=active", .input, nil),
            ("tns1:AudioAnalytics/Audio/DetectedSound", "IsSoundDetected=true", .audio, nil),
            ("tns1:Device/HardwareFailure/StorageFailure", "Failed=true", .diskError, nil),
            ("tns1:UserAlarm/tnshik:IllegalAccess", "State=true", .illegalLogin, nil),
            ("tns1:Monitoring/MotionCount", "State=true", .other, nil),
            ("tnsx:Some/Thing", "State=true", .other, nil),
        ] as [(String, String, CameraEvent.Category, CameraEvent.Target?)])
    func knowsTheTopic(topic: String, data: String, category: CameraEvent.Category, target: CameraEvent.Target?) throws {
        let found = try events(message(topic, data: data))
        #expect(found.map(\.category) == [category])
        #expect(found.map(\.target) == [target])
    }

    @Test(
        arguments: [
            ("IsMotion=false", "Changed", DeviceNotification.Phase.inactive), ("State=1", "Changed", .active),
            ("State=OFF", "Changed", .inactive),
            ("LogicalState=inactive", "Initialized", .inactive), ("State=true", "Deleted", .inactive),
            ("ClassTypes=", "Changed", .inactive),
            ("ClassTypes=Human", "Initialized", .active), ("ObjectId=1", "Changed", .momentary), ("ObjectId=1", nil, .momentary),
            ("Vendor=true", "Changed", .active),
        ] as [(String, String?, DeviceNotification.Phase)]) func knowsTheState(
            data: String, operation: String?, phase: DeviceNotification.Phase
        ) throws
    {
        #expect(try events(message("tns1:RuleEngine/X/Motion", operation: operation, data: data)).map(\.phase) == [phase])
    }

    @Test func whatIsOnlyListedDidNotHappen() throws {
        #expect(try events(message("tns1:RuleEngine/LineDetector/Crossed", operation: "Initialized", data: "ObjectId=1")).isEmpty)
        #expect(try events(message("tns1:Monitoring/ProcessorUsage", operation: "Initialized", data: "Value=37")).isEmpty)
    }

    @Test func aTimeThatCannotBeIsNone() throws {
        #expect(try events(message("a/b", time: "1970-01-01T00:00:00Z", data: "State=true"))[0].deviceTime == nil)
        #expect(try events(message("a/b", time: "2024-05-25T23:59:38", data: "State=true"))[0].deviceTime?.hasZone == false)
    }

    @Test func severalThingsAreSeveralNotifications() throws {
        let found = try events(
            message("tns1:RuleEngine/ObjectDetection/Object", source: "Rule=R", data: "ClassTypes=Human Vehicle Human Bag"))
        #expect(found.map(\.target) == [.human, .vehicle])
        let smart = try events(
            message("tns1:RuleEngine/TPSmartEventDetector/TPSmartEvent", data: "IsPeople=true;IsVehicle=true;IsPet=false"))
        #expect(smart.map(\.target) == [.human, .vehicle])
        #expect(smart.allSatisfy { $0.phase == .active && $0.category == .object })
        // Who is in the field does not make it something else.
        let field = try events(message("tns1:RuleEngine/FieldDetector/ObjectsInside", data: "IsInside=true;ObjectType=Human"))
        #expect(field.map(\.category) == [.intrusion])
        #expect(field.map(\.target) == [.human])
    }

    @Test func keepsTheInput() throws {
        let found = try events(message("tns1:Device/Trigger/tnshik:AlarmIn", source: "AlarmInToken=AlarmIn_1", data: "State=true"))
        #expect(found[0].details["input"] == "AlarmIn_1")
        #expect(found[0].place == .device)
    }

    @Test func readsTheSubscriptionsTimes() throws {
        let text =
            "<Envelope><Body><PullMessagesResponse><CurrentTime>2024-05-25T23:59:39Z</CurrentTime><TerminationTime>2024-05-26T00:04:38Z</TerminationTime></PullMessagesResponse></Body></Envelope>"
        let events = try ONVIFEvents(parsing: Array(text.utf8))
        #expect(events.currentTime == DeviceTime("2024-05-25T23:59:39Z"))
        #expect(events.terminationTime == DeviceTime("2024-05-26T00:04:38Z"))
        #expect(events.notifications.isEmpty)
    }

    @Test func refusesOtherAnswers() {
        #expect(throws: SOAPRefusal.missing("PullMessagesResponse")) { try events(root: "tds:GetScopesResponse") }
        #expect(throws: SOAPRefusal.notSOAP("html")) { try ONVIFEvents(parsing: Array("<html/>".utf8)) }
        #expect(throws: SOAPRefusal.missing("content")) { try ONVIFEvents(parsing: Array("<Envelope/>".utf8)) }
    }
}
