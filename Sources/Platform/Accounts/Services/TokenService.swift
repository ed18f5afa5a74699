internal import HTTPTypes
internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// What somebody gives to have an API token.
struct NewAPIToken: Decodable, Sendable {
    let name: String
    let scopes: [String]
    let expiresInDays: Int

    enum CodingKeys: String, CodingKey {
        case name, scopes
        case expiresInDays = "expires_in_days"
    }
}

/// API tokens: made, listed, renamed, revoked.
struct TokenService: Sendable {
    /// What every token begins with, so that programs that look for leaked secrets know it.
    static let prefix = "pat_"

    let ground: AccountGround

    /// The tokens of the caller, the newest first; those that ran out too.
    func list(for caller: Caller) async throws -> [APITokenRow] {
        let id = try caller.signedIn().id
        return try await ground.database.run { try APITokenRepository.list(of: id, on: $0) }
    }

    /// One of the caller's tokens.
    ///
    /// - Throws: ``Problem`` 404.
    func find(_ publicID: String, for caller: Caller) async throws -> APITokenRow {
        let id = try caller.signedIn().id
        let row = try await ground.database.run { try APITokenRepository.find(publicID: publicID, of: id, on: $0) }
        guard let row else { throw Problem.notFound }
        return row
    }

    /// Makes a token.
    ///
    /// - Returns: the row, and the token, which is shown this once.
    /// - Throws: ``Problem`` 422 for a scope there is none of, 409 for one token too many.
    func create(_ request: NewAPIToken, by caller: Caller) async throws -> (APITokenRow, BearerToken) {
        let account = try caller.signedIn()
        let offered = Set(ground.settings.scopes.map(\.scope.rawValue))
        guard let name = ProfileText.line(request.name, maximum: ProfileText.maximumName), !name.isEmpty else {
            throw Problem.invalid([ProfileText.fieldError("name")])
        }
        let scopes = Set(request.scopes)
        guard !scopes.isEmpty, scopes.isSubset(of: offered) else {
            throw Problem.invalid([
                FieldError(pointer: "/scopes", code: "scope", detail: "must be scopes that are offered")
            ])
        }
        let token = BearerToken.draw(prefix: Self.prefix)
        let expires = caller.now.addingTimeInterval(Double(request.expiresInDays) * 86_400)
        let mails = ground.mails
        let row = try await ground.change(by: caller) { connection, trail in
            let owner = try AccountRepository.lock(id: account.id, on: connection)
            guard try APITokenRepository.count(of: account.id, on: connection) < APITokenRepository.maximumPerAccount,
                let row = try APITokenRepository.insert(
                    token,
                    for: account.id,
                    name: name,
                    scopes: scopes.sorted(),
                    now: caller.now,
                    expires: expires,
                    on: connection
                )
            else { throw Problem(.conflict, code: "too_many_tokens", detail: "Revoke tokens that are not used first.") }
            try trail.record("api_token.created", of: account.publicID, detail: ["token": .string(row.publicID)])
            if let email = owner?.email { try trail.mail(mails.tokenMade(to: email, name: name)) }
            return row
        }
        return (row, token)
    }

    /// Calls a token something else.
    ///
    /// - Throws: ``Problem`` 404, 422.
    func rename(_ publicID: String, to text: String, by caller: Caller) async throws -> APITokenRow {
        let account = try caller.signedIn()
        guard let name = ProfileText.line(text, maximum: ProfileText.maximumName), !name.isEmpty else {
            throw Problem.invalid([ProfileText.fieldError("name")])
        }
        return try await ground.change(by: caller) { connection, trail in
            let row = try APITokenRepository.rename(publicID: publicID, of: account.id, to: name, on: connection)
            guard let row else { throw Problem.notFound }
            try trail.record("api_token.renamed", of: account.publicID, detail: ["token": .string(publicID)])
            return row
        }
    }

    /// Revokes a token, which is gone at the next request.
    ///
    /// - Throws: ``Problem`` 404.
    func revoke(_ publicID: String, by caller: Caller) async throws {
        let account = try caller.signedIn()
        try await ground.change(by: caller) { connection, trail in
            guard try APITokenRepository.delete(publicID: publicID, of: account.id, on: connection) else {
                throw Problem.notFound
            }
            try trail.record("api_token.revoked", of: account.publicID, detail: ["token": .string(publicID)])
        }
    }
}
