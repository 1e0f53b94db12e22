import Testing

@testable import Core

/// The last lines of the log are kept, in bounded memory.
@Suite struct LogKeeperTests {
    @Test func theOldestGoFirst() {
        let keeper = LogKeeper()
        let line = String(repeating: "x", count: 99) + "\n"
        for number in 0..<20_000 { keeper.add("\(number) \(line)") }
        let lines = keeper.lines
        #expect(lines.last?.hasPrefix("19999 ") == true)
        #expect(keeper.size.bytes <= LogKeeper.usualLimit && keeper.size.bytes > LogKeeper.usualLimit - 200)
        #expect(keeper.size.lines == lines.count && lines.reduce(0) { $0 + $1.utf8.count } == keeper.size.bytes)
    }

    @Test func moreIsKeptWhileSomebodyCollects() {
        let keeper = LogKeeper()
        let line = String(repeating: "x", count: 999) + "\n"
        keeper.collect(true)
        for _ in 0..<5000 { keeper.add(line) }
        #expect(keeper.size == (5000, 5_000_000))
        keeper.collect(false)
        #expect(keeper.size.bytes <= LogKeeper.usualLimit)
    }
}
