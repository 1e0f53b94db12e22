import Core
import Foundation
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import CloudStorage

@Suite struct LineAdviceTests {
    private let high = Definition(kind: .high, resolution: "1080P", width: 1920, height: 1080, bitRate: 1_000_000)
    private let standard = Definition(kind: .standard, resolution: "4CIF", width: 704, height: 576, bitRate: 384_000)

    private func advice(_ bits: Int, _ duties: [Double]) -> (LineAdvice, [Definition.Kind?]) {
        let channels = duties.map { LineAdvice.Channel(id: .timeOrdered(at: Date()), duty: $0) }
        let advice = LineAdvice(uploadBitsPerSecond: bits, high: high, standard: standard, most: 8, channels: channels)
        return (advice, channels.map { advice.recommended[$0.id] ?? nil })
    }

    @Test func aMegabitCarriesThreeInHighOrEightInStandard() {
        let (advice, _) = advice(1_000_000, [])
        #expect((advice.highChannels, advice.standardChannels) == (3, 8))
    }

    @Test func everyChannelGetsTheLeastBeforeAnyGetsTheBest() {
        #expect(advice(1_000_000, [0.2, 0.2, 0.2, 0.2]).1 == [.high, .high, .high, .standard])
        #expect(advice(400_000, [0.2, 0.2, 0.2]).1 == [.standard, .standard, .standard])
        #expect(advice(200_000, [0.2, 0.2, 0.2]).1 == [.standard, nil, nil])
        #expect(advice(10_000_000, [1, 1]).1 == [.high, .high])
    }

    @Test func aLineOfNothingCarriesNothing() {
        let (advice, recommended) = advice(0, [0.2])
        #expect((advice.highChannels, advice.standardChannels) == (0, 0))
        #expect(recommended == [nil])
    }
}

@Suite struct SpoolForecastTests {
    private func minutes(_ backlog: [Int]) -> [LineMinute] {
        backlog.enumerated().map { LineMinute(at: Date(timeIntervalSince1970: Double($0 * 60)), bytes: 0, backlogBytes: $1, works: true) }
    }

    @Test func theHourIsToldInWhichNothingFitsAnyMore() throws {
        let now = Date(timeIntervalSince1970: 3600)
        let growing = minutes((0..<60).map { $0 * 1_000_000 })
        let full = try #require(SpoolForecast.fullAt(growing, usedBytes: 60_000_000, limitBytes: 360_000_000, now: now))
        #expect(abs(full.timeIntervalSince(now) - 300 * 60) < 1)
    }

    @Test func whatDrainsOrGrowsTooSlowlyIsNoAlarm() {
        let now = Date()
        #expect(SpoolForecast.fullAt(minutes((0..<60).map { 100_000_000 - $0 }), usedBytes: 1, limitBytes: 2, now: now) == nil)
        #expect(SpoolForecast.fullAt(minutes((0..<60).map { $0 }), usedBytes: 0, limitBytes: 1 << 40, now: now) == nil)
        #expect(SpoolForecast.fullAt(minutes([1, 2, 3]), usedBytes: 0, limitBytes: 100, now: now) == nil)
    }
}

@Suite struct NetworkTestTests {
    @Test func whatATestPutIsRemovedAgain() async throws {
        let store = FakeStore()
        // A clock of its own: what else the machine does is not the line's rate.
        let time = ManualTime()
        let clock = Task {
            while !Task.isCancelled {
                time.advance(.milliseconds(10))
                try? await ContinuousClock().sleep(for: .milliseconds(2))
            }
        }
        defer { clock.cancel() }
        let test = NetworkTest(store: store, prefix: "GH1/trial", time: time.source)
        let stages = Mutex<[NetworkTestProgress.Stage]>([])
        let result = try await test.run { progress in stages.withLock { $0.append(progress.stage) } }
        #expect(result.bytes > 1 << 20 && result.bytes <= NetworkTest.mostBytes)
        #expect(result.uploadBitsPerSecond > 0)
        #expect(store.state.withLock { $0.objects.isEmpty })
        #expect(Set(stages.withLock { $0 }) == [.latency, .upload, .cleaning])
    }

    @Test func aTestThatFailsIsCleanedUpToo() async {
        let store = FakeStore()
        store.set(.commitsAndFails)
        await #expect(throws: StoreError.self) { try await NetworkTest(store: store, prefix: "t", time: .system).run { _ in } }
        #expect(store.state.withLock { $0.objects.isEmpty })
    }

