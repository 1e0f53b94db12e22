import Cameras
import Core
import Devices
import Foundation

struct DeviceStreamAnswer: Encodable {
    struct Options: Encodable {
        let codecs: [String]
        let sizes: [StreamOptions.Size]
        let frameRates: [Double]
        let lowestBitRate: Nullable<Int>
        let highestBitRate: Nullable<Int>
        let longestKeyFrameInterval: Nullable<Int>
        let smartCodec: Bool
    }
    let id: String
    let role: String
    let codec: Nullable<String>
    let width: Nullable<Int>
    let height: Nullable<Int>
    let frameRate: Nullable<Double>
    let bitRate: Nullable<Int>
    let keyFrameInterval: Nullable<Int>
    let smartCodec: Nullable<Bool>
    let audio: Nullable<String>
    let url: String
    let options: Options

    init(_ stream: DeviceStream, options: StreamOptions) {
        id = stream.id
        role = stream.role.rawValue
        codec = Nullable(stream.codec)
        width = Nullable(stream.width)
        height = Nullable(stream.height)
        frameRate = Nullable(stream.frameRate)
        bitRate = Nullable(stream.bitRate)
        keyFrameInterval = Nullable(stream.keyFrameInterval)
        smartCodec = Nullable(stream.smartCodec)
        audio = Nullable(stream.audio)
        url = stream.url
        self.options = Options(
            codecs: options.codecs, sizes: options.sizes, frameRates: options.frameRates, lowestBitRate: Nullable(options.lowestBitRate),
            highestBitRate: Nullable(options.highestBitRate), longestKeyFrameInterval: Nullable(options.longestKeyFrameInterval),
            smartCodec: options.smartCodec)
    }
}

struct ReadinessAnswer: Encodable {
    struct Change: Encodable {
        let stream: String
        let sentences: [String]
    }
    let ready: Bool
    let changes: [Change]

    init(_ readiness: CloudReadiness) {
        ready = readiness.isReady
        changes = readiness.proposals.map { Change(stream: $0.stream.role.rawValue, sentences: $0.sentences) }
    }
}

struct DeviceMotionAnswer: Encodable {
    let enabled: Bool
    let sensitivity: Int
    let columns: Int
    let rows: Int
    let cells: [String]
    let schedule: Nullable<ScheduleAnswer>
    let notifies: Nullable<Bool>

    init(_ motion: DeviceMotion) {
        enabled = motion.enabled
        sensitivity = motion.sensitivity
        columns = motion.columns
        rows = motion.rows
        cells = motion.cells
        schedule = Nullable(motion.schedule.map(ScheduleAnswer.init))
        notifies = Nullable(motion.notifies)
    }
}

struct DeviceRuleAnswer: Encodable {
    struct Region: Encodable {
        let id: String
        let enabled: Bool
        let sensitivity: Nullable<Int>
        let targets: [String]
        let points: [DeviceRule.Point]
    }
    let type: String
    let enabled: Bool
    let notifies: Nullable<Bool>
    let regions: [Region]

    init(_ rule: DeviceRule) {
        type = rule.category.rawValue
        enabled = rule.enabled
        notifies = Nullable(rule.notifies)
        regions = rule.regions.map {
            Region(id: $0.id, enabled: $0.enabled, sensitivity: Nullable($0.sensitivity), targets: $0.targets, points: $0.points)
        }
    }
}

struct PresetAnswer: Encodable {
    let id: String
    let name: String

    init(_ preset: Preset) {
        id = preset.id
        name = preset.name
    }
}

struct RecordingAnswer: Encodable {
    let kind: String
    let from: Date
    let to: Date
    let bytes: Nullable<Int>
    let playbackUrl: Nullable<String>
    let downloadUrl: Nullable<String>

    init(_ recording: DeviceRecording, channel: ChannelID) {
        kind = recording.kind.rawValue
        from = recording.from
        to = recording.to
        bytes = Nullable(recording.bytes)
        playbackUrl = Nullable(recording.playbackURL)
        let range = "from=\(GatehouseJSON.text(recording.from))&to=\(GatehouseJSON.text(recording.to))"
        downloadUrl = Nullable(recording.reference == nil ? nil : "/api/v1/channels/\(channel)/recordings/download?\(range)")
    }
}
