import Access
import Core
import Relay

extension AccessServices {
    /// Lets pictures of a channel go on as long as the sign-in holds and its person may do `action` there.
    func permission(_ action: Action, _ channel: ChannelID, _ token: String?) -> LiveSessions.Permission {
        let token = token ?? ""
        return .init(key: "\(action.rawValue) \(channel) \(token)") { await holds(token: token, action, channel) }
    }
}
