import Access
import BoxDatabase
import Core
import Foundation
import Messaging
import Testing

@testable import ManagementAPI

/// What the box tells people, with the words that it ships.
@Suite struct NoticeTextsTests {
    private let texts: MessageTexts
    private let italian = Language(rawValue: "it")

    init() throws {
        let folder = #filePath.replacing("Tests/ManagementAPITests/NoticeTextsTests.swift", with: "Profiles/messages")
        texts = try MessageTexts(folders: [folder], notices: MessageTexts.notices, words: MessageTexts.words)
    }

    private func record(_ kind: NoticeKind, _ values: [String: String]) -> NoticeRecord {
        NoticeRecord(
            id: .timeOrdered(at: Date()), personId: .timeOrdered(at: Date()), kind: kind.rawValue, siteId: nil,
            values: values.merging(["site": "Shop"]) { $1 }, createdAt: Date())
    }

    @Test func permissionsAreNamedInTheLanguageOfWhoReads() {
        let changed = record(.shareChanged, ["what": "live-view, site-information"])
        #expect(texts.sentence(of: changed, in: .english) == "What you may do at Shop has changed: live view, site information.")
        #expect(
            texts.sentence(of: changed, in: italian) == "I tuoi permessi per Shop sono cambiati: visione dal vivo, informazioni sul sito.")
        // Names of devices are left as they are.
        let moved = record(.devicesMoved, ["what": "Door, live-view"])
        #expect(texts.sentence(of: moved, in: .english) == "Door, live-view is no longer at Shop. Set it anew where it is now.")
    }

    @Test func whatIsSharedIsToldWhereItIsKnown() {
        #expect(
            texts.sentence(of: record(.shared, ["person": "Mia", "what": ""]), in: .english)
                == "Mia now helps your service provider with Shop.")
        #expect(
            texts.sentence(of: record(.shared, ["person": "Mia", "what": "playback"]), in: .english)
                == "Mia now helps your service provider with Shop: playback.")
    }

    @Test func everyKindIsSaidInEveryLanguage() {
        #expect(texts.languages == [.english, italian])
        for language in texts.languages {
            for kind in NoticeKind.allCases {
                let all = ["person": "Mia", "what": "playback", "reason": "It is not bound."]
                let sentence = texts.sentence(of: record(kind, all), in: language)
                #expect(sentence.hasSuffix(".") && sentence.contains("Shop") && !sentence.contains("{"), "\(kind) in \(language)")
            }
            for kind in MessageTexts.Kind.allCases {
                let letter = texts.letter(
                    kind, ["link": "https://box/x", "code": "AB12", "site": "Shop", "company": "Rossi"], in: language)
                #expect(letter.text.contains("https://box/x") || letter.text.contains("AB12"), "\(kind) in \(language)")
                #expect(!letter.subject.isEmpty && !letter.subject.contains("{"), "\(kind) in \(language)")
            }
        }
    }
}
