import Cameras
import Devices
import Testing

@Suite struct CloudReadinessTests {
    private func channel(_ change: (inout DeviceStream, inout DeviceStream) -> Void) -> DeviceChannel {
        var main = DeviceStream(role: .main, id: "101", url: "")
        (main.codec, main.width, main.height, main.frameRate, main.keyFrameInterval, main.smartCodec) = ("h265", 2688, 1520, 25, 50, false)
        var sub = DeviceStream(role: .sub, id: "102", url: "")
        (sub.codec, sub.width, sub.height, sub.frameRate, sub.keyFrameInterval, sub.bitRate) = ("h264", 640, 360, 12, 24, 512_000)
        change(&main, &sub)
        return DeviceChannel(number: 1, name: "Yard", input: .own, streams: [main, sub])
    }

    private var options: StreamOptions {
        var options = StreamOptions()
        options.codecs = ["h264", "h265", "mjpeg"]
        options.sizes = [.init(width: 352, height: 288), .init(width: 640, height: 360), .init(width: 704, height: 576)]
        options.frameRates = [1, 6, 8, 10, 12, 15, 20, 25]
        options.longestKeyFrameInterval = 400
        return options
    }

    @Test func aGoodCameraIsLeftAlone() {
        #expect(CloudReadiness(channel { _, _ in }, options: ["102": options]).isReady)
    }

    @Test func theSmartCodecOfTheMainStreamGoesAndNothingElseOfIt() throws {
        let readiness = CloudReadiness(channel { main, _ in main.smartCodec = true }, options: ["102": options])
        let proposal = try #require(readiness.proposals.first)
        var expected = StreamChange()
        expected.smartCodec = false
        #expect(readiness.proposals.count == 1 && proposal.stream.id == "101" && proposal.change == expected)
    }

    @Test func aPoorSubStreamBecomesAGoodOne() throws {
        let poor = channel { _, sub in
            (sub.codec, sub.width, sub.height, sub.frameRate, sub.keyFrameInterval) = ("h265", 352, 288, 25, 250)
            (sub.smartCodec, sub.bitRate) = (true, 2_048_000)
        }
        let change = try #require(CloudReadiness(poor, options: ["102": options]).proposals.first?.change)
        #expect(change.codec == "h264" && change.width == 640 && change.height == 360 && change.frameRate == 15)
        #expect(change.keyFrameInterval == 30 && change.smartCodec == false && change.bitRate == 512_000)
    }

    @Test func onlyWhatTheDeviceOffersIsProposed() throws {
        var few = StreamOptions()
        few.codecs = ["h265"]
        few.sizes = [.init(width: 704, height: 576)]
        few.frameRates = [25]
        let poor = channel { _, sub in (sub.codec, sub.width, sub.height, sub.frameRate) = ("h265", 352, 288, 25) }
        let change = try #require(CloudReadiness(poor, options: ["102": few]).proposals.first?.change)
        #expect(change.codec == nil && change.width == 704 && change.frameRate == nil)
    }
}
