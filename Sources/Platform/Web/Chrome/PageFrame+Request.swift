public import Hummingbird
public import HTTPTypes
public import Kernel

extension PageFrame {
    /// What the layout needs of a request: who asks, the choices its cookies keep, what the last action had to say.
    ///
    /// - Parameters:
    ///   - request: the request that the page answers.
    ///   - context: what is known of it.
    public init(_ request: Request, _ context: PlatformContext) {
        self.init(
            viewer: context.actor.account.map { account in
                Viewer(name: account.handle, roles: Set(context.actor.roles.map(\.rawValue)))
            },
            path: request.uri.string,
            csrfToken: context.csrfToken,
            nonce: context.nonce,
            theme: Theme(choice: request.cookies[Theme.cookieName]?.value),
            flash: Flash(cookieValue: request.cookies[Flash.cookieName]?.value)
        )
    }
}

extension PageRenderer {
    /// Renders a page as the answer to a request.
    ///
    /// - Parameters:
    ///   - template: the name of the content's template.
    ///   - model: what that template shows.
    ///   - head: the title, and where the page stands.
    ///   - request: the request that the page answers.
    ///   - context: what is known of it.
    ///   - status: 200 unless given; 422 for a form that is shown again.
    /// - Returns: the answer.
    /// - Throws: ``TemplateError``.
    public func render(
        _ template: String,
        _ model: some ViewModel,
        head: PageHead,
        request: Request,
        context: PlatformContext,
        status: HTTPResponse.Status = .ok
    ) throws(TemplateError) -> Response {
        try response(template, model, head: head, frame: PageFrame(request, context), status: status)
    }
}

extension Response {
    /// 303 to a page of ours, which shows a message on top.
    ///
    /// - Parameters:
    ///   - path: where to go; addresses elsewhere lead to `/`.
    ///   - flash: what there is to say.
    ///   - context: what is known of the request.
    /// - Returns: the answer.
    public static func seeOther(_ path: String, saying flash: Flash, _ context: PlatformContext) -> Response {
        seeOther(path, headers: [.setCookie: flash.cookie(isSecure: context.isSecure)])
    }
}
