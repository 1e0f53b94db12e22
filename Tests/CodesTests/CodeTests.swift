import Testing

@testable import Codes

struct CodeTests {
    private static let device = CodeContent.device(
        .init(
            name: "Front door", driver: "hikvision", host: "192.168.1.64", port: 80, https: false, model: "DS-2CD2143", serialNumber: "F1",
            macAddress: nil))
    private static let site = CodeContent.site(.init(id: "01890a5dac96774bbcceb302099a8057", name: "Bäckerei ☀️", company: nil))

    @Test(arguments: [device, site])
    func whatIsWrittenIsRead(content: CodeContent) throws {
        let text = try CodeText.make(content, password: nil)
        #expect(text.hasPrefix("gatehouse:1:"))
        #expect(try CodeText.open(text, password: nil) == content)
        #expect(try CodeText.open(text, password: "needless") == content)
    }

    @Test(arguments: [device, site])
    func aPasswordCloses(content: CodeContent) throws {
        let text = try CodeText.make(content, password: "lamp-7731", workFactor: 4)
        #expect(try CodeText.open(text, password: "lamp-7731", workFactor: 4) == content)
        #expect(throws: CodeText.Refusal.wrongPassword) { try CodeText.open(text, password: "lamp-7732", workFactor: 4) }
        #expect(throws: CodeText.Refusal.passwordNeeded) { try CodeText.open(text, password: nil, workFactor: 4) }
        #expect(try CodeText.make(content, password: "lamp-7731", workFactor: 4) != text, "each has a salt of its own")
    }

    @Test func aClosedOneHoldsTogether() throws {
        let text = try CodeText.make(Self.site, password: "lamp-7731", workFactor: 4)
        var letters = Array(text)
        let middle = letters.count / 2
        letters[middle] = letters[middle] == "A" ? "B" : "A"
        #expect(throws: CodeText.Refusal.wrongPassword) { try CodeText.open(String(letters), password: "lamp-7731", workFactor: 4) }
    }

    @Test(arguments: [
        "", "https://example.com", "gatehouse:1:", "gatehouse:1:!!!!", "gatehouse:1:e30", "gatehouse:1s:AAAA", "gatehouse:1s:",
        "gatehouse:2:e30", "gatehouse:1:eyJkZXZpY2UiOnsibmFtZSI6MX19",
    ])
    func whatIsNotOursIsToldApart(text: String) {
        #expect(throws: CodeText.Refusal.other) { try CodeText.open(text, password: "lamp-7731", workFactor: 4) }
    }

    @Test func aCodeIsDrawn() throws {
        let code = try QRCode("gatehouse")
        #expect(code.width == 21)
        // The finder in each of three corners: dark, light, dark (ISO/IEC 18004, 6.3.3).
        for (x, y) in [(0, 0), (14, 0), (0, 14)] {
            #expect((0..<7).allSatisfy { code.isDark(x + $0, y) && code.isDark(x, y + $0) })
            #expect((1..<6).allSatisfy { !code.isDark(x + $0, y + 1) })
            #expect(code.isDark(x + 3, y + 3))
        }
        #expect(!code.isDark(-1, 0) && !code.isDark(0, 21))
        #expect(code.svg.contains("viewBox=\"0 0 29 29\""))
    }

    @Test func tooMuchIsRefused() {
        #expect(throws: QRCode.TooLong.self) { try QRCode(String(repeating: "x", count: 5_000)) }
    }
}
