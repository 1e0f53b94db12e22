/// Master keys with their salts behind them.
struct SRTPKeys: Equatable {
    let isGCM: Bool
    let outbound: [UInt8]
    let inbound: [UInt8]
}
