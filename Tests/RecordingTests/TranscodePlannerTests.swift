import Core
import Foundation
import Media
import MediaWorker
import Recording
import Testing

let profile: Definitions = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let text = try? String(contentsOf: root.appendingPathComponent("Profiles/definitions.yaml"), encoding: .utf8)
    guard let definitions = try? Definitions(yaml: text ?? "") else { fatalError("Profiles/definitions.yaml cannot be read") }
    return definitions
}()

@Suite struct TranscodePlannerTests {
    private let software = [EncoderProof(encoder: "libx264", isHardware: false, proven: true, reason: "")]

    private func stream(
        _ role: StreamRole, _ width: Int, _ height: Int, rate: Double = 25, bitRate: Int = 4_000_000, key: Double = 2, codec: Codec = .h264
    ) -> StreamStatus {
        StreamStatus(
            role: role, video: StreamFormat(kind: .video, codec: codec, width: width, height: height), audio: nil, frameRate: rate,
            bitRate: bitRate, keyFrameSeconds: key)
    }

    private func plan(
        _ kind: Definition.Kind, main: StreamStatus?, sub: StreamStatus? = nil, linked: Int = 1, active: Int = 1, cost: Double = 0.12,
        encoders: [EncoderProof]? = nil
    ) throws -> TranscodePlan {
        let planner = TranscodePlanner(definitions: profile, encoders: encoders ?? software, processorBudget: 1.6)
        let definition = try #require(profile.definition(kind))
        return try #require(
            planner.plan(
                definition, main: main, sub: sub, load: .init(linkedChannels: linked, activeEvents: active, costPerMegapixel: cost)))
    }

    @Test func highDefinitionOfTwoMegapixelsIsEncodedAtTenFrames() throws {
        let plan = try plan(.high, main: stream(.main, 1920, 1080))
        #expect(plan.way == .software && plan.width == 1920 && plan.height == 1080 && plan.frameRate == 10 && plan.encoder == "libx264")
        #expect(plan.reason.contains("4000 kbit/s"))
    }

    @Test func aFittingSubStreamIsCopied() throws {
        let sub = stream(.sub, 640, 360, rate: 15, bitRate: 500_000)
        let plan = try plan(.standard, main: stream(.main, 1920, 1080), sub: sub)
        #expect(plan.way == .copySub && plan.width == 640 && plan.frameRate == 15 && plan.encoder == nil)
    }

    @Test(arguments: [
        (352, 288, 15.0, 300_000, 2.0), (640, 360, 25.0, 500_000, 2.0), (640, 360, 15.0, 900_000, 2.0), (640, 360, 15.0, 500_000, 20.0),
    ])
    func aSubStreamThatDoesNotFitIsNot(width: Int, height: Int, rate: Double, bitRate: Int, key: Double) throws {
        let plan = try plan(
            .standard, main: stream(.main, 1920, 1080), sub: stream(.sub, width, height, rate: rate, bitRate: bitRate, key: key))
        #expect(plan.way == .software)
        #expect(plan.reason.contains("The sub stream cannot be copied"))
        #expect(plan.width == 704 && plan.height == 396)
    }

    @Test func hevcIsNeverCopied() throws {
        let main = stream(.main, 1280, 720, rate: 10, bitRate: 800_000, codec: .hevc)
        #expect(try plan(.high, main: main).way == .software)
        #expect(try plan(.high, main: stream(.main, 1280, 720, rate: 10, bitRate: 800_000)).way == .copyMain)
    }

    @Test func aSmallPictureIsNotEnlarged() throws {
        let plan = try plan(.high, main: stream(.main, 1280, 960))
        #expect(plan.width == 1280 && plan.height == 960)
    }

    @Test(arguments: [(5, 10), (6, 8), (7, 7), (8, 6), (12, 6)])
    func theLadderIsTheFloorWhenAllHaveEvents(linked: Int, rate: Int) throws {
        #expect(try plan(.high, main: stream(.main, 1920, 1080), linked: linked, active: linked, cost: 0.2).frameRate == rate)
        // A machine that carries them all keeps the full rate.
        #expect(try plan(.high, main: stream(.main, 1920, 1080), linked: linked, active: linked, cost: 0.05).frameRate == 10)
        #expect(try plan(.high, main: stream(.main, 1920, 1080), linked: linked, active: 1).frameRate == 10)
    }

    @Test func hardwareIsUsedOnlyWhereItProvedItself() throws {
        let proven = EncoderProof(encoder: "h264_v4l2m2m", isHardware: true, proven: true, reason: "")
        let failed = EncoderProof(encoder: "h264_v4l2m2m", isHardware: true, proven: false, reason: "")
        #expect(try plan(.high, main: stream(.main, 1920, 1080), encoders: [proven] + software).way == .hardware)
        #expect(try plan(.high, main: stream(.main, 1920, 1080), encoders: [failed] + software).way == .software)
    }

    @Test func admissionGivesTheNumbers() {
        let planner = TranscodePlanner(definitions: profile, encoders: software, processorBudget: 1.6)
        // Eight channels of 1920x1080 and four of 2688x1520 are promised.
        #expect(planner.admission(megapixels: 2.0736, used: 7 * 2.0736).admitted)
        #expect(planner.admission(megapixels: 4.086, used: 3 * 4.086).admitted)
        let refused = planner.admission(megapixels: 2.0736, used: 8 * 2.0736)
        #expect(
            !refused.admitted && refused.sentence.contains("16.0") && refused.sentence.contains("16.6") && refused.sentence.contains("2.1"))
        #expect(!planner.admission(megapixels: 12.2, used: 0).admitted)
    }
}