    @Test func lossIsWhatTheKernelSentAgain() throws {
        let text = "Ip: A B\nIp: 1 2\nTcp: RtoMin OutSegs RetransSegs\nTcp: 200 5000 40\nUdp: X\nUdp: 1\n"
        let before = try #require(PacketCounts.parse(text))
        #expect(before == PacketCounts(sent: 5000, again: 40))
        #expect(PacketCounts.loss(before, PacketCounts(sent: 6000, again: 60)) == 0.02)
        #expect(PacketCounts.loss(before, before) == nil)
        #expect(PacketCounts.parse("nonsense") == nil)
        #expect(PacketCounts.now() != nil)
    }
}

@Suite struct S3DetailTests {
    @Test func keysComeFromTheDefaultSectionOfASharedFile() {
        let text = """
            # comment
            [other]
            aws_access_key_id = WRONG
            [default]
            aws_access_key_id=AKIA1
              aws_secret_access_key = a/b+c=
            aws_session_token = tok
            """
        #expect(S3KeySource.parse(text) == .init(accessKeyID: "AKIA1", secretAccessKey: "a/b+c=", sessionToken: "tok"))
        #expect(S3KeySource.parse("[default]\naws_access_key_id = A\n") == nil)
    }

    @Test func aFileOfKeysIsReadAnewWhenItChanges() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/credentials"
        let target = S3Target(
            endpoint: "https://s3.example.com", region: "r", bucket: "b", prefix: "", accessKeyId: "", addressing: .path,
            caCertificate: nil,
            credentialsFile: path)
        #expect(throws: StoreError.self) { try S3KeySource(target: target, credentials: nil).keys() }
        try "aws_access_key_id = A\naws_secret_access_key = one\n".write(toFile: path, atomically: true, encoding: .utf8)
        let source = try S3KeySource(target: target, credentials: nil)
        #expect(try source.keys().secretAccessKey == "one")
        try "aws_access_key_id = A\naws_secret_access_key = two\n".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: 10)], ofItemAtPath: path)
        #expect(try source.keys().secretAccessKey == "two")
        try "half written".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: 20)], ofItemAtPath: path)
        #expect(try source.keys().secretAccessKey == "two")
    }

    /// The example of AWS's documentation of query string authentication.
    @Test func anAddressIsSignedAsAmazonDocumentsIt() throws {
        let signer = SignatureV4(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", sessionToken: nil,
            region: "us-east-1")
        let query = signer.presign(
            path: "/test.txt", host: "examplebucket.s3.amazonaws.com", validFor: .seconds(86400),
            at: Date(timeIntervalSince1970: 1_369_353_600))
        #expect(query.hasSuffix("X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"))
        #expect(query.contains("X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"))
    }

    @Test func datesOfAnswersAreRead() {
        #expect(S3Store.httpDate("Fri, 24 May 2013 00:00:00 GMT") == Date(timeIntervalSince1970: 1_369_353_600))
        #expect(S3Store.httpDate("yesterday") == nil)
    }

    @Test func theProvidersThatComeWithTheBoxAreRead() throws {
        let path = #filePath.replacing("Tests/CloudStorageTests/LineTests.swift", with: "Profiles/storage/providers.yaml")
        let profiles = try StorageProfiles(yaml: String(contentsOfFile: path, encoding: .utf8))
        func target(_ endpoint: String) -> S3Target {
            S3Target(endpoint: endpoint, region: "r", bucket: "b", prefix: "", accessKeyId: "a", addressing: .path, caCertificate: nil)
        }
        #expect(profiles.profile(of: target("https://s3.eu-south-1.amazonaws.com"))?.name == "Amazon S3")
        let r2 = target("https://x.r2.cloudflarestorage.com")
        #expect(profiles.profile(of: r2)?.advice(for: r2).last == "Cloudflare R2 wants the region auto.")
        #expect(profiles.profile(of: target("https://s3.eu-central-003.backblazeb2.com"))?.abilities.conditionalPut == false)
        #expect(profiles.profile(of: target("https://minio.local:9000")) == nil)
        #expect(throws: DecodingError.self) { try StorageProfiles(yaml: "- { name: X, match: [a], condtionalPut: false }") }
    }
}
