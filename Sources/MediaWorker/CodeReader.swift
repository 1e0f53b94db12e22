import CZBar
import Media

/// The library that finds QR codes, opened before a worker gives up files.
struct CodeLibrary {
    fileprivate let zbar: gatehouse_zbar

    /// Nil where it is not installed.
    init?() {
        var zbar = gatehouse_zbar()
        guard gatehouse_zbar_open(&zbar) != 0 else { return nil }
        self.zbar = zbar
    }
}

/// Finds QR codes in a picture, on the calling thread.
struct CodeReader: ~Copyable {
    /// Code readers fail at the grain of large pictures and at the want of it in small ones.
    private static let widths = [1600, 800, 400]
    private static let gray = 0x3030_3859 as UInt  // 'Y800'

    private let zbar: gatehouse_zbar
    private let scanner: UnsafeMutableRawPointer

    init?(_ library: CodeLibrary) {
        zbar = library.zbar
        guard let scanner = zbar.scanner_create() else { return nil }
        self.scanner = scanner
        // All kinds off, then this one on.
        _ = zbar.scanner_configure(scanner, 0, Int32(gatehouse_zbar_enable), 0)
        _ = zbar.scanner_configure(scanner, Int32(gatehouse_zbar_qr), Int32(gatehouse_zbar_enable), 1)
    }

    deinit { zbar.scanner_destroy(scanner) }

    /// The texts of the codes in a JPEG or PNG.
    /// - Throws: `MediaError` where it is no picture.
    borrowing func texts(in picture: [UInt8], codec: Codec) throws -> [String] {
        var decoder = try VideoDecoder(format: StreamFormat(kind: .video, codec: codec))
        try decoder.send(try Packet(copying: picture, isKeyFrame: true), time: .zero)
        decoder.drain()
        var frame = try Frame()
        guard try decoder.receive(into: &frame) else { throw MediaError("no picture", kind: .invalidData) }
        for (index, width) in Self.widths.enumerated() where index == 0 || width < frame.width {
            let size = fittedSize(width: frame.width, height: frame.height, into: (width, width))
            var scaler = Scaler(width: size.width, height: size.height, layout: .gray)
            let found = scan(try scaler.scale(frame).firstPlane(), width: size.width, height: size.height)
            if !found.isEmpty { return found }
        }
        return []
    }

    private borrowing func scan(_ gray: [UInt8], width: Int, height: Int) -> [String] {
        guard let image = zbar.image_create() else { return [] }
        defer { zbar.image_destroy(image) }
        zbar.image_set_format(image, Self.gray)
        zbar.image_set_size(image, UInt32(width), UInt32(height))
        return gray.withUnsafeBytes { bytes in
            zbar.image_set_data(image, bytes.baseAddress, UInt(bytes.count), nil)
            guard zbar.scan(scanner, image) > 0 else { return [] }
            var texts: [String] = []
            var symbol = zbar.first_symbol(image)
            while let found = symbol {
                if let data = zbar.symbol_data(found) {
                    let text = UnsafeRawBufferPointer(start: data, count: Int(zbar.symbol_length(found)))
                    texts.append(String(decoding: text, as: UTF8.self))
                }
                symbol = zbar.next_symbol(found)
            }
            return texts
        }
    }
}
