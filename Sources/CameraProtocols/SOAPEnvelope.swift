import Crypto
public import Foundation
public import XML

/// Who asks, in the message itself (WS-Security UsernameToken Profile 1.0 with a digest, as ONVIF's Core Specification has it).
public struct UsernameToken: Sendable, Equatable {
    public var credentials: DigestCredentials
    /// Random, 16 bytes or more, never used before.
    public var nonce: [UInt8]
    /// Now, by the device's clock: a device refuses what is more than a few seconds old.
    public var created: Date

    public init(credentials: DigestCredentials, nonce: [UInt8], created: Date) {
        self.credentials = credentials
        self.nonce = nonce
        self.created = created
    }

    var element: XMLTree {
        let utility = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
        let profile = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
        let security = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
        let encoding = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
        let created = DeviceTime.text(created, offsetSeconds: 0)
        let digest = Insecure.SHA1.hash(data: nonce + Array(created.utf8) + Array(credentials.password.utf8))
        return XMLTree(
            "wsse:Security", attributes: ["xmlns:wsse": security, "xmlns:wsu": utility, "s:mustUnderstand": "1"],
            children: [
                XMLTree(
                    "wsse:UsernameToken",
                    children: [
                        XMLTree("wsse:Username", text: credentials.username),
                        XMLTree("wsse:Password", attributes: ["Type": profile], text: Data(digest).base64EncodedString()),
                        XMLTree("wsse:Nonce", attributes: ["EncodingType": encoding], text: Data(nonce).base64EncodedString()),
                        XMLTree("wsu:Created", text: created),
                    ])
            ])
    }
}

/// Where a subscription is spoken to (WS-Addressing 1.0); what it referred to comes back in every request's header.
public struct SOAPEndpoint: Sendable, Equatable {
    public var address: String
    /// As the device gave them, with their prefixes declared.
    public var referenceParameters: [XMLTree]

    public init(address: String, referenceParameters: [XMLTree] = []) {
        self.address = address
        self.referenceParameters = referenceParameters
    }
}

/// A device's answer that says no (SOAP 1.2, section 5.4; also 1.1).
public struct SOAPFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// What the box does about it.
    public enum Kind: Sendable, Equatable {
        case notAuthorized
        /// The device cannot do it at all.
        case notSupported
        case invalidArgument
        case other
    }

    /// Without prefixes, from the general to the special: `Sender`, `NotAuthorized`.
    public var codes: [String]
    public var reason: String

    public var kind: Kind {
        let words = codes.map { $0.lowercased() }
        func says(_ some: String...) -> Bool { words.contains { some.contains($0) } }
        if says("notauthorized", "sendernotauthorized", "failedauthentication", "invalidsecurity", "invalidsecuritytoken") {
            return .notAuthorized
        }
        if says("actionnotsupported", "optionalactionnotimplemented", "notimplemented", "ptznotsupported", "imagingsettingsnotsupported") {
            return .notSupported
        }
        if says("invalidargval", "invalidargs", "configmodify", "noprofile", "noconfig", "toomanypresets", "notoken") {
            return .invalidArgument
        }
        let text = reason.lowercased()
        // Some devices only say it in words.
        if text.contains("not authorized") || text.contains("unauthorized") { return .notAuthorized }
        if text.contains("not implemented") || text.contains("not supported") { return .notSupported }
        return .other
    }

    public var description: String {
        let words = [codes.last, reason.isEmpty ? nil : reason].compactMap(\.self).joined(separator: ": ")
        return words.isEmpty ? "The device refused the request without saying why." : "The device refused the request: \(words)"
    }

    init?(_ fault: XMLTree) {
        guard fault.name == "Fault" else { return nil }
        codes = []
        var code = fault["Code"]
        while let here = code, codes.count < 8 {
            if let word = here["Value"]?.word { codes.append(word) }
            code = here["Subcode"]
        }
        // SOAP 1.1.
        if codes.isEmpty, let word = fault["faultcode"]?.word { codes = [word] }
        codes = codes.map { $0.split(separator: ":").last.map(String.init) ?? $0 }
        let text = fault["Reason", "Text"]?.word ?? fault["Reason"]?.word ?? fault["faultstring"]?.word ?? fault["Detail", "Text"]?.word
        reason = String((text ?? "").prefix(500))
    }
}

