import CLinux
import Core
import Foundation

/// Gives memory back that only starting needed.
enum ResidentMemory {
    /// Returns free heap to the kernel: what a burst of viewers needed for a moment is kept otherwise.
    static func trimHeap() { _ = gatehouse_trim_heap() }

    /// Unmaps code pages, which come back from the page cache as they are used, and returns free heap to the kernel.
    ///
    /// Reading all protocol conformances and making the first certificate touch nearly all of the program's code, of which a running box uses a
    /// third; loading libraries runs what most of them never do again. Only mappings of files that are executable and never written are touched.
    static func trim() {
        trimHeap()
        guard let maps = KernelFile.text("/proc/self/maps") else { return }
        for line in maps.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count >= 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else { continue }
            let ends = fields[0].split(separator: "-").compactMap { UInt(String($0), radix: 16) }
            guard ends.count == 2, let start = UnsafeMutableRawPointer(bitPattern: ends[0]) else { continue }
            madvise(start, Int(ends[1] - ends[0]), Int32(MADV_DONTNEED))
        }
    }
}
