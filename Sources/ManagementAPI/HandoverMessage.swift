import Access
import BoxDatabase
import Messaging

struct DeliveryAnswer: Encodable {
    let sent: Bool
    let sentence: String
}

/// What the owner to be is written: who hands over what, and the link.
struct HandoverMessage {
    private let record: HandoverRecord
    private let subject: String
    private let text: String
    private let short: String

    init(_ record: HandoverRecord, site: SiteView, link: String, language: Language) {
        self.record = record
        let company = site.company ?? ""
        let name = site.record.name
        let remarks = record.remarks.map { "\n\n\($0)" } ?? ""
        switch language {
        case .english:
            subject = "\(name): \(company) hands the site over to you"
            text = """
                \(company) has set up the cameras of \(name) and hands the site over to you.\(remarks)

                Look at it, and accept or refuse it, here:
                \(link)

                The link is good until you answer, or until another one is sent. Whoever has it can take the site: do not pass it on.
                """
            short = "\(company) hands \(name) over to you: \(link)"
        case .italian:
            subject = "\(name): \(company) ti consegna il sito"
            text = """
                \(company) ha installato le telecamere di \(name) e ti consegna il sito.\(remarks)

                Guardalo, e accettalo o rifiutalo, qui:
                \(link)

                Il collegamento vale finché non rispondi, o finché non ne viene inviato un altro. Chi lo possiede può prendere il sito: non inoltrarlo.
                """
            short = "\(company) ti consegna \(name): \(link)"
        }
    }

    /// Brings it to its recipient, where the box can.
    func deliver(by messenger: Messenger) async -> DeliveryAnswer {
        do {
            switch record.way {
            case .email: try await messenger.mail(to: record.recipient, subject: subject, text: text)
            case .phone: try await messenger.message(to: record.recipient, text: short)
            }
            return DeliveryAnswer(sent: true, sentence: "Sent to \(record.recipient).")
        } catch {
            return DeliveryAnswer(sent: false, sentence: error.sentence)
        }
    }
}
