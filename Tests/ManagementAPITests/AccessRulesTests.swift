import Access
import Foundation
import HTTPTypes
import Testing

@testable import ManagementAPI

@Suite struct AccessRulesTests {
    private static let methods: Set<String> = ["get", "put", "post", "delete", "patch"]

    private struct Documented {
        let operation: String
        let isOpen: Bool
        let scope: String?
        let permission: String?
    }

    /// All that the document describes, by method and path.
    private func documented() throws -> [String: Documented] {
        let document = try #require(try JSONSerialization.jsonObject(with: Data(try APIServer.openAPI())) as? [String: Any])
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        var found: [String: Documented] = [:]
        for (path, operations) in paths {
            for (method, operation) in operations where Self.methods.contains(method) {
                let operation = try #require(operation as? [String: Any])
                let security = operation["security"] as? [Any]
                found["\(method.uppercased()) \(path)"] = Documented(
                    operation: try #require(operation["operationId"] as? String), isOpen: security?.isEmpty ?? false,
                    scope: operation["x-scope"] as? String, permission: operation["x-permission"] as? String)
            }
        }
        return found
    }

    @Test func rulesAndDocumentAreOfTheSameRoutes() throws {
        let documented = try documented()
        let rules = Dictionary(uniqueKeysWithValues: AccessRules.all.map { ("\($0.method.rawValue) \($0.path)", $0) })
        #expect(Set(rules.keys) == Set(documented.keys))
        for (route, rule) in rules {
            #expect(rule.operation == documented[route]?.operation, "\(route)")
            #expect((rule.scope == .open) == documented[route]?.isOpen, "\(route)")
            #expect(rule.scope.word == documented[route]?.scope, "\(route)")
            #expect(rule.scope.action?.rawValue == documented[route]?.permission, "\(route)")
        }
    }

    @Test func everyChangeIsWrittenDown() {
        // Pieces of what was written down when it began.
        let parts: Set = [
            "sendSound", "trickleWHEP", "beginWHEP", "endWHEP", "stopLens", "testNewDevice", "lookAtDevice", "getHandover", "readNotices",
            "getShare",
            // They change nothing.
            "readCode", "openCode", "getInvitationOffer",
            // The box that it makes of this one writes it down.
            "beginRestore", "restoreBox",
        ]
        for rule in AccessRules.all where rule.method != .get && rule.log == .never {
            #expect(parts.contains(rule.operation), "\(rule.operation)")
        }
    }

    @Test func whatIsOpenIsListed() {
        let open = Set(AccessRules.all.filter { $0.scope == .open }.map(\.operation))
        #expect(
            open == [
                "getSetup", "claimBox", "beginRestore", "restoreBox", "signIn", "resetPassword", "forgetPassword", "setNewPassword", "join",
                "getInvitationOffer",
                "getOpenAPI",
                // A token of one view is the permission.
                "getLiveMP4", "getLiveJPEGs", "getLiveHLS", "getPlaybackMP4", "beginWHEP", "trickleWHEP", "endWHEP",
                // A link that was sent is.
                "getHandover", "acceptHandover", "refuseHandover", "getShare", "acceptShare", "refuseShare",
                // A device's password is.
                "watchOnSite",
                // Answers a nonce with its digest.
                "echoReach",
            ])
    }
}

@Suite struct RedactionTests {
    @Test func secretsAreLeftOut() {
        let fields: [String: JSONValue] = [
            "name": .string("Door"), "password": .string("hunter2hunter2"), "newPassword": .string("x"), "setupCode": .string("ABCD"),
            "url": .string("rtsp://admin:pa@ss@10.0.0.5/1"),
            "target": .object(["secretAccessKey": .string("s3cret"), "bucket": .string("b")]),
            "list": .array([.object(["credential": .string("c")])]), "days": .integer(7), "token": .string("t"),
            "keys": .array([.string("k")]),
        ]
        #expect(
            Redaction.text(fields)
                == #"{"days":7,"keys":"•••","list":[{"credential":"•••"}],"name":"Door","newPassword":"•••","password":"•••","setupCode":"•••","#
                + #""target":{"bucket":"b","secretAccessKey":"•••"},"token":"•••","url":"rtsp:\/\/•••@10.0.0.5\/1"}"#)
    }
}

@Suite struct HostGateTests {
    @Test(
        arguments: [
            ("192.168.1.5:8443", "192.168.1.5"), ("[fd00::1]:8443", "fd00::1"), ("Gatehouse.local.", "gatehouse.local"), ("box", "box"),
            ("evil.example:443", "evil.example"), ("127.0.0.1", "127.0.0.1"),
        ])
    func theHostIsWithoutItsPort(_ authority: String, _ host: String) {
        #expect(HostGate.host(of: authority) == host)
    }

    @Test func addressesAreNoNames() {
        for host in ["192.168.1.5", "fd00::1", "::1"] { #expect(HostGate.isAddress(host)) }
        for host in ["evil.example", "192.168.1.5.evil.example", "2130706433x", "localhost"] { #expect(!HostGate.isAddress(host)) }
    }
}
