internal import HTTPTypes
internal import Hummingbird
internal import Kernel

/// The cookie of a browser that signed in before.
///
/// It opens nothing: it only keeps strangers' wrong passwords from slowing the browser down, so it stays when the
/// session ends.
enum DeviceCookie {
    static func name(isSecure: Bool) -> String { isSecure ? "__Host-device" : "device" }

    static func value(_ token: BearerToken, isSecure: Bool) -> String {
        "\(name(isSecure: isSecure))=\(token.text); Path=/; Max-Age=\(Int(SessionService.deviceLifetime)); HttpOnly; "
            + "SameSite=Lax\(isSecure ? "; Secure" : "")"
    }
}

extension Caller {
    /// Who asks, of a request.
    init(_ request: Request, _ context: PlatformContext) {
        let device = request.cookies[DeviceCookie.name(isSecure: context.isSecure)]?.value
        self.init(
            now: context.now,
            account: context.actor.account,
            session: context.session,
            network: SessionLabel.network(of: context.peerAddress),
            agent: SessionLabel.agent(request.headers[.userAgent]),
            requestID: context.requestID,
            device: device.flatMap { BearerToken.isPlausible($0) ? $0 : nil },
            logger: context.logger
        )
    }
}

extension Response {
    /// The same answer, with the cookies of a session that has just begun.
    func starting(_ session: NewSession, _ context: PlatformContext) -> Response {
        var response = self
        let cookie = SessionCookie.beginning(
            SecretToken(session.token.text),
            maximumAge: session.maximumAge,
            isSecure: context.isSecure
        )
        response.headers.append(HTTPField(name: .setCookie, value: cookie))
        return response.knowing(session.device, context)
    }

    /// The same answer, with the cookie of a browser that is known from now on.
    func knowing(_ device: BearerToken?, _ context: PlatformContext) -> Response {
        guard let device else { return self }
        var response = self
        let cookie = DeviceCookie.value(device, isSecure: context.isSecure)
        response.headers.append(HTTPField(name: .setCookie, value: cookie))
        return response
    }

    /// The same answer, which makes the browser forget its session, and what it kept of personal pages (ASVS 14.3.1).
    func endingSession(_ context: PlatformContext) -> Response {
        var response = self
        let cookie = SessionCookie.ending(isSecure: context.isSecure)
        response.headers.append(HTTPField(name: .setCookie, value: cookie))
        if let name = HTTPField.Name("Clear-Site-Data") { response.headers[name] = "\"cache\"" }
        return response
    }
}
