import Access
import HTTPTypes

/// Who may use a route: which action it is, and at what.
struct AccessRule: Sendable {
    /// What the action is done to, and with it who decides.
    enum Scope: Sendable, Equatable {
        /// Open to everybody; what it does it protects by itself (a set-up code, a password, a token of one view).
        case open
        /// The caller's own account.
        case own
        case box(Action)
        /// A site.
        case site(Action)
        /// One site at least: what is found and added belongs to the site that the request names, which the route looks at.
        case anySite(Action)
        case device(Action)
        case channel(Action)
        case clip(Action)
        case event(Action)
        case export(Action)
        case liveView(Action)
        /// Several things, or things that the request names: the route gives and takes only those that the caller may see.
        case each(Action)

        /// The action; nil where nobody needs one.
        var action: Action? {
            switch self {
            case .open, .own: nil
            case .box(let action), .site(let action), .anySite(let action), .device(let action), .channel(let action), .clip(let action),
                .event(let action),
                .export(let action), .liveView(let action), .each(let action):
                action
            }
        }

        /// How the document calls it (`x-scope`).
        var word: String {
            switch self {
            case .open: "open"
            case .own: "own"
            case .box: "box"
            case .site: "site"
            case .anySite: "anySite"
            case .device: "device"
            case .channel: "channel"
            case .clip: "clip"
            case .event: "event"
            case .export: "export"
            case .liveView: "liveView"
            case .each: "each"
            }
        }
    }

    /// Whether it goes into the operation log.
    enum Log: Sendable {
        case never, always
        /// Of what comes many times in a row, one in a minute.
        case oncePerMinute
    }

    let method: HTTPRequest.Method
    let path: String
    /// The operation's name in the document.
    let operation: String
    let scope: Scope
    let log: Log
    /// Before it is changed it is looked at by its own GET, for the log; not where a device would have to be asked.
    let isLookedAt: Bool

    init(_ method: HTTPRequest.Method, _ path: String, _ operation: String, _ scope: Scope, log: Log? = nil, isLookedAt: Bool = true) {
        self.method = method
        self.path = path
        self.operation = operation
        self.scope = scope
        self.log = log ?? (method == .get ? .never : .always)
        self.isLookedAt = isLookedAt
    }
}

/// All routes with their rules. What is not here is refused to everybody.
enum AccessRules {
    /// The rule of a route, as it was matched.
    static func rule(_ method: HTTPRequest.Method, _ path: String) -> AccessRule? {
        table[Key(method: method == .head ? .get : method, path: path)]
    }

    private struct Key: Hashable {
        let method: HTTPRequest.Method
        let path: String
    }

    private static let table = Dictionary(uniqueKeysWithValues: all.map { (Key(method: $0.method, path: $0.path), $0) })

