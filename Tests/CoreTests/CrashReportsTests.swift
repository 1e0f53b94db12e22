import Foundation
import Testing

@testable import Core

/// What is left of the box's crashes. That a crash is told, the system's tests show with a box that crashes.
@Suite struct CrashReportsTests {
    private let state = FileManager.default.temporaryDirectory.appending(path: "gatehouse-crashes-\(UUID().uuidString)")
    private var folder: URL { state.appending(path: "crashes") }
    private var reports: CrashReports { CrashReports(state: state.path) }

    private func leave(_ text: String) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: folder.appending(path: "current.txt"))
    }

    @Test func aLifeThatEndedInOrderLeavesNothing() throws {
        defer { try? FileManager.default.removeItem(at: state) }
        #expect(try reports.keepLast() == nil)
        try leave("version: 1.4.0\nbuild: 00ff\n")
        #expect(try reports.keepLast() == nil)
        #expect(reports.reports.isEmpty)
    }

    @Test func aFaultIsToldWithItsPlaceAndEndsTheProcess() async throws {
        defer { try? FileManager.default.removeItem(at: state) }
        await #expect(processExitsWith: .failure) { [path = state.path as String] in
            setenv("SWIFT_BACKTRACE", "enable=no", 1)
            _ = try CrashReports(state: path).begin(version: "1.4.0")
            UnsafeMutablePointer<Int>(bitPattern: 64)?.pointee = 1
            exit(0)
        }
        let text = try String(contentsOf: folder.appending(path: "current.txt"), encoding: .utf8)
        #expect(text.contains("address: 0x40\n"))
        // The handler, the system's way back, and the place itself at least.
        #expect(text.split(separator: "\n").count { $0.contains("(+0x") || $0.contains("+0x") } >= 3)
        let last = try #require(try reports.keepLast())
        #expect(last.signal == "SIGSEGV" && !last.wasSent)
    }

    @Test func aCrashIsKeptWithWhatIsKnownOfIt() throws {
        defer { try? FileManager.default.removeItem(at: state) }
        let text = "version: 1.4.0\nbuild: 00ff\nsignal: 11\ntime: 1764471600\naddress: 0x0\nthread: NIO-0\n\nsignal: 6\n"
        try leave(text)
        let last = try #require(try reports.keepLast())
        #expect(
            last.signal == "SIGSEGV" && last.version == "1.4.0" && !last.wasSent && last.at == Date(timeIntervalSince1970: 1_764_471_600))
        let kept = try #require(reports.reports.first)
        #expect(kept.name == "000001-20251130T030000Z-1.4.0.txt" && kept.signal == last.signal)
        #expect(reports.text(kept) == Data(text.utf8))
        #expect(try reports.keepLast() == nil)
    }

    @Test func whoAbortsByItselfWasNotEndedByAnother() async throws {
        defer { try? FileManager.default.removeItem(at: state) }
        await #expect(processExitsWith: .failure) { [path = state.path as String] in
            setenv("SWIFT_BACKTRACE", "enable=no", 1)
            _ = try CrashReports(state: path).begin(version: "1.4.0")
            abort()
        }
        let last = try #require(try reports.keepLast())
        #expect(last.signal == "SIGABRT" && !last.wasSent)
    }

    @Test func oneThatAWatchdogEndedSaysSo() throws {
        defer { try? FileManager.default.removeItem(at: state) }
        try leave("version: 1.4.0\nsignal: 6\ntime: 1764471600\nfrom-process: 1\n")
        #expect(try reports.keepLast()?.wasSent == true)
    }

    @Test(arguments: [
        "", "signal: 11\n", "version: 1\nsignal: eleven\ntime: 1\n", "\nversion: 1\nsignal: 11\ntime: 1\n",
        "version: 1\nsignal: 11\ntime: \n",
    ])
    func whatIsNoReportIsNone(text: String) throws {
        defer { try? FileManager.default.removeItem(at: state) }
        try leave(text)
        #expect(try reports.keepLast() == nil)
    }

    @Test func theNewestAreKept() throws {
        defer { try? FileManager.default.removeItem(at: state) }
        for crash in 0..<20 {
            // Whatever stands for the version, it leads nowhere.
            // A clock that nobody set says the same each time.
            try leave("version: ../\(crash)\nsignal: 11\ntime: \(crash < 10 ? 1_764_471_600 : 5)\n")
            _ = try reports.keepLast()
        }
        #expect(reports.reports.map(\.version) == (1...16).map { "../\(20 - $0)" })
        #expect(try FileManager.default.contentsOfDirectory(atPath: state.path) == ["crashes"])
    }
}
