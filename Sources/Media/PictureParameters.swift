import CFFmpeg
import Foundation

/// Finds a video track's picture size and parameter sets in its key frames, by parsing, without decoding.
///
/// `@unchecked Sendable` because the one owner may move between threads.
public struct PictureParameters: ~Copyable, @unchecked Sendable {
    private let parser: UnsafeMutablePointer<AVCodecParserContext>
    private let decoder: UnsafeMutablePointer<AVCodecContext>
    private let filter: UnsafeMutablePointer<AVBSFContext>?

    /// A finder for tracks of `format`'s codec.
    public init(format: StreamFormat) throws(MediaError) {
        guard let parser = av_parser_init(Int32(bitPattern: format.codec.id.rawValue)) else {
            throw MediaError("no parser for \(format.codec.rawValue)", kind: .unsupported)
        }
        guard let decoder = avcodec_alloc_context3(nil) else {
            av_parser_close(parser)
            throw .outOfMemory("avcodec_alloc_context3")
        }
        decoder.pointee.codec_id = format.codec.id
        decoder.pointee.codec_type = AVMEDIA_TYPE_VIDEO
        self.filter = Self.makeFilter(codec: format.codec)
        self.parser = parser
        self.decoder = decoder
    }

    deinit {
        av_parser_close(parser)
        var decoder: UnsafeMutablePointer<AVCodecContext>? = decoder
        avcodec_free_context(&decoder)
        var filter = filter
        av_bsf_free(&filter)
    }

    /// The format that `keyFrame` declares, or `format` itself where it declares nothing new.
    public mutating func format(of keyFrame: borrowing Packet, after format: StreamFormat) -> StreamFormat {
        var output: UnsafeMutablePointer<UInt8>?
        var size: Int32 = 0
        parser.pointee.flags |= PARSER_FLAG_COMPLETE_FRAMES
        av_parser_parse2(
            parser, decoder, &output, &size, keyFrame.pointer.pointee.data, keyFrame.pointer.pointee.size, gatehouse_no_timestamp(),
            gatehouse_no_timestamp(), 0)
        let width = Int(parser.pointee.width)
        let height = Int(parser.pointee.height)
        let configuration = parameterSets(in: keyFrame) ?? format.configuration
        guard width > 0, height > 0 else { return format }
        guard width != format.width || height != format.height || configuration != format.configuration else { return format }
        return format.with(width: width, height: height, configuration: configuration)
    }

    private func parameterSets(in packet: borrowing Packet) -> Data? {
        guard let filter, let copy = try? packet.reference() else { return nil }
        guard av_bsf_send_packet(filter, copy.pointer) >= 0 else { return nil }
        guard let filtered = try? Packet() else { return nil }
        var found: Data?
        while av_bsf_receive_packet(filter, filtered.pointer) >= 0 {
            var size = 0
            if let bytes = av_packet_get_side_data(filtered.pointer, AV_PKT_DATA_NEW_EXTRADATA, &size), size > 0 {
                found = Data(bytes: bytes, count: size)
            }
            av_packet_unref(filtered.pointer)
        }
        return found
    }

    private static func makeFilter(codec: Codec) -> UnsafeMutablePointer<AVBSFContext>? {
        guard let definition = av_bsf_get_by_name("extract_extradata") else { return nil }
        var filter: UnsafeMutablePointer<AVBSFContext>?
        guard av_bsf_alloc(definition, &filter) >= 0, let made = filter else { return nil }
        made.pointee.par_in.pointee.codec_type = AVMEDIA_TYPE_VIDEO
        made.pointee.par_in.pointee.codec_id = codec.id
        guard av_bsf_init(made) >= 0 else {
            av_bsf_free(&filter)
            return nil
        }
        return made
    }
}
