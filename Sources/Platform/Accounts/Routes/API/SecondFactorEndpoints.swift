internal import HTTPTypes
internal import FoundationEssentials
internal import Hummingbird
internal import Kernel

/// The state of a second factor.
struct SecondFactorView: Encodable {
    let isOn: Bool
    let confirmedAt: Date?
    let codesLeft: Int

    enum CodingKeys: String, CodingKey {
        case isOn = "is_on"
        case confirmedAt = "confirmed_at"
        case codesLeft = "recovery_codes_left"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(isOn, forKey: .isOn)
        try container.encode(confirmedAt, forKey: .confirmedAt)
        try container.encode(codesLeft, forKey: .codesLeft)
    }
}

struct EnrolmentView: Encodable {
    let secret: String
    let uri: String
}

struct RecoveryCodesView: Encodable { let codes: [String] }

extension AccountsModule {
    private static let otherState = EndpointResponse.problem(409, "The second factor is not in the state for this.")

    /// The second factor, in the API.
    var secondFactorEndpoints: [Endpoint] {
        [
            Endpoint(
                .get,
                "/api/v1/me/second-factor",
                .api,
                "secondFactor",
                "Whether there is a second factor",
                tag: "Second factor",
                access: .signedIn,
                responses: [.ok(AccountSchemas.secondFactor)],
                statementBudget: 6
            ) { request, context in
                let state = try await secondFactor.state(for: Caller(request, context))
                return try .json(
                    SecondFactorView(
                        isOn: state.confirmedAt != nil,
                        confirmedAt: state.confirmedAt,
                        codesLeft: state.codesLeft
                    )
                )
            },
            Endpoint(
                .post,
                "/api/v1/me/second-factor",
                .api,
                "beginSecondFactor",
                "Begins to set up a second factor",
                tag: "Second factor",
                access: .signedIn,
                rateLimit: .signIn,
                body: .json(AccountSchemas.passwordOnly),
                idempotency: Endpoint.Idempotency.none,
                responses: [.ok(AccountSchemas.enrolment), Self.otherState],
                statementBudget: 16
            ) { request, context in
                let password = try context.decodeBody(PasswordOnly.self).password
                let enrolment = try await secondFactor.begin(password: password, by: Caller(request, context))
                return try .json(EnrolmentView(secret: enrolment.secret, uri: enrolment.uri))
            },
            Endpoint(
                .post,
                "/api/v1/me/second-factor/confirmation",
                .api,
                "confirmSecondFactor",
                "Turns the second factor on; the recovery codes are shown this once",
                tag: "Second factor",
                access: .signedIn,
                rateLimit: .signIn,
                body: .json(AccountSchemas.codeOnly),
                idempotency: Endpoint.Idempotency.none,
                responses: [.ok(AccountSchemas.recoveryCodes), Self.otherState],
                statementBudget: 30
            ) { request, context in
                let code = try context.decodeBody(CodeOnly.self).code
                let codes = try await secondFactor.confirm(code: code, by: Caller(request, context))
                return try .json(RecoveryCodesView(codes: codes))
            },
            Endpoint(
                .post,
                "/api/v1/me/second-factor/removal",
                .api,
                "disableSecondFactor",
                "Turns the second factor off",
                tag: "Second factor",
                access: .signedIn,
                rateLimit: .signIn,
                body: .json(AccountSchemas.passwordOnly),
                responses: [.noContent, Self.otherState],
                statementBudget: 20
            ) { request, context in
                let password = try context.decodeBody(PasswordOnly.self).password
                try await secondFactor.disable(password: password, by: Caller(request, context))
                return .noContent
            },
            Endpoint(
                .post,
                "/api/v1/me/recovery-codes",
                .api,
                "renewRecoveryCodes",
                "Makes new recovery codes, which are shown this once",
                tag: "Second factor",
                access: .signedIn,
                rateLimit: .signIn,
                body: .json(AccountSchemas.passwordOnly),
                idempotency: Endpoint.Idempotency.none,
                responses: [.ok(AccountSchemas.recoveryCodes), Self.otherState],
                statementBudget: 30
            ) { request, context in
                let password = try context.decodeBody(PasswordOnly.self).password
                let codes = try await secondFactor.renewCodes(password: password, by: Caller(request, context))
                return try .json(RecoveryCodesView(codes: codes))
            },
        ]
    }
}