/// Why an answer is not what was asked for.
public enum SOAPRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    case xml(XMLRefusal)
    /// No envelope: the device speaks something else at this address. With the name of the first element.
    case notSOAP(String)
    case fault(SOAPFault)
    /// Another answer than expected; with the name of the one that is missing.
    case missing(String)

    public var description: String {
        switch self {
        case .xml(let refusal): refusal.description
        case .notSOAP(let name): "The device does not speak ONVIF at this address; it answered \(name)."
        case .fault(let fault): fault.description
        case .missing(let name): "The device's answer lacks \(name)."
        }
    }
}

/// Messages of SOAP 1.2.
public enum SOAPEnvelope {
    private static let prefixes =
        ONVIFService.allCases.map { ($0.prefix, $0.rawValue) } + [
            ("tt", "http://www.onvif.org/ver10/schema"), ("wsnt", "http://docs.oasis-open.org/wsn/b-2"),
            ("wsa", "http://www.w3.org/2005/08/addressing"),
        ]

    /// Writes a request.
    ///
    /// - Parameters:
    ///   - token: Nil where the device is asked without a user, or by HTTP's own authentication.
    ///   - endpoint: The subscription that is spoken to; the request then has WS-Addressing's headers.
    ///   - messageID: Of those headers.
    public static func write(_ request: ONVIFRequest, token: UsernameToken? = nil, endpoint: SOAPEndpoint? = nil, messageID: UUID? = nil)
        -> [UInt8]
    {
        var header: [XMLTree] = []
        if let endpoint {
            header.append(XMLTree("wsa:Action", attributes: ["s:mustUnderstand": "1"], text: request.action))
            if let messageID { header.append(XMLTree("wsa:MessageID", text: "urn:uuid:" + messageID.uuidString.lowercased())) }
            header.append(
                XMLTree(
                    "wsa:ReplyTo", children: [XMLTree("wsa:Address", text: "http://www.w3.org/2005/08/addressing/anonymous")]))
            header.append(XMLTree("wsa:To", attributes: ["s:mustUnderstand": "1"], text: endpoint.address))
            header += endpoint.referenceParameters
        }
        if let token { header.append(token.element) }
        let body = XMLTree("s:Body", children: [request.body])
        var envelope = XMLTree(
            "s:Envelope", attributes: ["xmlns:s": "http://www.w3.org/2003/05/soap-envelope"],
            children: header.isEmpty ? [body] : [XMLTree("s:Header", children: header), body])
        let written = envelope.written
        for (prefix, namespace) in prefixes where written.contains("\(prefix):") { envelope.attributes["xmlns:" + prefix] = namespace }
        return Array(envelope.document.utf8)
    }

    /// The `Content-Type` of a request: SOAP 1.2 names the action there.
    public static func contentType(of request: ONVIFRequest) -> String {
        "application/soap+xml; charset=utf-8; action=\"\(request.action)\""
    }

    /// The element in an answer's body.
    ///
    /// - Parameter name: Which is expected, as `GetProfilesResponse`; nil for any.
    public static func body(of bytes: some Sequence<UInt8>, expecting name: String? = nil) throws(SOAPRefusal) -> XMLTree {
        let tree: XMLTree
        do { tree = try XMLTree(parsing: bytes) } catch { throw .xml(error) }
        guard tree.name == "Envelope" else { throw .notSOAP(tree.name) }
        guard let body = tree["Body"] else { throw .missing("a body") }
        if let fault = body["Fault"].flatMap(SOAPFault.init) { throw .fault(fault) }
        guard let name else {
            guard let first = body.children.first else { throw .missing("content") }
            return first
        }
        guard let found = body[name] else { throw .missing(name) }
        return found
    }
}

extension XMLTree {
    /// With a prefix put before its name and those of all elements below, to write back what was read without them. Attributes with
    /// prefixes are left out: their declarations may be elsewhere.
    func prefixed(_ prefix: String) -> XMLTree {
        XMLTree(
            prefix + ":" + name, attributes: attributes.filter { !$0.key.contains(":") && $0.key != "xmlns" }, text: text,
            children: children.map { $0.prefixed(prefix) })
    }
}
