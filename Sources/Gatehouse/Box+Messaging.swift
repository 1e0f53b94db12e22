import Core
import Logging
import Messaging
import SystemPackage

extension Box {
    /// By what people are reached who are not at the page.
    static func messenger(_ settings: Settings, time: TimeSource, logger: Logger) -> Messenger {
        Messenger(
            mail: settings.mailProgram.map { .init(path: FilePath($0), from: settings.mailFrom ?? "") },
            gateway: settings.smsURL.map { .init(url: $0, token: settings.smsToken) }, time: time, logger: logger)
    }
}
