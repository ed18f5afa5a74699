internal import HTTPTypes
internal import FoundationEssentials
internal import Kernel
internal import Postgres

/// What somebody sends to change a profile; what is left out stays.
struct ProfilePatch: Decodable, Sendable {
    let handle: String?
    let displayName: String?
    let about: String?

    enum CodingKeys: String, CodingKey {
        case handle, about
        case displayName = "display_name"
    }
}

/// One's own profile, as the API and the pages show it: exactly these fields (ASVS 15.3.1).
struct ProfileView: Encodable, Sendable, Equatable {
    let id: String
    let email: String
    let handle: String
    let displayName: String
    let about: String
    let avatar: String?
    let roles: [String]
    let createdAt: Date
    let version: Int

    enum CodingKeys: String, CodingKey {
        case id, email, handle, about, avatar, roles, version
        case displayName = "display_name"
        case createdAt = "created_at"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(email, forKey: .email)
        try container.encode(handle, forKey: .handle)
        try container.encode(displayName, forKey: .displayName)
        try container.encode(about, forKey: .about)
        // Said even when there is none.
        try container.encode(avatar, forKey: .avatar)
        try container.encode(roles, forKey: .roles)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(version, forKey: .version)
    }
}

/// Profiles and their pictures.
struct ProfileService: Sendable {
    /// The most bytes of a picture.
    static let maximumBytes = 1 << 20
    /// The most pixels along one side.
    static let maximumSide = 4096
    /// The most pixels in all.
    static let maximumPixels = 8_000_000

    let ground: AccountGround

    /// The caller's profile.
    func profile(for caller: Caller) async throws -> ProfileView {
        let account = try caller.signedIn()
        return try await ground.database.run { connection in
            guard let row = try AccountRepository.find(id: account.id, on: connection) else { throw Problem.notFound }
            return try Self.view(row, on: connection)
        }
    }

    /// Changes the caller's profile.
    ///
    /// - Parameters:
    ///   - patch: what is to be changed.
    ///   - caller: who asks.
    ///   - check: refuses versions that the change was not made for.
    /// - Returns: the profile as it is then.
    /// - Throws: ``Problem`` 412, 422.
    func update(
        _ patch: ProfilePatch,
        by caller: Caller,
        check: @escaping @Sendable (EntityTag) throws -> Void
    ) async throws -> ProfileView {
        let account = try caller.signedIn()
        let changes = try Self.checked(patch)
        do {
            return try await ground.change(by: caller) { connection, trail in
                guard let row = try AccountRepository.lock(id: account.id, on: connection), row.status == .active else {
                    throw Problem.notFound
                }
                try check(EntityTag(version: row.version))
                let updated = try AccountRepository.update(row.id, changes, version: row.version, on: connection)
                guard let updated else { throw Problem.notFound }
                let fields = [
                    ("handle", changes.handle), ("display_name", changes.displayName), ("about", changes.about),
                ].filter { $0.1 != nil }.map { JSONValue.string($0.0) }
                try trail.record("account.updated", of: row.publicID, detail: ["fields": .array(fields)])
                return try Self.view(updated, on: connection)
            }
        } catch let error as DatabaseError where error.violates("account_handle_key") {
            throw AccountProblem.handleTaken
        }
    }

    private static func checked(_ patch: ProfilePatch) throws -> ProfileChanges {
        var errors: [FieldError] = []
        var changes = ProfileChanges()
        if let text = patch.handle {
            do throws(Handle.Refusal) { changes.handle = try Handle(text).text } catch {
                errors.append(error.fieldError)
            }
        }
        if let text = patch.displayName {
            changes.displayName = ProfileText.line(text, maximum: ProfileText.maximumName)
            if changes.displayName == nil { errors.append(ProfileText.fieldError("display_name")) }
        }
        if let text = patch.about {
            changes.about = ProfileText.lines(text, maximum: ProfileText.maximumAbout)
            if changes.about == nil { errors.append(ProfileText.fieldError("about")) }
        }
        guard errors.isEmpty else { throw Problem.invalid(errors) }
        return changes
    }

    static func view(_ row: AccountRow, on connection: Connection) throws -> ProfileView {
        let grants = try RoleRepository.grants(of: row.id, on: connection)
        let avatar = try AvatarRepository.name(of: row.id, on: connection)
        return ProfileView(
            id: row.publicID,
            email: row.email ?? "",
            handle: row.handle,
            displayName: row.displayName,
            about: row.about,
            avatar: avatar.map { "/avatars/\($0)" },
            roles: Actor(account: row.reference, grants: grants).roles.map(\.rawValue).sorted(),
            createdAt: row.createdAt,
            version: row.version
        )
    }

    // MARK: Pictures

    /// Takes a picture (ASVS 5.2.1, 5.2.2, 5.2.6): its own first bytes say what it is, whatever its sender says.
    ///
    /// - Throws: ``Problem`` 413, 415, 422.
    func setAvatar(_ bytes: [UInt8], by caller: Caller) async throws -> ProfileView {
        let account = try caller.signedIn()
        guard bytes.count <= Self.maximumBytes else {
            throw Problem(.contentTooLarge, code: "body_too_large", detail: "A picture may have 1 MiB at most.")
        }
        guard let header = ImageHeader(bytes) else {
            throw Problem(
                .unsupportedMediaType,
                code: "image_unsupported",
                detail: "A picture must be PNG, JPEG or WebP.",
                errors: [FieldError(pointer: "/avatar", code: "image_unsupported", detail: "must be PNG, JPEG or WebP")]
            )
        }
        guard max(header.width, header.height) <= Self.maximumSide, header.width * header.height <= Self.maximumPixels
        else {
            throw Problem.invalid([
                FieldError(
                    pointer: "/avatar",
                    code: "image_too_large",
                    detail: "may have \(Self.maximumSide) pixels along a side and 8 million in all"
                )
            ])
        }
        let name = "\(PublicID.name()).\(header.format.fileExtension)"
        return try await ground.change(by: caller) { connection, trail in
            try AvatarRepository.replace(bytes, header, name: name, of: account.id, now: caller.now, on: connection)
            return try Self.touched(account, trail, connection)
        }
    }

    /// Takes the picture away.
    func removeAvatar(by caller: Caller) async throws -> ProfileView {
        let account = try caller.signedIn()
        return try await ground.change(by: caller) { connection, trail in
            guard try AvatarRepository.delete(of: account.id, on: connection) else { throw Problem.notFound }
            return try Self.touched(account, trail, connection)
        }
    }

    private static func touched(
        _ account: AccountReference,
        _ trail: Trail,
        _ connection: Connection
    ) throws -> ProfileView {
        try AccountRepository.touch(account.id, on: connection)
        try trail.record("account.updated", of: account.publicID, detail: ["fields": ["avatar"]])
        guard let row = try AccountRepository.find(id: account.id, on: connection) else { throw Problem.notFound }
        return try view(row, on: connection)
    }

    /// The picture of a name.
    ///
    /// - Throws: ``Problem`` 404.
    func picture(_ name: String) async throws -> AvatarRepository.Picture {
        guard let picture = try await ground.database.run({ try AvatarRepository.find(name: name, on: $0) }) else {
            throw Problem.notFound
        }
        return picture
    }
}
