internal import NIOCore
internal import HTTPTypes
internal import Hummingbird
internal import Kernel

extension AccountsModule {
    /// The profile and its picture, in the API; the pictures themselves.
    var profileEndpoints: [Endpoint] {
        [
            Endpoint(
                .get,
                "/api/v1/me",
                .api,
                "profile",
                "One's own profile",
                tag: "Account",
                access: .signedIn,
                scope: "account:read",
                responses: [.ok(AccountSchemas.profile)],
                statementBudget: 6
            ) { request, context in
                let profile = try await profiles.profile(for: Caller(request, context))
                return try .json(profile, entityTag: EntityTag(version: profile.version))
            },
            Endpoint(
                .patch,
                "/api/v1/me",
                .api,
                "updateProfile",
                "Changes one's profile",
                tag: "Account",
                access: .signedIn,
                scope: "account:write",
                body: .json(AccountSchemas.profilePatch),
                precondition: .required,
                responses: [.ok(AccountSchemas.profile)],
                statementBudget: 12
            ) { request, context in
                let patch = try context.decodeBody(ProfilePatch.self)
                let profile = try await profiles.update(patch, by: Caller(request, context)) {
                    try context.requireMatch($0)
                }
                return try .json(profile, entityTag: EntityTag(version: profile.version))
            },
            Endpoint(
                .put,
                "/api/v1/me/avatar",
                .api,
                "setAvatar",
                "Sets one's picture",
                tag: "Account",
                access: .signedIn,
                scope: "account:write",
                rateLimit: .media,
                body: .bytes(
                    contentTypes: ["image/png", "image/jpeg", "image/webp"],
                    maximum: ProfileService.maximumBytes
                ),
                responses: [.ok(AccountSchemas.profile)],
                statementBudget: 14
            ) { request, context in
                let buffer = try await request.body.collect(upTo: ProfileService.maximumBytes)
                let bytes = Array(buffer.readableBytesView)
                let profile = try await profiles.setAvatar(bytes, by: Caller(request, context))
                return try .json(profile, entityTag: EntityTag(version: profile.version))
            },
            Endpoint(
                .delete,
                "/api/v1/me/avatar",
                .api,
                "removeAvatar",
                "Takes one's picture away",
                tag: "Account",
                access: .signedIn,
                scope: "account:write",
                responses: [.ok(AccountSchemas.profile), .problem(404, "There is no picture.")],
                statementBudget: 14
            ) { request, context in
                let profile = try await profiles.removeAvatar(by: Caller(request, context))
                return try .json(profile, entityTag: EntityTag(version: profile.version))
            },
            Endpoint(
                .get,
                "/avatars/{name}",
                .page,
                "avatar",
                "A picture",
                tag: "Account",
                access: .everyone,
                parameters: [.path("name", .text(26...27))],
                responses: [EndpointResponse(200, "The picture.", contentType: "image/*")],
                statementBudget: 3
            ) { _, context in
                Self.response(of: try await profiles.picture(try context.parameter("name")))
            },
        ]
    }

    /// A picture that somebody sent, so that no browser takes it for anything else (ASVS 5.4.1, 3.4.4): its type is what its
    /// bytes are, it runs nothing, and its name never means another picture.
    private static func response(of picture: AvatarRepository.Picture) -> Response {
        var headers: HTTPFields = [
            .contentType: picture.mediaType, .cacheControl: "public, max-age=31536000, immutable",
            .contentDisposition: "inline; filename=\"avatar\"",
        ]
        if let name = HTTPField.Name("Content-Security-Policy") { headers[name] = "default-src 'none'; sandbox" }
        if let name = HTTPField.Name("X-Content-Type-Options") { headers[name] = "nosniff" }
        return Response(
            status: .ok,
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: picture.bytes))
        )
    }
}
