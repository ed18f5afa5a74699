public import Hummingbird
internal import HTTPTypes
internal import Mustache
internal import NIOCore
public import Logging

/// Makes the pages of the platform: every page is the one layout around the content of its template.
///
/// The templates are parsed once, when the server starts. To render has no I/O and keeps no state.
public struct PageRenderer: Sendable {
    /// The layout's name for itself, in templates and in models.
    static let layoutName = "page"
    private static let layoutTemplate = "layout"
    private static let contentName = "template"

    /// The style sheet and the scripts.
    public let assets: StaticAssets
    private let library: MustacheLibrary
    private let siteMap: SiteMap
    private let logger: Logger

    /// Parses the templates: this target's and those of the modules.
    ///
    /// - Parameters:
    ///   - templates: those of the modules; this target's own need not be among them.
    ///   - siteMap: what the navigation shows.
    ///   - assets: the style sheet and the scripts.
    ///   - logger: told of names that a template asks for in vain.
    /// - Throws: ``TemplateError`` for the first template that cannot be used.
    public init(
        templates: [Template],
        siteMap: SiteMap = .groundFloor,
        assets: StaticAssets = StaticAssets(),
        logger: Logger
    ) throws(TemplateError) {
        self.assets = assets
        self.siteMap = siteMap
        self.logger = logger
        library = try Self.library(Template.own + templates)
    }

    /// Whether there is a template of this name.
    public func knows(_ template: String) -> Bool { library.getTemplate(named: template) != nil }

    /// Renders a page.
    ///
    /// - Parameters:
    ///   - template: the name of the content's template.
    ///   - model: what that template shows.
    ///   - head: the title, and where the page stands.
    ///   - frame: who looks at it and how.
    /// - Returns: the whole document.
    /// - Throws: ``TemplateError`` for an unknown template or a model that cannot be shown: mistakes of the module.
    public func document(
        _ template: String,
        _ model: some ViewModel,
        head: PageHead,
        frame: PageFrame
    ) throws(TemplateError) -> String {
        guard knows(template), let layout = library.getTemplate(named: Self.layoutTemplate) else {
            throw .unknownTemplate(template)
        }
        var fields = try model.view().group.fields
        for name in [Self.layoutName, Self.contentName] where fields[name] != nil { throw .reservedName(name) }
        fields[Self.layoutName] = Layout(head: head, frame: frame, siteMap: siteMap, assets: assets).view
        fields[Self.contentName] = template
        let root = RootNode(fields)
        let document = layout.render(root, library: library)
        if !root.missing.isEmpty {
            logger.error(
                "template asks for names its model does not have",
                metadata: [
                    "template.name": "\(template)",
                    "template.missing": "\(root.missing.sorted().joined(separator: " "))",
                ]
            )
        }
        return document
    }

    /// Renders a page as the answer to a request.
    ///
    /// A page carries tokens and names of one person: no cache keeps it.
    ///
    /// - Parameters: as of ``document(_:_:head:frame:)``, and the status.
    /// - Throws: ``TemplateError``.
    public func response(
        _ template: String,
        _ model: some ViewModel,
        head: PageHead,
        frame: PageFrame,
        status: HTTPResponse.Status = .ok
    ) throws(TemplateError) -> Response {
        let document = try document(template, model, head: head, frame: frame)
        var response = Response(
            status: status,
            headers: [.contentType: "text/html; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: document))
        )
        if frame.flash != nil { response.headers.append(HTTPField(name: .setCookie, value: Flash.clearingCookie)) }
        return response
    }

    private static func library(_ templates: [Template]) throws(TemplateError) -> MustacheLibrary {
        MustacheContentTypes.register(HTMLText(), named: HTMLText.name)
        var parsed: [String: MustacheTemplate] = [:]
        for template in templates {
            guard parsed[template.name] == nil else { throw .duplicate(template: template.name) }
            parsed[template.name] = try parse(template)
        }
        for template in templates {
            for partial in template.includes where parsed[partial] == nil {
                throw .unknownPartial(template: template.name, partial: partial)
            }
        }
        return MustacheLibrary(templates: parsed)
    }

    /// Mustache goes back to its own escaping at each partial, so each template names ours in a line of its own.
    private static func parse(_ template: Template) throws(TemplateError) -> MustacheTemplate {
        do {
            return try MustacheTemplate(string: "{{% CONTENT_TYPE: \(HTMLText.name)}}\n\(template.source)")
        } catch {
            let parser = error as? MustacheTemplate.ParserError
            throw .malformed(
                template: template.name,
                line: (parser?.context.lineNumber ?? 1) - 1,
                reason: "\(parser?.error ?? error)"
            )
        }
    }
}

/// The outermost names of a page; it knows what was asked of it in vain.
///
/// Bound to one rendering, which is synchronous.
private final class RootNode: MustacheParent {
    private let fields: [String: any Sendable]
    private(set) var missing: Set<String> = []

    init(_ fields: [String: any Sendable]) { self.fields = fields }

    func child(named name: String) -> Any? {
        if let value = fields[name] { return value }
        missing.insert(name)
        return nil
    }
}
