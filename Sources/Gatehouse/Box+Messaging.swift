import Core
import Logging
import ManagementAPI
import Messaging
import SystemPackage

extension Box {
    /// By what people are reached who are not at the page.
    static func messenger(_ settings: Settings, time: TimeSource, logger: Logger) -> Messenger {
        Messenger(
            mail: settings.mailProgram.map { .init(path: FilePath($0), from: settings.mailFrom ?? "") },
            gateway: settings.smsURL.map { .init(url: $0, token: settings.smsToken) }, time: time, logger: logger)
    }

    /// What is said to them: the program's own words, and over them those of a folder of profiles.
    static func texts(_ profiles: String) throws -> MessageTexts {
        let folders = [try? ProfileFolder.find(nil), profiles].compactMap { $0 }.map { $0 + "/messages" }
        return try MessageTexts(folders: folders, notices: MessageTexts.notices, words: MessageTexts.words)
    }
}
