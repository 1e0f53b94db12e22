import Core
import Foundation
import Media

/// A device of which nothing but its streams can be used.
public struct RTSPDriver: CameraDriver {
    public let kind = DriverKind.rtsp
    let tester: CameraTester
    let address: CameraAddress

    public init(tester: CameraTester, address: CameraAddress) {
        self.tester = tester
        self.address = address
    }

    public func describe() async throws(DeviceFailure) -> DeviceDescription {
        let result = await tester.test(address, quick: true)
        guard result.ok, let url = result.url else { throw DeviceFailure(trouble: result) }
        var streams = [DeviceStream(role: .main, id: "main", url: url)]
        if let sub = result.subURL { streams.append(DeviceStream(role: .sub, id: "sub", url: sub)) }
        for index in streams.indices {
            guard let seen = result.streams.first(where: { $0.role.rawValue == streams[index].role.rawValue }) else { continue }
            streams[index].codec = seen.video.codec.rawValue
            streams[index].width = seen.video.width
            streams[index].height = seen.video.height
            streams[index].audio = seen.audio?.codec.rawValue
        }
        let channel = DeviceChannel(number: 1, name: "Camera", input: .own, online: true, streams: streams)
        return DeviceDescription(
            driver: .rtsp, driverReason: "It answers neither ISAPI nor ONVIF, so only its streams are used; motion is found by the box.",
            identity: DeviceIdentity(kind: .camera), channels: [channel], capabilities: [])
    }
}

extension DeviceFailure {
    /// What a test of a stream found wrong, as a failure of the device.
    init(trouble result: CameraTestResult) {
        self.init(stream: result.code, result.sentence)
    }

    /// A stream's trouble by its code.
    public init(stream word: String, _ sentence: String) {
        let code: Code =
            switch word {
            case "wrong-password": .wrongPassword
            case "unreachable": .unreachable
            case "refused": .refused
            case "silent": .silent
            case "camera-busy": .tooManySessions
            case "no-video": .noVideo
            case "address-refused", "redirected": .addressRefused
            case "unsupported-codec", "not-rtsp", "no-such-path": .unsupported
            default: .deviceError
            }
        self.init(code, sentence, detail: word)
    }
}
