import Access
import BoxDatabase
import Core
public import Messaging

// How the box says what it tells people.
extension MessageTexts {
    /// The names of what must be said in English at least.
    public static let notices = Set(NoticeKind.allCases.map(\.rawValue)).union([sharedFor])
    public static let words = Set(SitePermission.allCases.map(\.rawValue))
    /// Where it is told what they help with.
    private static let sharedFor = "shared-for"

    /// The sentence that tells a notice.
    func sentence(of notice: NoticeRecord, in language: Language) -> String {
        var (values, name) = (notice.values, notice.kind)
        let kind = NoticeKind(rawValue: notice.kind)
        if kind?.tellsPermissions == true, let what = values["what"], !what.isEmpty {
            values["what"] = what.split(separator: ", ").map { word(String($0), in: language) }.joined(separator: ", ")
            if kind == .shared { name = Self.sharedFor }
        }
        return self.notice(name, values, in: language) ?? notice.kind
    }

    /// How remarks stand in a letter: a paragraph of their own, where there are any.
    static func paragraph(_ remarks: String?) -> String { remarks.map { "\n\n\($0)" } ?? "" }
}

/// A letter that is on its way to somebody.
struct SentLetter {
    let letter: Letter
    let recipient: String

    /// Brings it to its recipient by e-mail, where the box can, and says whether it could.
    func mail(by messenger: Messenger) async -> DeliveryAnswer {
        await told { () async throws(MessagingFailure) in
            try await messenger.mail(to: recipient, subject: letter.subject, text: letter.text)
        }
    }

    /// As a text message.
    func message(by messenger: Messenger) async -> DeliveryAnswer {
        await told { () async throws(MessagingFailure) in
            try await messenger.message(to: recipient, text: letter.short ?? letter.text)
        }
    }

    private func told(_ send: () async throws(MessagingFailure) -> Void) async -> DeliveryAnswer {
        do {
            try await send()
            return DeliveryAnswer(sent: true, sentence: "Sent to \(recipient).")
        } catch {
            return DeliveryAnswer(sent: false, sentence: error.sentence)
        }
    }
}

struct DeliveryAnswer: Encodable {
    let sent: Bool
    let sentence: String
}
