import CameraProtocols
import Foundation

/// Restart and password.
extension ONVIFDriver {
    public func reboot() async throws(DeviceFailure) {
        try await call(.reboot)
    }

    public func changePassword(to password: String) async throws(DeviceFailure) {
        guard let credentials = client.credentials else { throw .wrongPassword() }
        let users = ONVIFUser.all(try await call(.users))
        // The level is sent along and would be changed with the password, so it must be known.
        guard let level = users.first(where: { $0.name == credentials.userName })?.level else {
            throw .unsupported("changing the password of \(credentials.userName)")
        }
        do throws(DeviceFailure) {
            try await call(.setUser(DigestCredentials(username: credentials.userName, password: password), level: level))
        } catch {
            guard error.code == .deviceError, error.detail?.lowercased().contains("password") == true else { throw error }
            throw DeviceFailure(
                .deviceError, "The device does not take this password. Choose another, with letters, digits and signs.",
                detail: error.detail)
        }
    }
}
