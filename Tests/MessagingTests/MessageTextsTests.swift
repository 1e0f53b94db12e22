import Core
import Foundation
import TestSupport
import Testing

@testable import Messaging

/// A folder of texts: what is missing in it, what a language leaves out, and what is filled in.
@Suite struct MessageTextsTests {
    private let folder: TemporaryFolder
    private let german = Language(rawValue: "de")

    init() throws { folder = try TemporaryFolder() }

    private func write(_ name: String, notices: String, letters: String = "") throws {
        let kinds = MessageTexts.Kind.allCases.map { "  \($0.rawValue): {subject: \"S {site}\", text: \"T {link}\"}" }.joined(
            separator: "\n")
        let text =
            "notices:\n\(notices)\nwords:\n  live-view: live view\nletters:\n\(name == "en" ? kinds : letters.isEmpty ? "  {}" : letters)\n"
        try text.write(toFile: "\(folder.path)/\(name).yaml", atomically: true, encoding: .utf8)
    }

    private func texts() throws -> MessageTexts { try MessageTexts(folders: [folder.path], notices: ["gone"], words: ["live-view"]) }

    private func refused(_ part: String) {
        let error = #expect(throws: MessageTextsError.self) { _ = try texts() }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    }

    @Test func whatALanguageLeavesOutIsSaidInEnglish() throws {
        try write("en", notices: "  gone: \"{what} is gone from {site}.\"\n  new: \"{what} is new.\"")
        try write("de", notices: "  gone: \"{site} hat kein {what} mehr.\"")
        let texts = try texts()
        #expect(texts.languages == [.english, german])
        #expect(texts.notice("gone", ["what": "Door", "site": "Shop"], in: german) == "Shop hat kein Door mehr.")
        #expect(texts.notice("new", ["what": "Door"], in: german) == "Door is new.")
        #expect(texts.letter(.share, ["site": "Shop", "link": "x"], in: german) == Letter(subject: "S Shop", text: "T x", short: nil))
        #expect(texts.notice("other", [:], in: german) == nil)
        #expect((texts.language("de"), texts.language("fr"), texts.language(nil)) == (german, .english, .english))
    }

    @Test func aTextMessageWithoutWordsIsSaidInEnglish() throws {
        try write("en", notices: "  gone: \"x\"")
        let text = try String(contentsOfFile: folder.path + "/en.yaml", encoding: .utf8)
        try text.replacing("share: {", with: "share: {short: \"Short {link}\", ").write(
            toFile: folder.path + "/en.yaml", atomically: true, encoding: .utf8)
        try write("de", notices: "  gone: \"x\"", letters: "  share: {subject: \"Hallo\", text: \"{link}\"}")
        #expect(try texts().letter(.share, ["link": "x"], in: german).short == "Short x")
    }

    @Test func oneSectionIsEnough() throws {
        try write("en", notices: "  gone: \"{what} is gone.\"")
        try "letters:\n  share: {subject: \"Hallo\", text: \"{link}\"}\n".write(
            toFile: folder.path + "/de.yaml", atomically: true, encoding: .utf8)
        let texts = try texts()
        #expect(texts.notice("gone", ["what": "Door"], in: german) == "Door is gone.")
        #expect(texts.letter(.share, ["link": "x"], in: german) == Letter(subject: "Hallo", text: "x", short: nil))
    }

    @Test func ownWordsLieOverTheProgramsOwn() throws {
        try write("en", notices: "  gone: \"{what} is gone.\"\n  new: \"{what} is new.\"")
        let own = try TemporaryFolder()
        try "notices:\n  gone: \"Farewell, {what}.\"\n".write(toFile: own.path + "/en.yaml", atomically: true, encoding: .utf8)
        let texts = try MessageTexts(folders: [folder.path, own.path], notices: ["gone"], words: ["live-view"])
        #expect(texts.notice("gone", ["what": "Door"], in: .english) == "Farewell, Door.")
        #expect(texts.notice("new", ["what": "Door"], in: .english) == "Door is new.")
    }

    @Test func whoWordsEnglishAnewKeepsTheLink() throws {
        try write("en", notices: "  gone: \"x\"")
        let own = try TemporaryFolder()
        func texts(_ letter: String) throws -> MessageTexts {
            try "letters:\n  share: {\(letter)}\n".write(toFile: own.path + "/en.yaml", atomically: true, encoding: .utf8)
            return try MessageTexts(folders: [folder.path, own.path], notices: ["gone"], words: ["live-view"])
        }
        #expect(try texts("subject: \"Hello\", text: \"See {link}\"").letter(.share, ["link": "x"], in: .english).text == "See x")
        #expect(throws: MessageTextsError.self) { _ = try texts("subject: \"Hello\", text: \"See it\"") }
    }

    @Test func aLetterWithoutItsLinkIsRefused() throws {
        try write("en", notices: "  gone: \"x\"")
        try write("de", notices: "  gone: \"x\"", letters: "  share: {subject: \"Hallo\", text: \"Hallo {site}\"}")
        refused("share lacks {link}")
    }

    @Test func aNameWithBracesStaysAName() throws {
        try write("en", notices: "  gone: \"{what} is gone from {site}.\"")
        #expect(
            try texts().notice("gone", ["what": "{site}", "site": "A {what} B"], in: .english) == "{site} is gone from A {what} B.")
    }

    @Test func whatIsWrongIsNamed() throws {
        refused("en.yaml is missing in")
        try write("en", notices: "  new: \"x\"")
        refused("no words for gone")
        try write("en", notices: "  gone: \"{what}\"")
        _ = try texts()
        try write("de", notices: "  gone: \"{was}\"")
        refused("{was}")
        try write("de", notices: "  zebra: \"x\"")
        refused("zebra")
        try "notices: [".write(toFile: folder.path + "/de.yaml", atomically: true, encoding: .utf8)
        refused("de.yaml cannot be read")
    }
}
