import FoundationEssentials
import HTTPTypes
import Hummingbird

@testable import Kernel

struct Note: Codable, Sendable {
    var id: String
    var title: String
    var version: Int

    static let schema = Schema.object(
        "Note",
        [
            .required("id", .text(1...26).readOnly()), .required("title", .text(1...40)),
            .required("version", .integer(1...1000).readOnly()),
        ]
    )
    static let input = Schema.object(
        "NoteInput",
        [
            .required("title", .text(1...40)), .optional("stars", .integer(0...5)),
            .optional("tags", .array(.text(1...10), 0...3)), .optional("due", .timestamp),
            .optional("colour", .word(["red", "blue"])),
        ]
    )

    struct Input: Decodable {
        let title: String
        let stars: Int?
        let tags: [String]?
        let due: Date?
    }
}

enum SampleError: Error {
    case surprise(String)
}

enum SampleEndpoints {
    static func all(_ runs: RunCounter) -> [Endpoint] { api(runs) + pages(runs) }

    private static func api(_ runs: RunCounter) -> [Endpoint] {
        [
            Endpoint(
                .get,
                "/api/v1/notes",
                .api,
                "listNotes",
                "Lists notes",
                tag: "Notes",
                access: .signedIn,
                scope: "notes:read",
                parameters: Parameter.paging,
                responses: [.ok(.page(of: Note.schema))]
            ) { request, context in
                let asked = try context.pageRequest(defaultLimit: 2)
                // The table: notes 1 to 5, read by id like a keyset query.
                let all: [Int64] = [1, 2, 3, 4, 5]
                let rows: [Int64] =
                    switch asked.cursor {
                    case nil: all
                    case .some(let cursor) where cursor.direction == .next: all.filter { $0 > cursor.id }
                    case .some(let cursor): Array(all.filter { $0 < cursor.id }.reversed())
                    }
                let page = context.page(of: Array(rows.prefix(asked.limit + 1)), asked) { ("", $0) }
                let notes = page.data.map { Note(id: "\($0)", title: "note \($0)", version: 1) }
                return try .page(Page(data: notes, next: page.next, previous: page.previous), of: request)
            },
            Endpoint(
                .post,
                "/api/v1/notes",
                .api,
                "createNote",
                "Makes a note",
                tag: "Notes",
                access: .signedIn,
                scope: "notes:write",
                body: .json(Note.input),
                responses: [.created(Note.schema)]
            ) { _, context in
                runs.count("createNote")
                let input = try context.decodeBody(Note.Input.self)
                if input.title == "fail" { throw SampleError.surprise("secret value") }
                return try .created(Note(id: "9", title: input.title, version: 1), at: "/api/v1/notes/9")
            },
            Endpoint(
                .get,
                "/api/v1/notes/{id}",
                .api,
                "getNote",
                "One note",
                tag: "Notes",
                access: .everyone,
                parameters: [.path("id", .integer(1...999))],
                responses: [.ok(Note.schema)]
            ) { _, context in
                try .json(Note(id: try context.parameter("id"), title: "<b>", version: 1))
            },
            Endpoint(
                .patch,
                "/api/v1/notes/{id}",
                .api,
                "changeNote",
                "Changes a note",
                tag: "Notes",
                access: .signedIn,
                scope: "notes:write",
                parameters: [.path("id", .integer(1...999))],
                body: .json(Note.input),
                precondition: .required,
                responses: [.ok(Note.schema)]
            ) { _, context in
                try context.requireMatch(EntityTag(version: 3))
                return try .json(Note(id: "1", title: "changed", version: 4), entityTag: EntityTag(version: 4))
            },
            Endpoint(
                .get,
                "/api/v1/admin",
                .api,
                "admin",
                "For admins",
                tag: "Admin",
                access: .role([.admin]),
                responses: [.noContent]
            ) { _, _ in .noContent },
            Endpoint(
                .get,
                "/api/v1/shop",
                .api,
                "shop",
                "The shop",
                tag: "Shop",
                access: .everyone,
                responses: [.noContent],
                flag: "shop"
            ) { _, _ in .noContent },
            Endpoint(
                .post,
                "/api/v1/sign-in",
                .api,
                "apiSignIn",
                "Signs in",
                tag: "Account",
                access: .visitor,
                rateLimit: .signIn,
                body: .json(Note.input),
                responses: [.noContent]
            ) { _, _ in .noContent },
        ]
    }

    private static func pages(_ runs: RunCounter) -> [Endpoint] {
        [
            Endpoint(.get, "/form", .page, "formPage", "A form", tag: "Pages", access: .everyone) { _, context in
                .text(context.csrfToken, contentType: "text/html")
            },
            Endpoint(
                .post,
                "/form",
                .page,
                "form",
                "Sends a form",
                tag: "Pages",
                access: .everyone,
                body: .form(
                    .object([
                        .required("title", .text(1...40)), .optional("stars", .integer(0...5)),
                        .required("agree", .boolean), .optional("password", .text(8...20).secret()),
                    ])
                )
            ) { _, context in
                runs.count("form")
                guard context.bodyErrors.isEmpty else {
                    let kept = context.bodyFields.fields.map { "\($0.name)=\($0.value)" }
                    let wrong = context.bodyErrors.map(\.field)
                    return .text("\(kept) \(wrong)", contentType: "text/html", status: .unprocessableContent)
                }
                return .seeOther("/form")
            },
            Endpoint(.get, "/mine", .page, "mine", "One's own", tag: "Pages", access: .signedIn) { _, context in
                .text("hello \(try context.account.handle)", contentType: "text/html")
            },
            Endpoint(.get, "/sign-in", .page, "signInPage", "Sign in", tag: "Pages", access: .visitor) { _, _ in
                .text("sign in", contentType: "text/html")
            },
            Endpoint(
                .post,
                "/file",
                .page,
                "file",
                "Sends a file",
                tag: "Pages",
                access: .everyone,
                body: .upload(.object([.required("title", .text(1...40))]), maximum: 100)
            ) { _, context in
                guard context.bodyErrors.isEmpty else { throw Problem.invalid(context.bodyErrors) }
                let file = context.upload.map { "\($0.fileName) \($0.contentType) \($0.bytes.count)" } ?? "none"
                return .text("\(context.bodyFields["title"] ?? "-"): \(file)", contentType: "text/html")
            },
            Endpoint(.get, "/embed/1", .page, "embed", "A frame", tag: "Pages", access: .everyone) { _, _ in
                .text("player", contentType: "text/html")
            },
            Endpoint(.get, "/broken", .page, "broken", "Fails", tag: "Pages", access: .everyone) { _, _ in
                throw SampleError.surprise("secret value")
            },
        ]
    }
}
