/// Offers as real programs write them, shortened where they say the same again and again.
enum Offers {
    private static let hash =
        "3A:76:3D:FC:69:F5:28:45:B4:22:BF:F9:0E:FC:3C:50:E4:F0:44:D6:2E:94:F1:94:C0:5A:D5:08:F9:A5:6A:ED"

    private static func lines(_ text: String) -> String { text.split(separator: "\n").joined(separator: "\r\n") + "\r\n" }

    /// aiortc 1.4.0: picture, then sound.
    static let aiortc = lines(
        """
        v=0
        o=- 4004755122 4004755122 IN IP4 0.0.0.0
        s=-
        t=0 0
        a=group:BUNDLE 0 1
        a=msid-semantic:WMS *
        m=video 41051 UDP/TLS/RTP/SAVPF 97 98 99 100 101 102
        c=IN IP4 192.0.2.2
        a=recvonly
        a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid
        a=mid:0
        a=rtcp:9 IN IP4 0.0.0.0
        a=rtcp-mux
        a=rtpmap:97 VP8/90000
        a=rtcp-fb:97 nack
        a=rtpmap:98 rtx/90000
        a=fmtp:98 apt=97
        a=rtpmap:99 H264/90000
        a=fmtp:99 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
        a=rtpmap:100 rtx/90000
        a=fmtp:100 apt=99
        a=rtpmap:101 H264/90000
        a=fmtp:101 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
        a=rtpmap:102 rtx/90000
        a=fmtp:102 apt=101
        a=candidate:f957a2332b1715da3b0ef8ba684454eb 1 udp 2130706431 192.0.2.2 41051 typ host
        a=candidate:d0bcf3d9c29a2bc887618212a1623bfa 1 udp 2130706431 fd00::2 49833 typ host
        a=end-of-candidates
        a=ice-ufrag:5hap
        a=ice-pwd:DfowSEJYIuh77VEv16g9Io
        a=fingerprint:sha-256 \(hash)
        a=setup:actpass
        m=audio 50585 UDP/TLS/RTP/SAVPF 96 0 8
        c=IN IP4 192.0.2.2
        a=recvonly
        a=mid:1
        a=rtcp-mux
        a=rtpmap:96 opus/48000/2
        a=rtpmap:0 PCMU/8000
        a=rtpmap:8 PCMA/8000
        a=ice-ufrag:Zb0m
        a=ice-pwd:Yhm63ijVgS5ViiKUWhOiw9
        a=fingerprint:sha-256 \(hash)
        a=setup:actpass
        """)

    /// Chromium: sound, then picture, with names instead of addresses.
    static let chromium = lines(
        """
        v=0
        o=- 3546004397921447048 2 IN IP4 127.0.0.1
        s=-
        t=0 0
        a=group:BUNDLE 0 1
        a=extmap-allow-mixed
        a=msid-semantic: WMS
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
        c=IN IP4 0.0.0.0
        a=rtcp:9 IN IP4 0.0.0.0
        a=ice-ufrag:tx9w
        a=ice-pwd:9LgeeX3GXn1m/BNhqf+0dTTJ
        a=ice-options:trickle
        a=fingerprint:sha-256 \(hash)
        a=setup:actpass
        a=mid:0
        a=recvonly
        a=rtcp-mux
        a=rtcp-rsize
        a=rtpmap:111 opus/48000/2
        a=fmtp:111 minptime=10;useinbandfec=1
        a=rtpmap:0 PCMU/8000
        a=rtpmap:8 PCMA/8000
        m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 107 108 109 114 115 116
        c=IN IP4 0.0.0.0
        a=rtcp:9 IN IP4 0.0.0.0
        a=candidate:3059214431 1 udp 2113937151 6b5e1f3c-5a57-4d8c-93e2-1e0b0b0f6a7e.local 51472 typ host generation 0 network-cost 999
        a=ice-ufrag:tx9w
        a=ice-pwd:9LgeeX3GXn1m/BNhqf+0dTTJ
        a=ice-options:trickle
        a=fingerprint:sha-256 \(hash)
        a=setup:actpass
        a=mid:1
        a=recvonly
        a=rtcp-mux
        a=rtcp-rsize
        a=rtpmap:96 VP8/90000
        a=rtpmap:97 rtx/90000
        a=fmtp:97 apt=96
        a=rtpmap:103 H264/90000
        a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
        a=rtpmap:104 rtx/90000
        a=fmtp:104 apt=103
        a=rtpmap:107 H264/90000
        a=fmtp:107 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f
        a=rtpmap:109 H264/90000
        a=fmtp:109 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
        a=rtpmap:115 H264/90000
        a=fmtp:115 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f
        a=rtpmap:116 H264/90000
        a=fmtp:116 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f
        """)

    /// GStreamer's webrtcbin with one H.265 and no BUNDLE group; what holds for all stands above.
    static let gstreamer = lines(
        """
        v=0
        o=- 5478241093170321187 0 IN IP4 0.0.0.0
        s=-
        t=0 0
        a=ice-options:trickle
        a=fingerprint:sha-256 \(hash)
        m=video 9 UDP/TLS/RTP/SAVPF 96
        c=IN IP4 0.0.0.0
        a=setup:actpass
        a=ice-ufrag:Q8b4uW1rGXrVVkLnN5dXgdJ5QT6ZBwXt
        a=ice-pwd:yzTJXUqt0bJ2l6XIl7IDvy5mlTJwzs0L
        a=rtcp-mux
        a=rtcp-rsize
        a=recvonly
        a=rtpmap:96 H265/90000
        a=rtcp-fb:96 nack pli
        a=mid:video0
        """)
}
