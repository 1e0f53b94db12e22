import Core
import Foundation

/// Finds where the last whole fragment of a fragmented MP4 ends (ISO/IEC 14496-12), for files that a power cut left torn.
enum FragmentedFile {
    /// The length up to the end of the last complete `moof`+`mdat`, or nil when there is not even one.
    static func wholeLength(path: String) -> Int? {
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? handle.close() }
        let size = DurableFile.size(path) ?? 0
        var offset = 0
        var whole: Int?
        while offset + 8 <= size {
            try? handle.seek(toOffset: UInt64(offset))
            guard let head = try? handle.read(upToCount: 16), head.count >= 8 else { break }
            let length = boxLength(head)
            guard length >= 8, offset + length <= size else { break }
            offset += length
            if head[4..<8].elementsEqual("mdat".utf8) { whole = offset }
        }
        return whole
    }

    private static func boxLength(_ head: Data) -> Int {
        let short = head.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard short == 1, head.count >= 16 else { return short }
        return head[8..<16].reduce(0) { ($0 & 0x3F_FFFF_FFFF_FFFF) << 8 | Int($1) }
    }
}
