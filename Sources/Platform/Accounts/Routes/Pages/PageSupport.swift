internal import HTTPTypes
internal import Hummingbird
internal import Kernel
internal import Web

/// A page that is one form.
struct FormPage: ViewModel { let form: Form }

/// A form and who it is about.
struct EmailFormPage: ViewModel {
    let email: String
    let form: Form
}

extension AccountsModule {
    /// Does what a form asks for; what cannot be accepted is the form again, with what was wrong and what was sent.
    ///
    /// - Parameters:
    ///   - request: the request.
    ///   - context: what is known of it.
    ///   - show: shows the form again, with a problem.
    ///   - work: does it.
    /// - Returns: the answer of either.
    /// - Throws: what is no fault of the answers.
    func answer(
        _ request: Request,
        _ context: PlatformContext,
        show: (Problem) async throws -> Response,
        work: () async throws -> Response
    ) async throws -> Response {
        do {
            guard context.bodyErrors.isEmpty else { throw Problem.invalid(context.bodyErrors) }
            return try await work()
        } catch let problem as Problem where [401, 403, 409, 413, 415, 422, 429, 503].contains(problem.status.code) {
            if problem.code == AccountProblem.token.code { return try spentLink(request, context) }
            var response = try await show(problem)
            // 401 would ask the browser for a password of its own (RFC 9110 §15.5.2).
            response.status = problem.status == .unauthorized ? .unprocessableContent : problem.status
            response.headers[.retryAfter] = problem.headers[.retryAfter]
            return response
        }
    }

    /// A form, as it was sent or empty.
    func form(_ form: Form, _ context: PlatformContext, _ problem: Problem?) -> Form {
        problem.map { form.again(context.bodyFields, $0) } ?? form
    }

    /// A page of visitors' that is one form.
    func page(
        _ template: String,
        _ title: String,
        _ form: Form,
        _ request: Request,
        _ context: PlatformContext,
        _ problem: Problem? = nil
    ) throws -> Response {
        let model = FormPage(form: self.form(form, context, problem))
        return try pages.render(template, model, head: PageHead(title), request: request, context: context)
    }

    /// A page of the account.
    func accountPage(
        _ template: String,
        _ title: String,
        _ model: some ViewModel,
        _ request: Request,
        _ context: PlatformContext
    ) throws -> Response {
        let head = PageHead(title, area: .account)
        return try pages.render(template, model, head: head, request: request, context: context)
    }

    /// One thing said.
    func notice(
        _ title: String,
        _ text: String,
        action: Link? = nil,
        _ request: Request,
        _ context: PlatformContext
    ) throws -> Response {
        let notice = Notice(title, text, action: action)
        return try pages.render("notice", notice, head: PageHead(title), request: request, context: context)
    }

    /// A link that was used already or is too old.
    func spentLink(_ request: Request, _ context: PlatformContext) throws -> Response {
        var response = try notice(
            AccountProblem.token.title,
            AccountProblem.token.detail ?? "",
            action: Link("To the sign-in", "/sign-in"),
            request,
            context
        )
        response.status = .unprocessableContent
        return response
    }

    /// What a form of a page takes: the fields of the API's body, and others instead of or beside them.
    static func formBody(_ schema: Schema, _ others: [Schema.Property] = []) -> EndpointBody {
        guard case .object(let properties) = schema.kind else { return .form(schema) }
        let names = Set(others.map(\.name))
        return .form(.object(properties.filter { !names.contains($0.name) } + others))
    }

    /// A one-time token in a form: hidden there, and put back into it when an answer beside it was wrong.
    static func tokenProperty(_ name: String = "token") -> Schema.Property { .required(name, .text(43...43)) }

    static let tokenParameter: [Parameter] = [.path("token", .text(43...43))]

    // MARK: Questions that several forms ask

    static let emailInput = Input(
        "email",
        "E-mail",
        .line(type: "email"),
        autocomplete: "username",
        isRequired: true,
        maximumLength: EmailAddress.maximumLength
    )
    static let handleInput = Input(
        "handle",
        "Handle",
        hint: "3 to 30 of a-z, 0-9 and _. Others know you by it.",
        autocomplete: "nickname",
        isRequired: true,
        maximumLength: 30
    )
    static let nameInput = Input(
        "display_name",
        "Name",
        hint: "How you want to be called.",
        autocomplete: "name",
        maximumLength: ProfileText.maximumName
    )
    static let passwordInput = Input(
        "password",
        "Password",
        .password,
        autocomplete: "current-password",
        isRequired: true
    )
    static func newPasswordInput(_ label: String = "Password") -> Input {
        Input(
            "password",
            label,
            .password,
            hint: "8 characters or more; a few words that do not belong together are best.",
            autocomplete: "new-password",
            isRequired: true
        )
    }
    static let codeInput = Input(
        "code",
        "Code",
        .code,
        autocomplete: "one-time-code",
        isRequired: true,
        maximumLength: 40
    )

    static func hidden(_ name: String, _ value: String) -> Input { Input(name, name, .hidden, values: [value]) }
}
