import FuzzDriver
import WebRTC

/// What viewers send: offers, fragments of candidates, and feedback by RTCP. The first byte chooses.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    let bytes = UnsafeRawBufferPointer(start: start + 1, count: count - 1)
    switch start[0] % 3 {
    case 0: offer(String(decoding: bytes, as: UTF8.self))
    case 1: fragment(String(decoding: bytes, as: UTF8.self))
    default: feedback(bytes)
    }
    return 0
}

/// What is agreed on can be answered, and the answer is read as a description again.
func offer(_ text: String) {
    guard let offer = try? SessionOffer(text) else { return }
    for video in [.h264(profile: [0x64, 0, 0x28]), .h264(profile: []), .h265] as [ViewerCodec] {
        for audio in [.pcma, .pcmu, .opus, nil] as [ViewerCodec?] {
            guard let agreement = try? Agreement(offer, video: video, audio: audio),
                let credentials = ICECredentials(fragment: "abcd", password: "0123456789012345678901"),
                let fingerprint = CertificateFingerprint(algorithm: "sha-256", bytes: [UInt8](repeating: 1, count: 32))
            else { continue }
            let answer = agreement.answer(
                LocalDescription(
                    credentials: credentials, fingerprint: fingerprint, candidates: [], videoSource: 1, audioSource: 2, id: 3))
            precondition(answer.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F || $0 == 13 || $0 == 10 }, "an answer of other than text")
            let again = try? SessionOffer(answer)
            precondition(again?.media.count == offer.media.count, "an answer that is none")
        }
    }
}

func fragment(_ text: String) {
    guard let fragment = CandidateFragment(text) else { return }
    precondition(fragment.candidates.count <= 64, "more candidates than may be")
    for candidate in fragment.candidates {
        precondition(CandidateFragment("a=\(candidate.text)\r\n")?.candidates == [candidate], "a candidate that cannot be read again")
    }
}

func feedback(_ bytes: UnsafeRawBufferPointer) {
    let lost = Feedback.read(bytes).reduce(0) { sum, item in
        if case .lost(_, let sequences) = item { sum + sequences.count } else { sum }
    }
    precondition(lost <= 1024, "more lost than believed")
}

// SwiftPM links an executable's `main` to this name.
@c(FuzzWebRTC_main)
public func main(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    runFuzzer(count, arguments)
}
