internal import HTTPTypes
internal import FoundationEssentials
internal import Kernel
internal import Logging

/// Who asks for a change, from where and when: what a service needs to know of a request.
struct Caller: Sendable {
    /// The one `now` of all that happens for the request.
    let now: Date
    /// The account that asks; `nil` for a visitor.
    let account: AccountReference?
    /// The session it came with.
    let session: SessionInfo?
    /// The network, as sessions and the audit log keep it.
    let network: String
    /// The browser, as sessions keep it.
    let agent: String
    /// Names the request in the audit log.
    let requestID: String
    /// The token of a browser that signed in before.
    let device: String?
    /// The request's log.
    let logger: Logger

    /// Who it is in the audit log.
    var name: String { account?.publicID ?? "visitor" }

    /// The account that asks.
    ///
    /// - Throws: ``Problem`` 401 for visitors.
    func signedIn() throws -> AccountReference {
        guard let account else { throw Problem(.unauthorized) }
        return account
    }
}
