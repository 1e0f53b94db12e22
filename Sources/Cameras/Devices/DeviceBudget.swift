import Core
import Synchronization

/// How much of one device may be used at a time, by all who speak to it: two requests, and two answers that go on, of which one is its events.
///
/// Answers that go on have turns of their own, so that a download never keeps a lens from being stopped.
public struct DeviceBudget: Sendable {
    let requests = Turns(2)
    let streams = Turns(2)

    public init() {}
}

/// The budgets of the devices, by where they are.
final class DeviceBudgets: Sendable {
    private let known = Mutex<[String: DeviceBudget]>([:])

    func budget(of address: DeviceAddress) -> DeviceBudget {
        known.withLock { known in
            if let budget = known[address.base] { return budget }
            // Addresses come from people and are few; a list that grew beyond use begins anew.
            if known.count > 4096 { known = [:] }
            let budget = DeviceBudget()
            known[address.base] = budget
            return budget
        }
    }
}
