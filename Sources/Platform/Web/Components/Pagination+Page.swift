public import Hummingbird
public import Kernel

extension Pagination {
    /// The links to the pages around one, which keep what else the address says.
    ///
    /// - Parameters:
    ///   - subject: what is paged, in the plural.
    ///   - page: the page that is shown.
    ///   - request: the request for it.
    public init<Element>(of subject: String, _ page: Page<Element>, _ request: Request) {
        func link(_ cursor: String?) -> String? {
            cursor.map { cursor in
                let kept = (request.uri.query ?? "").split(separator: "&").filter {
                    $0.prefix { $0 != "=" } != "cursor"
                }
                return "?" + (kept.map(String.init) + ["cursor=\(cursor)"]).joined(separator: "&")
            }
        }
        self.init(of: subject, previous: link(page.previous), next: link(page.next))
    }
}
