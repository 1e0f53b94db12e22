import Foundation

/// A file that the kernel makes while it is read (proc(5)): it tells no size, and a reading may give less than there is.
public enum KernelFile {
    /// All of it; nil where it cannot be read.
    public static func text(_ path: String) -> String? {
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? handle.close() }
        var text = Data()
        do {
            while let piece = try handle.read(upToCount: 65_536), !piece.isEmpty { text += piece }
        } catch {
            return nil
        }
        return String(decoding: text, as: UTF8.self)
    }
}
