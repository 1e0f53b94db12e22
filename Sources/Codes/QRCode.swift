// Codes owns what stands in the QR codes of devices and sites, and how they are drawn.

import CQRCode

/// A QR code (ISO/IEC 18004).
public struct QRCode: Sendable {
    /// The text does not go into a code.
    public struct TooLong: Error {}

    /// Modules free of anything around a code, which readers need (ISO/IEC 18004, 6.3.8).
    private static let quiet = 4

    /// Modules on each side.
    public let width: Int
    private let isDark: [Bool]

    /// The smallest code that has the text, with the medium correction of errors.
    /// - Throws: `TooLong`.
    public init(_ text: String) throws {
        let bytes = Array(text.utf8)
        guard let code = QRcode_encodeData(Int32(bytes.count), bytes, 0, QR_ECLEVEL_M) else { throw TooLong() }
        defer { QRcode_free(code) }
        width = Int(code.pointee.width)
        // The lowest bit of each module is its colour.
        isDark = UnsafeBufferPointer(start: code.pointee.data, count: width * width).map { $0 & 1 == 1 }
    }

    /// Whether a module is dark; outside of the code none is.
    public func isDark(_ x: Int, _ y: Int) -> Bool {
        (0..<width).contains(x) && (0..<width).contains(y) && isDark[y * width + x]
    }

    /// The drawing: dark on white, with the free space around it, of any size.
    public var svg: String {
        let side = width + 2 * Self.quiet
        var path = ""
        for y in 0..<width {
            var x = 0
            while x < width {
                let begin = x
                while isDark(x, y) { x += 1 }
                if x > begin { path += "M\(begin + Self.quiet) \(y + Self.quiet)h\(x - begin)v1h-\(x - begin)z" }
                x += 1
            }
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(side) \(side)" width="\(side * 8)" height="\(side * 8)" shape-rendering="crispEdges">\
            <rect width="\(side)" height="\(side)" fill="#fff"/><path d="\(path)" fill="#000"/></svg>

            """
    }
}