    static let all: [AccessRule] = [
        .init(.get, "/api/v1/setup", "getSetup", .open),
        .init(.post, "/api/v1/setup/claim", "claimBox", .open),
        .init(.post, "/api/v1/setup/restore", "beginRestore", .open, log: .never),
        .init(.put, "/api/v1/setup/restore/{ticket}", "restoreBox", .open, log: .never),
        .init(.post, "/api/v1/session", "signIn", .open),
        .init(.post, "/api/v1/session/reset", "resetPassword", .open),
        .init(.post, "/api/v1/session/forgotten", "forgetPassword", .open),
        .init(.post, "/api/v1/session/new-password", "setNewPassword", .open),
        .init(.get, "/api/v1/session", "getSession", .own),
        .init(.delete, "/api/v1/session", "signOut", .own),
        .init(.get, "/api/v1/system", "getSystem", .box(.viewBox)),
        .init(.patch, "/api/v1/system", "changeSystem", .box(.configureBox)),
        .init(.post, "/api/v1/backup", "makeBackup", .box(.backUp)),
        .init(.get, "/api/v1/health", "getHealth", .box(.viewBox)),
        .init(.get, "/api/v1/stream", "watch", .own),
        .init(.get, "/api/v1/openapi.json", "getOpenAPI", .open),
        .init(.get, "/api/v1/discovery", "getDiscovery", .anySite(.configure)),
        .init(.post, "/api/v1/discovery", "beginDiscovery", .anySite(.configure)),
        .init(.delete, "/api/v1/discovery", "endDiscovery", .anySite(.configure)),
        .init(.get, "/api/v1/onboardings", "listOnboardings", .anySite(.configure)),
        .init(.post, "/api/v1/onboardings", "beginOnboarding", .anySite(.configure)),
        .init(.get, "/api/v1/onboardings/{id}", "getOnboarding", .anySite(.configure)),
        .init(.delete, "/api/v1/onboardings/{id}", "cancelOnboarding", .anySite(.configure)),
        .init(.post, "/api/v1/onboardings/{id}/devices/{index}/retry", "retryOnboarding", .anySite(.configure)),
        .init(.post, "/api/v1/onboardings/{id}/devices/{index}/activate", "activateDevice", .anySite(.configure)),
        .init(.get, "/api/v1/devices", "listDevices", .each(.viewSite)),
        .init(.post, "/api/v1/devices", "addDevice", .anySite(.configure)),
        .init(.post, "/api/v1/devices/test", "testNewDevice", .anySite(.configure), log: .never),
        .init(.get, "/api/v1/devices/{id}", "getDevice", .device(.viewSite)),
        .init(.patch, "/api/v1/devices/{id}", "changeDevice", .device(.configure)),
        .init(.delete, "/api/v1/devices/{id}", "removeDevice", .device(.removeDevice)),
        .init(.post, "/api/v1/devices/{id}/test", "testDevice", .device(.configure)),
        .init(.post, "/api/v1/devices/{id}/check", "checkDevice", .device(.configure)),
        .init(.post, "/api/v1/devices/{id}/look", "lookAtDevice", .device(.viewSite), log: .never),
        .init(.get, "/api/v1/devices/{id}/time", "getDeviceTime", .device(.viewSite)),
        .init(.put, "/api/v1/devices/{id}/time", "setDeviceTime", .device(.configure), isLookedAt: false),
        .init(.post, "/api/v1/devices/{id}/reboot", "rebootDevice", .device(.configure)),
        .init(.put, "/api/v1/devices/{id}/name", "renameDevice", .device(.configure)),
        .init(.put, "/api/v1/devices/{id}/password", "changeDevicePassword", .device(.configure)),
        .init(.post, "/api/v1/devices/{id}/firmware", "upgradeFirmware", .device(.configure)),
        .init(.post, "/api/v1/devices/{id}/doors/{door}", "commandDoor", .device(.openDoor)),
        .init(.get, "/api/v1/channels", "listChannels", .each(.viewSite)),
        .init(.get, "/api/v1/channels/{id}", "getChannel", .channel(.viewSite)),
        .init(.patch, "/api/v1/channels/{id}", "changeChannel", .channel(.configure)),
        .init(.put, "/api/v1/channels/{id}/link", "linkChannel", .channel(.configure)),
        .init(.delete, "/api/v1/channels/{id}/link", "unlinkChannel", .channel(.configure)),
        .init(.put, "/api/v1/channels/{id}/plan", "activatePlan", .channel(.managePlans)),
        .init(.patch, "/api/v1/channels/{id}/plan", "changePlan", .channel(.managePlans)),
        .init(.delete, "/api/v1/channels/{id}/plan", "endPlan", .channel(.managePlans)),
        .init(.post, "/api/v1/channels/{id}/plan/transfer", "transferPlan", .channel(.managePlans)),
        .init(.post, "/api/v1/channels/{id}/trigger", "triggerChannel", .channel(.configure)),
        .init(.get, "/api/v1/channels/{id}/snapshot", "getSnapshot", .channel(.viewLive), log: .oncePerMinute),
        .init(.get, "/api/v1/channels/{id}/device-streams", "listDeviceStreams", .channel(.viewSite)),
        .init(.patch, "/api/v1/channels/{id}/device-streams/{stream}", "changeDeviceStream", .channel(.configure)),
        .init(.get, "/api/v1/channels/{id}/cloud-readiness", "getCloudReadiness", .channel(.viewSite)),
        .init(.post, "/api/v1/channels/{id}/cloud-readiness", "makeCloudReady", .channel(.configure)),
        .init(.get, "/api/v1/channels/{id}/device-motion", "getDeviceMotion", .channel(.viewSite)),
        .init(.put, "/api/v1/channels/{id}/device-motion", "setDeviceMotion", .channel(.configure), isLookedAt: false),
        .init(.get, "/api/v1/channels/{id}/device-rules", "listDeviceRules", .channel(.viewSite)),
        .init(.put, "/api/v1/channels/{id}/notification", "setNotification", .channel(.configure)),
        .init(.get, "/api/v1/channels/{id}/device-snapshot", "getDeviceSnapshot", .channel(.viewLive), log: .oncePerMinute),
        .init(.post, "/api/v1/channels/{id}/live", "beginLiveView", .channel(.viewLive)),
        .init(.get, "/api/v1/live", "listLiveViews", .each(.viewLive)),
        .init(.get, "/api/v1/live/{id}", "getLiveView", .liveView(.viewLive)),
        .init(.delete, "/api/v1/live/{id}", "endLiveView", .liveView(.viewLive)),
        .init(.post, "/api/v1/live/{id}/continue", "continueLiveView", .liveView(.viewLive)),
        .init(.get, "/api/v1/live/stream.mp4", "getLiveMP4", .open),
        .init(.get, "/api/v1/live/stream.mjpeg", "getLiveJPEGs", .open),
        .init(.get, "/api/v1/live/hls/{file}", "getLiveHLS", .open),
        .init(.get, "/api/v1/relay/rtsp", "getRTSP", .box(.configureBox)),
        .init(.put, "/api/v1/relay/rtsp", "setRTSP", .box(.configureBox)),
        .init(.post, "/api/v1/channels/{id}/lens/move", "moveLens", .channel(.moveLens), log: .oncePerMinute),
        .init(.post, "/api/v1/channels/{id}/lens/stop", "stopLens", .channel(.moveLens), log: .never),
        .init(.get, "/api/v1/channels/{id}/lens/presets", "listPresets", .channel(.moveLens)),
        .init(.post, "/api/v1/channels/{id}/lens/presets", "addPreset", .channel(.moveLens)),
        .init(.put, "/api/v1/channels/{id}/lens/presets/{preset}", "setPreset", .channel(.moveLens)),
        .init(.delete, "/api/v1/channels/{id}/lens/presets/{preset}", "removePreset", .channel(.moveLens)),
        .init(.post, "/api/v1/channels/{id}/lens/presets/{preset}/call", "callPreset", .channel(.moveLens), log: .oncePerMinute),
        .init(.get, "/api/v1/channels/{id}/lens/patrols", "listPatrols", .channel(.moveLens)),
        .init(.post, "/api/v1/channels/{id}/lens/patrols/{patrol}/start", "startPatrol", .channel(.moveLens)),
        .init(.put, "/api/v1/channels/{id}/lens/auxiliary", "setAuxiliary", .channel(.moveLens)),
        .init(.get, "/api/v1/channels/{id}/recordings", "listRecordings", .channel(.playBack)),
        .init(.get, "/api/v1/channels/{id}/recordings/days", "listRecordingDays", .channel(.playBack)),
        .init(.get, "/api/v1/channels/{id}/recordings/download", "downloadRecording", .channel(.playBack), log: .oncePerMinute),
        .init(.get, "/api/v1/definitions", "listDefinitions", .box(.viewBox)),
        .init(.get, "/api/v1/events", "listEvents", .each(.playBack)),
        .init(.get, "/api/v1/events/{id}", "getEvent", .event(.playBack)),
        .init(.get, "/api/v1/events/{id}/picture", "getEventPicture", .event(.playBack)),
        .init(.get, "/api/v1/clips", "listClips", .each(.playBack)),
        .init(.get, "/api/v1/clips/{id}", "getClip", .clip(.playBack)),
        .init(.get, "/api/v1/clips/{id}/video", "getVideo", .clip(.playBack), log: .oncePerMinute),
        .init(.get, "/api/v1/clips/{id}/thumbnail", "getThumbnail", .clip(.playBack)),
        .init(.get, "/api/v1/storage", "getStorage", .box(.viewBox)),
        .init(.put, "/api/v1/storage/target", "setStorageTarget", .box(.configureBox)),
        .init(.delete, "/api/v1/storage/target", "removeStorageTarget", .box(.configureBox)),
        .init(.post, "/api/v1/storage/test", "testStorage", .box(.configureBox)),
        .init(.put, "/api/v1/storage/second", "setSecondStorage", .box(.configureBox)),
        .init(.delete, "/api/v1/storage/second", "removeSecondStorage", .box(.configureBox)),
        .init(.post, "/api/v1/storage/second/test", "testSecondStorage", .box(.configureBox)),
        .init(.delete, "/api/v1/storage/former", "forgetFormerStorages", .box(.configureBox)),
        .init(.get, "/api/v1/storage/gaps", "listGaps", .each(.playBack)),
        .init(.get, "/api/v1/plans", "listPlans", .each(.viewSite)),
        .init(.post, "/api/v1/plans/vouchers", "importVoucher", .anySite(.managePlans)),
        .init(.get, "/metrics", "getMetrics", .box(.configureBox)),
        .init(.get, "/api/v1/storage/line", "getLine", .box(.viewBox)),
        .init(.put, "/api/v1/storage/line", "setLine", .box(.configureBox)),
        .init(.get, "/api/v1/storage/line/history", "getLineHistory", .box(.viewBox)),
        .init(.get, "/api/v1/storage/line/test", "getNetworkTests", .box(.viewBox)),
        .init(.post, "/api/v1/storage/line/test", "startNetworkTest", .box(.configureBox)),
        .init(.delete, "/api/v1/storage/line/test", "cancelNetworkTest", .box(.configureBox)),
        .init(.get, "/api/v1/clips/{id}/link", "getClipLink", .clip(.playBack), log: .always),
        .init(.get, "/api/v1/storage/chain", "getChain", .box(.viewBox)),
        .init(.get, "/api/v1/storage/encryption", "getEncryption", .anySite(.viewSite)),
        .init(.put, "/api/v1/storage/encryption", "setEncryption", .anySite(.configure)),
        .init(.get, "/api/v1/storage/encryption/recovery-file", "getRecoveryFile", .anySite(.configure), log: .always),
        .init(.post, "/api/v1/storage/encryption/recovery-file", "importRecoveryFile", .box(.configureBox)),
        .init(.post, "/api/v1/clips/{id}/key", "getClipKey", .clip(.playBack)),
        .init(.get, "/api/v1/storage/refills", "listRefills", .each(.playBack)),
        .init(.get, "/api/v1/exports", "listExports", .each(.export)),
        .init(.post, "/api/v1/exports", "beginExport", .each(.export)),
        .init(.get, "/api/v1/exports/{id}", "getExport", .export(.export)),
        .init(.delete, "/api/v1/exports/{id}", "removeExport", .export(.export)),
        .init(.get, "/api/v1/exports/{id}/files/{name}", "getExportedFile", .export(.export), log: .oncePerMinute),
        .init(.get, "/api/v1/channels/{id}/timeline", "getTimeline", .channel(.playBack)),
        .init(.get, "/api/v1/channels/{id}/timeline/days", "listTimelineDays", .channel(.playBack)),
        .init(.post, "/api/v1/channels/{id}/playback", "beginPlayback", .channel(.playBack)),
        .init(.get, "/api/v1/playback/stream.mp4", "getPlaybackMP4", .open),
        .init(.post, "/api/v1/on-site/live", "watchOnSite", .open),
        .init(.post, "/api/v1/channels/{id}/talk", "beginTalk", .channel(.talk)),
        .init(.post, "/api/v1/channels/{id}/talk/{talk}/sound", "sendSound", .channel(.talk), log: .never),
        .init(.delete, "/api/v1/channels/{id}/talk/{talk}", "endTalk", .channel(.talk)),
        .init(.post, "/api/v1/live/whep", "beginWHEP", .open, log: .never),
        .init(.patch, "/api/v1/live/whep/{session}", "trickleWHEP", .open, log: .never),
        .init(.delete, "/api/v1/live/whep/{session}", "endWHEP", .open, log: .never),
        .init(.get, "/api/v1/relay/ice", "getICE", .box(.configureBox)),
        .init(.put, "/api/v1/relay/ice", "setICE", .box(.configureBox)),
        .init(.get, "/api/v1/support", "getSupport", .box(.configureBox)),
        .init(.put, "/api/v1/support", "setSupport", .box(.configureBox)),
        .init(.get, "/api/v1/support/bundle", "getSupportBundle", .box(.configureBox), log: .always),
        .init(.get, "/api/v1/firmware", "getFirmware", .box(.viewBox)),
        .init(.patch, "/api/v1/firmware", "setFirmware", .box(.configureBox)),
        .init(.get, "/api/v1/firmware/history", "listUpgrades", .box(.viewBox)),
        .init(.post, "/api/v1/firmware/check", "checkFirmware", .box(.configureBox)),
        .init(.post, "/api/v1/firmware/upgrade", "beginUpgrade", .box(.configureBox)),
        .init(.put, "/api/v1/firmware/file", "upgradeFromFile", .box(.configureBox)),
        .init(.get, "/api/v1/device-firmware", "listDeviceFirmware", .each(.viewSite)),
        .init(.post, "/api/v1/device-firmware/check", "checkDeviceFirmware", .anySite(.configure)),
        .init(.post, "/api/v1/device-firmware/upgrades", "upgradeDevices", .each(.configure)),
        .init(.delete, "/api/v1/device-firmware/upgrades/{id}", "cancelDeviceUpgrade", .device(.configure)),
        .init(.get, "/api/v1/device-firmware/upgrades/{id}/file", "getDeviceFirmware", .device(.configure)),
        .init(.post, "/api/v1/system/factory-reset", "resetBox", .box(.resetBox)),
        .init(.get, "/api/v1/certificate", "getCertificate", .box(.viewBox)),
        .init(.put, "/api/v1/certificate", "installCertificate", .box(.configureBox)),
        .init(.delete, "/api/v1/certificate", "removeCertificate", .box(.configureBox)),
        .init(.post, "/api/v1/certificate/request", "requestCertificate", .box(.configureBox)),
        .init(.get, "/api/v1/certificate/authority", "getAuthority", .own),
        .init(.post, "/api/v1/devices/{id}/code", "makeDeviceCode", .device(.configure)),
        .init(.post, "/api/v1/sites/{id}/code", "makeSiteCode", .site(.viewSite)),
        .init(.post, "/api/v1/codes/read", "readCode", .own, log: .never),
        .init(.post, "/api/v1/codes/open", "openCode", .own, log: .never),
        .init(.get, "/api/v1/site-applications", "listSiteApplications", .box(.applyForSite)),
        .init(.post, "/api/v1/site-applications", "applyForSite", .box(.applyForSite)),
        .init(.delete, "/api/v1/site-applications/{id}", "takeSiteApplicationBack", .box(.applyForSite)),
        .init(.get, "/api/v1/relay/reach", "getReach", .box(.configureBox)),
        .init(.put, "/api/v1/relay/reach", "setReach", .box(.configureBox)),
        .init(.post, "/api/v1/relay/reach/test", "testReach", .box(.configureBox)),
        .init(.get, "/api/v1/reach/echo", "echoReach", .open),
        .init(.get, "/api/v1/relay/ddns", "getDDNS", .box(.configureBox)),
        .init(.put, "/api/v1/relay/ddns", "setDDNS", .box(.configureBox)),
        // People and what they did.
        .init(.patch, "/api/v1/session/password", "changePassword", .own),
        .init(.get, "/api/v1/sessions", "listSessions", .own),
        .init(.delete, "/api/v1/sessions/{id}", "endSession", .own),
        .init(.post, "/api/v1/session/one-time-passwords", "beginOneTimePasswords", .own),
        .init(.put, "/api/v1/session/one-time-passwords", "confirmOneTimePasswords", .own),
        .init(.delete, "/api/v1/session/one-time-passwords", "endOneTimePasswords", .own),
        .init(.get, "/api/v1/keys", "listKeys", .own),
        .init(.post, "/api/v1/keys", "makeKey", .own),
        .init(.delete, "/api/v1/keys/{id}", "removeKey", .own),
        .init(.get, "/api/v1/company", "getCompany", .box(.viewBox)),
        .init(.patch, "/api/v1/company", "changeCompany", .box(.manageCompany)),
        .init(.get, "/api/v1/people", "listPeople", .box(.viewPeople)),
        .init(.get, "/api/v1/people/{id}", "getPerson", .box(.viewPeople)),
        .init(.patch, "/api/v1/people/{id}", "changePerson", .box(.managePeople)),
        .init(.delete, "/api/v1/people/{id}", "deletePerson", .box(.managePeople)),
        .init(.put, "/api/v1/people/{id}/sites", "assignSites", .box(.assignSites)),
        .init(.patch, "/api/v1/people/{id}/sites", "changeAssignedSites", .box(.assignSites)),
        .init(.get, "/api/v1/invitations", "listInvitations", .box(.managePeople)),
        .init(.post, "/api/v1/invitations", "invite", .box(.managePeople)),
        .init(.delete, "/api/v1/invitations/{id}", "withdrawInvitation", .box(.managePeople)),
        .init(.post, "/api/v1/invitation", "getInvitationOffer", .open, log: .never),
        .init(.post, "/api/v1/join", "join", .open),
        .init(.get, "/api/v1/roles", "listRoles", .box(.viewPeople)),
        .init(.post, "/api/v1/roles", "makeRole", .box(.managePeople)),
        .init(.patch, "/api/v1/roles/{id}", "changeRole", .box(.managePeople)),
        .init(.delete, "/api/v1/roles/{id}", "deleteRole", .box(.managePeople)),
        .init(.get, "/api/v1/notices", "listNotices", .own),
        .init(.post, "/api/v1/notices/read", "readNotices", .own, log: .never),
        .init(.get, "/api/v1/session/contact", "getContact", .own),
        .init(.put, "/api/v1/session/contact", "setContact", .own),
        // Sites, their owners, and what these let others do.
        .init(.get, "/api/v1/sites", "listSites", .each(.viewSite)),
        .init(.post, "/api/v1/sites", "addSite", .box(.addSite)),
        .init(.get, "/api/v1/sites/{id}", "getSite", .site(.viewSite)),
        .init(.patch, "/api/v1/sites/{id}", "changeSite", .site(.manageSite)),
        .init(.delete, "/api/v1/sites/{id}", "deleteSite", .site(.deleteSite)),
        .init(.get, "/api/v1/sites/{id}/handovers", "listHandovers", .site(.handOver)),
        .init(.post, "/api/v1/sites/{id}/handovers", "handOver", .site(.handOver)),
        .init(.delete, "/api/v1/sites/{id}/handovers", "withdrawHandover", .site(.handOver)),
        .init(.post, "/api/v1/handover", "getHandover", .open, log: .never),
        .init(.post, "/api/v1/handover/accept", "acceptHandover", .open),
        .init(.post, "/api/v1/handover/refuse", "refuseHandover", .open),
        .init(.get, "/api/v1/sites/{id}/permissions", "listPermissions", .site(.viewSite)),
        .init(.post, "/api/v1/sites/{id}/permissions", "givePermissions", .site(.grant)),
        .init(.delete, "/api/v1/sites/{id}/permissions/{permission}", "takePermission", .site(.grant)),
        .init(.post, "/api/v1/sites/{id}/permissions/{permission}/release", "releasePermission", .site(.apply)),
        .init(.delete, "/api/v1/sites/{id}/authorization", "discardAuthorization", .site(.grant)),
        .init(.get, "/api/v1/sites/{id}/applications", "listApplications", .site(.viewSite)),
        .init(.post, "/api/v1/sites/{id}/applications", "apply", .site(.apply)),
        .init(.delete, "/api/v1/sites/{id}/applications/{application}", "takeApplicationBack", .site(.apply)),
        .init(.post, "/api/v1/sites/{id}/applications/{application}/approve", "approveApplication", .site(.grant)),
        .init(.post, "/api/v1/sites/{id}/applications/{application}/refuse", "refuseApplication", .site(.grant)),
        .init(.put, "/api/v1/sites/{id}/owner-use", "setOwnerUse", .site(.controlRemoteUse)),
        .init(.post, "/api/v1/onboardings/{id}/devices/{index}/unbinding", "askForUnbinding", .anySite(.configure)),
        .init(.post, "/api/v1/onboardings/{id}/devices/{index}/challenge", "makeChallenge", .anySite(.configure)),
        .init(
            .post, "/api/v1/onboardings/{id}/devices/{index}/challenge/check", "checkChallenge", .anySite(.configure), log: .oncePerMinute),
        .init(.get, "/api/v1/unbindings", "listUnbindings", .each(.viewSite)),
        .init(.get, "/api/v1/unbindings/{id}", "getUnbinding", .each(.viewSite)),
        .init(.delete, "/api/v1/unbindings/{id}", "withdrawUnbinding", .each(.configure)),
        .init(.get, "/api/v1/unbindings/{id}/label", "getUnbindingLabel", .each(.viewSite)),
        .init(.put, "/api/v1/unbindings/{id}/label", "sendUnbindingLabel", .each(.configure), isLookedAt: false),
        .init(.get, "/api/v1/unbindings/{id}/device-file", "getUnbindingDeviceFile", .each(.viewSite)),
        .init(.put, "/api/v1/unbindings/{id}/device-file", "sendUnbindingDeviceFile", .each(.configure), isLookedAt: false),
        .init(.post, "/api/v1/unbindings/{id}/unbind", "unbindDevice", .each(.viewSite)),
        .init(.post, "/api/v1/unbindings/{id}/refuse", "refuseUnbinding", .each(.viewSite)),
        .init(.post, "/api/v1/unbindings/{id}/confirm", "confirmUnbinding", .each(.configure)),
        .init(.get, "/api/v1/sites/{id}/device-moves", "listDeviceMoves", .site(.viewSite)),
        .init(.post, "/api/v1/device-moves", "moveDevices", .each(.configure)),
        .init(.delete, "/api/v1/device-moves/{move}", "takeDeviceMoveBack", .each(.apply)),
        .init(.post, "/api/v1/device-moves/{move}/approve", "approveDeviceMove", .each(.grant)),
        .init(.post, "/api/v1/device-moves/{move}/refuse", "refuseDeviceMove", .each(.grant)),
        // Partners.
        .init(.get, "/api/v1/sites/{id}/shares", "listShares", .site(.viewSite)),
        .init(.post, "/api/v1/sites/{id}/shares", "shareSite", .site(.share)),
        .init(.patch, "/api/v1/sites/{id}/shares/{share}", "changeShare", .site(.share)),
        .init(.delete, "/api/v1/sites/{id}/shares/{share}", "endShare", .site(.share)),
        .init(.post, "/api/v1/sites/{id}/leave", "leaveSite", .site(.leaveSite)),
        .init(.get, "/api/v1/sites/{id}/provider-invitations", "listProviderInvitations", .site(.grant)),
        .init(.post, "/api/v1/sites/{id}/provider-invitations", "inviteProvider", .site(.grant)),
        .init(.delete, "/api/v1/sites/{id}/provider-invitations/{invitation}", "takeProviderInvitationBack", .site(.grant)),
        .init(.post, "/api/v1/share", "getShare", .open, log: .never),
        .init(.post, "/api/v1/share/accept", "acceptShare", .open),
        .init(.post, "/api/v1/share/refuse", "refuseShare", .open),
        .init(.get, "/api/v1/operations", "listOperations", .box(.readLog)),
        .init(.get, "/api/v1/sites/{id}/operations", "listSiteOperations", .site(.grant)),
        .init(.get, "/api/v1/operations/export", "exportOperations", .box(.readLog), log: .always),
    ]
}
