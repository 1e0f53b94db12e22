import CameraProtocols
import Core
import Devices
import Foundation
import Testing

@Suite struct EventTrackerTests {
    private let motion = DeviceNotification(category: .motion, deviceType: "VMD", phase: .active, place: .channel(1))
    private var ended: DeviceNotification {
        var notification = motion
        notification.phase = .inactive
        return notification
    }

    private func begun(_ tracker: inout EventTracker, _ notification: DeviceNotification, at now: Duration) -> EventID {
        #expect(tracker.take(notification, at: now) == .begins)
        let id = EventID.timeOrdered(at: Date(timeIntervalSince1970: now.seconds))
        tracker.assign(id, to: notification)
        return id
    }

    @Test func repetitionsAreTheSameEvent() {
        var tracker = EventTracker()
        let id = begun(&tracker, motion, at: .seconds(0))
        for second in 1...20 { #expect(tracker.take(motion, at: .seconds(second)) == .goesOn(id, bringsPicture: false)) }
        #expect(tracker.take(ended, at: .seconds(21)) == .ends([id]))
        #expect(tracker.take(ended, at: .seconds(22)) == .nothing)
    }

    @Test func whatRepeatsItselfEndsByAShortSilence() {
        var tracker = EventTracker(silence: .seconds(6))
        let id = begun(&tracker, motion, at: .seconds(0))
        _ = tracker.take(motion, at: .seconds(1))
        #expect(tracker.expire(at: .seconds(7)).isEmpty)
        let gone = tracker.expire(at: .seconds(8))
        #expect(gone.count == 1 && gone[0].event == id && gone[0].last == .seconds(1))
        #expect(tracker.take(motion, at: .seconds(9)) == .begins)
    }

    @Test func silenceIsMeasuredByTheDevicesOwnPace() {
        var tracker = EventTracker(silence: .seconds(6))
        _ = begun(&tracker, motion, at: .seconds(0))
        _ = tracker.take(motion, at: .seconds(5))
        #expect(tracker.expire(at: .seconds(19)).isEmpty)
        #expect(tracker.expire(at: .seconds(21)).count == 1)
    }

    @Test func whatIsSaidOnceLastsUntilItsEndIsSaid() {
        var tracker = EventTracker()
        let first = begun(&tracker, motion, at: .seconds(0))
        #expect(tracker.take(ended, at: .seconds(3)) == .ends([first]))
        // The device is known to end its events now, so a long one is not ended by silence.
        let second = begun(&tracker, motion, at: .seconds(10))
        #expect(tracker.expire(at: .seconds(100)).isEmpty)
        #expect(tracker.lasting(at: .seconds(100)) == [second])
        #expect(tracker.take(ended, at: .seconds(101)) == .ends([second]))
    }

    @Test func whatIsSaidOnceAndNeverEndedEndsByALongSilence() {
        var tracker = EventTracker(silence: .seconds(6), longSilence: .seconds(30))
        _ = begun(&tracker, motion, at: .seconds(0))
        #expect(tracker.lasting(at: .seconds(20)).isEmpty)
        #expect(tracker.expire(at: .seconds(29)).isEmpty)
        #expect(tracker.expire(at: .seconds(31)).count == 1)
    }

    @Test func channelsRegionsAndKindsAreApart() {
        var tracker = EventTracker()
        _ = begun(&tracker, motion, at: .zero)
        var other = motion
        other.place = .channel(2)
        #expect(tracker.take(other, at: .zero) == .begins)
        other.category = .intrusion
        #expect(tracker.take(other, at: .zero) == .begins)
        other.region = "2"
        #expect(tracker.take(other, at: .zero) == .begins)
    }

    @Test func oneMotionToldByTwoTopicsIsOneEvent() {
        var tracker = EventTracker()
        var alarm = motion
        (alarm.deviceType, alarm.place) = ("VideoSource/MotionAlarm", motion.place)
        var rule = motion
        (rule.deviceType, rule.region) = ("RuleEngine/CellMotionDetector/Motion", "MyMotionDetectorRule")
        let id = begun(&tracker, alarm, at: .zero)
        #expect(tracker.take(rule, at: .milliseconds(5)) == .goesOn(id, bringsPicture: false))
        alarm.phase = .inactive
        rule.phase = .inactive
        #expect(tracker.take(alarm, at: .seconds(3)) == .nothing)
        #expect(tracker.take(rule, at: .seconds(3)) == .ends([id]))
    }

    @Test func whatAlwaysHasAnEndLastsFromTheFirstTime() {
        var tracker = EventTracker()
        var property = motion
        property.details = ["operation": "changed"]
        let id = begun(&tracker, property, at: .zero)
        #expect(tracker.lasting(at: .seconds(8)) == [id])
    }

    @Test func anEndWithoutARegionEndsThemAll() {
        var tracker = EventTracker()
        var line = DeviceNotification(category: .lineCrossing, deviceType: "linedetection", phase: .active, place: .channel(1), region: "1")
        let id = begun(&tracker, line, at: .zero)
        (line.phase, line.region) = (.inactive, nil)
        #expect(tracker.take(line, at: .seconds(2)) == .ends([id]))
    }

    @Test func thePictureBelongsToTheEventBeforeIt() {
        var tracker = EventTracker(silence: .seconds(6), longSilence: .seconds(30))
        let id = begun(&tracker, motion, at: .zero)
        var pictured = motion
        pictured.picture = [0xFF, 0xD8]
        #expect(tracker.take(pictured, at: .milliseconds(20)) == .goesOn(id, bringsPicture: true))
        #expect(tracker.take(pictured, at: .milliseconds(40)) == .goesOn(id, bringsPicture: false))
        // It is no repetition: the event was said once, and lasts as such.
        #expect(tracker.expire(at: .seconds(20)).isEmpty)
    }

    @Test func momentsAreEventsOfTheirOwnUnlessTheySayTheSameTwice() {
        var tracker = EventTracker()
        var card = DeviceNotification(category: .access, deviceType: "card", phase: .momentary, details: ["door": "1", "card": "7"])
        #expect(tracker.take(card, at: .seconds(0)) == .begins)
        #expect(tracker.take(card, at: .seconds(1)) == .goesOn(nil, bringsPicture: false))
        #expect(tracker.take(card, at: .seconds(5)) == .begins)
        card.details["card"] = "8"
        #expect(tracker.take(card, at: .seconds(5)) == .begins)
    }

    @Test func aDeviceThatInventsPlacesFillsNoMemory() {
        var tracker = EventTracker()
        var begun = 0
        for region in 0..<5000 {
            var notification = motion
            (notification.category, notification.region) = (.intrusion, "\(region)")
            if tracker.take(notification, at: .zero) == .begins { begun += 1 }
        }
        #expect(begun == 512)
    }
}
