import CameraProtocols
import Foundation
import Testing
import XML

@Suite struct SOAPEnvelopeTests {
    private func written(_ request: ONVIFRequest, token: UsernameToken? = nil, endpoint: SOAPEndpoint? = nil, messageID: UUID? = nil)
        throws -> XMLTree
    {
        try XMLTree(parsing: SOAPEnvelope.write(request, token: token, endpoint: endpoint, messageID: messageID))
    }

    /// The values of ONVIF's Application Programmer's Guide, section 6.1.1.3.
    @Test func digestsThePasswordAsONVIFsExample() throws {
        let nonce = try #require(Data(base64Encoded: "LKqI6G/AikKCQrN0zqZFlg=="))
        let created = try #require(DeviceTime("2010-09-16T07:50:45Z")).date
        let token = UsernameToken(
            credentials: DigestCredentials(username: "user", password: "userpassword"), nonce: Array(nonce), created: created)
        let header = try #require(try written(.deviceInformation, token: token)["Header", "Security", "UsernameToken"])
        #expect(header["Username"]?.text == "user")
        #expect(header["Password"]?.text == "tuOSpGlFlIXsozq4HFNeeGeFLEI=")
        #expect(header["Password"]?.attribute("Type")?.hasSuffix("#PasswordDigest") == true)
        #expect(header["Nonce"]?.text == "LKqI6G/AikKCQrN0zqZFlg==")
        #expect(header["Created"]?.text == "2010-09-16T07:50:45Z")
    }

    @Test func declaresThePrefixesThatItUses() throws {
        let text = String(decoding: SOAPEnvelope.write(.streamURI(profile: "p")), as: UTF8.self)
        #expect(text.contains("xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\""))
        #expect(text.contains("xmlns:trt=\"http://www.onvif.org/ver10/media/wsdl\""))
        #expect(text.contains("xmlns:tt=\"http://www.onvif.org/ver10/schema\""))
        #expect(!text.contains("s:Header"))
        #expect(
            text.contains(
                "<trt:GetStreamUri><trt:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport></trt:StreamSetup><trt:ProfileToken>p</trt:ProfileToken></trt:GetStreamUri>"
            ))
        #expect(
            SOAPEnvelope.contentType(of: .ptzNodes)
                == "application/soap+xml; charset=utf-8; action=\"http://www.onvif.org/ver20/ptz/wsdl/GetNodes\"")
    }

    /// What a subscription's maker referred to comes back in its own namespace, wherever that was declared.
    @Test func speaksToASubscription() throws {
        let answer = """
            <e:Envelope xmlns:e="x" xmlns:a="http://www.w3.org/2005/08/addressing" xmlns:dom0="http://www.axis.com/2009/event"><e:Body>
            <CreatePullPointSubscriptionResponse><SubscriptionReference><a:Address>http://10.0.0.2/sub?a=1&amp;b=2</a:Address>
            <a:ReferenceParameters><dom0:SubscriptionId>5</dom0:SubscriptionId><b:Other xmlns:b="urn:b">6</b:Other></a:ReferenceParameters>
            </SubscriptionReference><CurrentTime>2024-05-25T23:59:39Z</CurrentTime><TerminationTime>2024-05-26T00:00:39Z</TerminationTime>
            </CreatePullPointSubscriptionResponse></e:Body></e:Envelope>
            """
        let subscription = try ONVIFSubscription(SOAPEnvelope.body(of: answer.utf8, expecting: "CreatePullPointSubscriptionResponse"))
        #expect(subscription.lifetime == 60)
        let id = UUID()
        let request = SOAPEnvelope.write(
            .pullMessages(timeout: .milliseconds(5500), limit: 10), endpoint: subscription.endpoint, messageID: id)
        let tree = try XMLTree(parsing: request)
        #expect(tree["Header", "Action"]?.text == "http://www.onvif.org/ver10/events/wsdl/PullPointSubscription/PullMessagesRequest")
        #expect(tree["Header", "To"]?.text == "http://10.0.0.2/sub?a=1&b=2")
        #expect(tree["Header", "MessageID"]?.text == "urn:uuid:" + id.uuidString.lowercased())
        #expect(tree["Header", "SubscriptionId"]?.text == "5")
        #expect(tree["Header", "SubscriptionId"]?.attributes["xmlns"] == "http://www.axis.com/2009/event")
        #expect(tree["Header", "Other"]?.attributes["xmlns"] == "urn:b")
        #expect(tree["Body", "PullMessages"]?.children.map(\.name) == ["Timeout", "MessageLimit"])
        #expect(tree["Body", "PullMessages", "Timeout"]?.text == "PT5.500S")
        #expect(throws: SOAPRefusal.missing("the subscription's address")) {
            try ONVIFSubscription(XMLTree("CreatePullPointSubscriptionResponse"))
        }
    }

    private func refusal(_ body: String) -> SOAPRefusal? {
        do throws(SOAPRefusal) {
            _ = try SOAPEnvelope.body(of: Array("<s:Envelope xmlns:s=\"x\"><s:Body>\(body)</s:Body></s:Envelope>".utf8), expecting: "A")
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        ("s:Sender", "ter:NotAuthorized", "Sender not Authorized", SOAPFault.Kind.notAuthorized),
        ("s:Sender", "wsse:FailedAuthentication", "", .notAuthorized), ("s:Receiver", "ter:ActionNotSupported", "", .notSupported),
        ("s:Sender", "ter:InvalidArgVal", "", .invalidArgument), ("s:Receiver", "ter:Busy", "", .other),
        ("s:Receiver", "", "The action requested is not implemented", .notSupported),
        ("s:Sender", "", "The action requested requires authorization and the sender is not authorized", .notAuthorized),
    ]) func knowsWhatAFaultMeans(code: String, subcode: String, reason: String, kind: SOAPFault.Kind) throws {
        let below = subcode.isEmpty ? "" : "<s:Subcode><s:Value>\(subcode)</s:Value></s:Subcode>"
        let refusal = refusal(
            "<s:Fault><s:Code><s:Value>\(code)</s:Value>\(below)</s:Code><s:Reason><s:Text xml:lang=\"en\">\(reason)</s:Text></s:Reason></s:Fault>"
        )
        guard case .fault(let fault) = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        #expect(fault.kind == kind)
        #expect(fault.reason == reason)
        #expect(fault.codes == [code, subcode].filter { !$0.isEmpty }.map { String($0.split(separator: ":")[1]) })
    }

    @Test func readsFaultsOfOlderSOAP() {
        guard
            case .fault(let fault) = refusal(
                "<s:Fault><faultcode>s:Client.NotAuthorized</faultcode><faultstring>Unauthorized</faultstring></s:Fault>")
        else {
            Issue.record("no fault")
            return
        }
        #expect(fault.kind == .notAuthorized)
        #expect(fault.reason == "Unauthorized")
    }

    @Test func refusesOtherAnswers() {
        #expect(refusal("<A/>") == nil)
        #expect(refusal("<B/>") == .missing("A"))
        #expect(throws: SOAPRefusal.notSOAP("html")) { try SOAPEnvelope.body(of: Array("<html/>".utf8)) }
        #expect(throws: SOAPRefusal.missing("a body")) { try SOAPEnvelope.body(of: Array("<Envelope/>".utf8)) }
        #expect(throws: SOAPRefusal.missing("content")) { try SOAPEnvelope.body(of: Array("<Envelope><Body/></Envelope>".utf8)) }
    }
}
