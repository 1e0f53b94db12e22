import Core
import Foundation
import Testing

@Suite struct KernelFileTests {
    /// A process has more mappings than one reading gives.
    @Test func allOfItIsRead() throws {
        let maps = try #require(KernelFile.text("/proc/self/maps"))
        #expect(maps.utf8.count > 8192)
        #expect(maps.split(separator: "\n").contains { $0.hasSuffix("[stack]") })
        #expect(maps.hasSuffix("\n"))
    }

    @Test func whatIsNotThereHasNoText() {
        #expect(KernelFile.text("/proc/self/nothing") == nil)
        #expect(KernelFile.text("/proc/self") == nil)
    }
}
