internal import HTTPTypes
public import Hummingbird
internal import Logging
public import Kernel

/// What the template `error` shows of a problem.
struct ErrorPage: ViewModel {
    let title: String
    let text: String
    let hasComplaints: Bool
    let complaints: [Link]
    let reference: String?
    let action: Link?
}

/// Shows problems to people: a page with what happened, and the one thing to do next.
public struct ErrorPresenter: Sendable {
    private let renderer: PageRenderer

    /// Shows problems in the layout of all pages.
    public init(_ renderer: PageRenderer) { self.renderer = renderer }

    /// The page of a problem.
    ///
    /// It needs no database: who is signed in comes with the context, if it is known at all. Of what happened inside nothing
    /// goes onto the page but the request's number, under which the log has it.
    ///
    /// - Parameters:
    ///   - problem: what keeps the request from being answered.
    ///   - request: the request.
    ///   - context: what is known of it.
    /// - Returns: the page, with the status of the problem; its header fields the request pipeline adds.
    public func response(_ problem: Problem, request: Request, context: PlatformContext) -> Response {
        let frame = PageFrame(request, context)
        let words = ProblemWords(problem, path: frame.path)
        let page = ErrorPage(
            title: words.title,
            text: words.text,
            hasComplaints: !words.complaints.isEmpty,
            complaints: words.complaints.map { Link($0, "") },
            reference: words.showsReference ? context.requestID : nil,
            action: words.action
        )
        do {
            return try renderer.response(
                "error",
                page,
                head: PageHead(words.title),
                frame: frame,
                status: problem.status
            )
        } catch {
            context.logger.error("error page cannot be rendered", metadata: ["error.message": "\(error)"])
            return .text(words.title, contentType: "text/plain", status: problem.status)
        }
    }
}
