import Core
import Devices
import Foundation
import TestSupport
import Testing

@Suite struct EventPicturesTests {
    private func jpeg(_ size: Int) -> [UInt8] { [0xFF, 0xD8] + [UInt8](repeating: 0, count: size - 2) }
    private func id(_ second: Int) -> EventID { .timeOrdered(at: Date(timeIntervalSince1970: 1_790_000_000 + Double(second))) }

    @Test func theOldestGoWhenThereIsNoRoom() async throws {
        let folder = try TemporaryFolder()
        let pictures = try EventPictures(folder: folder.path, limit: 10_000)
        let ids = (0..<20).map { id($0) }
        for one in ids { await pictures.keep(jpeg(1000), of: one) }
        #expect(!pictures.exists(ids[0]) && pictures.exists(ids[19]))
        #expect(await pictures.picture(of: ids[0]) == nil)
        #expect(await pictures.picture(of: ids[19])?.count == 1000)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count <= 10)
        // What is there after a restart counts.
        let again = try EventPictures(folder: folder.path, limit: 10_000)
        #expect(again.exists(ids[19]) && !again.exists(ids[0]))
        for second in 20..<40 { await again.keep(jpeg(1000), of: id(second)) }
        #expect(!again.exists(ids[19]))
    }

    @Test func onlyPicturesAreKept() async throws {
        let folder = try TemporaryFolder()
        let pictures = try EventPictures(folder: folder.path)
        await pictures.keep(Array("<html>".utf8), of: id(1))
        #expect(!pictures.exists(id(1)))
    }
}
