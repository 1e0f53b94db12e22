import Access
import BoxDatabase
import CloudStorage
import Core
import Devices
import Foundation
import Recording

struct CapAnswer: Encodable {
    let kind: String
    let value: Nullable<Int>

    init(_ cap: UplinkSettings.Cap) {
        switch cap {
        case .bitsPerSecond(let bits): (kind, value) = ("bits-per-second", Nullable(bits))
        case .percent(let share): (kind, value) = ("percent", Nullable(share))
        case .paused: (kind, value) = ("paused", Nullable(nil))
        }
    }
}

struct LineAnswer: Encodable {
    struct Window: Encodable {
        let schedule: ScheduleAnswer
        let cap: Nullable<CapAnswer>
    }
    struct Recommendation: Encodable {
        let channelId: ChannelID
        /// Null where the line does not carry the channel at all.
        let definition: Nullable<String>
    }
    struct Advice: Encodable {
        let highChannels: Int
        let standardChannels: Int
        /// More are never advised: the box records no more.
        let mostChannels: Int
        let channels: [Recommendation]
        let sentence: String
    }
    /// What it carries when it is busy.
    let capacityBitsPerSecond: Nullable<Int>
    /// What goes up now.
    let rateBitsPerSecond: Nullable<Int>
    /// The bound that holds now.
    let limitBitsPerSecond: Nullable<Int>
    /// When what waited goes on after an outage.
    let returnsAt: Nullable<Date>
    let spoolFullAt: Nullable<Date>
    let cap: Nullable<CapAnswer>
    let windows: [Window]
    let testHour: Nullable<Int>
    let advice: Nullable<Advice>
    /// What a test of the line cannot tell here; a sentence.
    let note: Nullable<String>
}

struct LineMinuteAnswer: Encodable {
    let at: Date
    let bitsPerSecond: Int
    let backlogBytes: Int
    let works: Bool

    init(_ minute: LineMinute) {
        at = minute.at
        bitsPerSecond = minute.bytes * 8 / 60
        backlogBytes = minute.backlogBytes
        works = minute.works
    }
}

struct NetworkTestsAnswer: Encodable {
    struct Progress: Encodable {
        let stage: String
        let bytes: Int
        let mostBytes: Int
        let bitsPerSecond: Nullable<Int>
    }
    struct Result: Encodable {
        let at: Date
        let uploadBitsPerSecond: Int
        let latencyMilliseconds: Double
        let loss: Nullable<Double>
        let bytes: Int
        let seconds: Double
        let measured: NetworkTestResult.Measured
    }
    let progress: Nullable<Progress>
    let failure: Nullable<String>
    let note: Nullable<String>
    let results: [Result]
}

extension AnswerMaker {
    /// How the line is; of channels only those that the asker may see.
    func line(_ rights: Rights) async throws -> LineAnswer {
        let governor = services.uploader.governor
        let settings = governor.settings
        let full = try await services.line.fullAt(usedBytes: services.spool.bytes, limitBytes: services.spool.limits.bytes)
        return LineAnswer(
            capacityBitsPerSecond: Nullable(services.uploader.usesUplink ? governor.capacity.map { Int($0 * 8) } : nil),
            rateBitsPerSecond: Nullable(governor.rate.map { Int($0 * 8) }),
            limitBitsPerSecond: Nullable(governor.limitBitsPerSecond), returnsAt: Nullable(governor.returnsAt), spoolFullAt: Nullable(full),
            cap: Nullable(settings.cap.map(CapAnswer.init)),
            windows: settings.windows.map { .init(schedule: ScheduleAnswer($0.schedule), cap: Nullable($0.cap.map(CapAnswer.init))) },
            testHour: Nullable(settings.testHour), advice: Nullable(try await advice(governor, rights)), note: Nullable(lineNote))
    }

    /// A folder is no uplink.
    private var lineNote: String? {
        guard let store = services.uploader.store, !store.usesUplink else { return nil }
        return "Clips go to a folder. A test measures its disk, not the line, so the box cannot say how many channels the line carries."
    }

    /// What the line carries, once it was measured.
    private func advice(_ governor: UplinkGovernor, _ rights: Rights) async throws -> LineAnswer.Advice? {
        guard services.uploader.usesUplink, let capacity = governor.capacity, let high = services.definitions.definition(.high),
            let standard = services.definitions.definition(.standard)
        else { return nil }
        let duties = try await services.spool.index.duties(
            since: services.time.now().addingTimeInterval(-7 * 86_400), now: services.time.now())
        let linked = try await catalogue.channelRecords().filter { $0.definition != nil }
        let limit = governor.limitBitsPerSecond
        // Paused it will not stay: what the line carries then is of interest.
        let bits = limit == 0 ? Int(capacity * 8) : min(Int(capacity * 8), limit ?? .max)
        let advice = LineAdvice(
            uploadBitsPerSecond: bits, high: high, standard: standard, most: ChannelRegistry.mostLinked,
            channels: linked.map { .init(id: $0.id, duty: duties[$0.id] ?? LineAdvice.usualDuty) })
        let carried =
            (limit == 0 ? "Footage is paused now. " : "")
            + "The line carries \(advice.highChannels) channels in high or \(advice.standardChannels) in standard definition"
        let isMost = advice.standardChannels >= ChannelRegistry.mostLinked
        let sentence =
            linked.count > advice.standardChannels
            ? "\(carried); \(linked.count) are linked, so footage will wait often. Use a lower definition or unlink channels."
            : "\(carried), if each records a fifth of the time."
                + (isMost ? " \(ChannelRegistry.mostLinked) is the most that a box records for the cloud, whatever the line carries." : "")
        return .init(
            highChannels: advice.highChannels, standardChannels: advice.standardChannels,
            mostChannels: ChannelRegistry.mostLinked,
            channels: linked.filter { rights.allow(.viewSite, at: $0.place) }.map {
                .init(channelId: $0.id, definition: Nullable((advice.recommended[$0.id] ?? nil)?.rawValue))
            },
            sentence: sentence)
    }

    func networkTests() async throws -> NetworkTestsAnswer {
        let now = services.networkTests.now
        return NetworkTestsAnswer(
            progress: Nullable(
                now.progress.map {
                    .init(
                        stage: $0.stage.rawValue, bytes: $0.bytes, mostBytes: NetworkTest.mostBytes,
                        bitsPerSecond: Nullable($0.bitsPerSecond))
                }),
            failure: Nullable(now.failure), note: Nullable(lineNote),
            results: try await services.networkTests.history().map {
                .init(
                    at: $0.at, uploadBitsPerSecond: $0.result.uploadBitsPerSecond, latencyMilliseconds: $0.result.latencyMilliseconds,
                    loss: Nullable($0.result.loss), bytes: $0.result.bytes, seconds: $0.result.seconds,
                    measured: $0.result.measured ?? .line)
            })
    }
}
