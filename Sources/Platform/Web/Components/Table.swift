/// A list of things with the same facts; on a narrow screen each row is a card.
///
/// Shown by the template `part-table`, with what stands in its place when there is nothing.
public struct Table: ViewModel {
    /// What the table shows, for those who hear it.
    public let caption: String
    /// What the columns are called.
    public let columns: [String]
    /// The rows, each with a cell per column.
    public let rows: [[Cell]]
    /// What is shown when there are no rows.
    public let empty: EmptyState
    /// The way to more of them.
    public let pagination: Pagination?

    /// A table.
    ///
    /// - Parameters:
    ///   - caption: what it shows.
    ///   - columns: what the columns are called.
    ///   - rows: a cell per column; what is over is left out.
    ///   - empty: what is shown when there are no rows.
    ///   - pagination: the way to more.
    public init(
        _ caption: String,
        columns: [String],
        rows: [[Cell]],
        empty: EmptyState,
        pagination: Pagination? = nil
    ) {
        self.caption = caption
        self.columns = columns
        self.rows = rows
        self.empty = empty
        self.pagination = pagination
    }

    /// What the template shows.
    public func view() throws(TemplateError) -> ViewNode { ViewNode(node) }

    var node: ViewGroup {
        ViewGroup([
            "caption": caption,
            "columns": columns.map { ViewGroup(["label": $0]) },
            "hasRows": !rows.isEmpty,
            "rows": rows.map(node),
            "empty": rows.isEmpty ? empty.node : nil,
            "pagination": pagination?.node,
        ])
    }

    /// The first cell of a row says what the row is about.
    private func node(_ row: [Cell]) -> ViewGroup {
        let cells = zip(columns, row).map { column, cell in cell.node(["column": column]) }
        return ViewGroup(["head": cells.first, "cells": Array(cells.dropFirst())])
    }
}

/// One fact, in a table or in a list of facts.
public enum Cell: Sendable {
    /// Words.
    case text(String)
    /// Words that another person wrote: their direction of writing stays their own.
    case foreign(String, detail: String? = nil)
    /// Words that lead somewhere.
    case link(String, String, detail: String? = nil)
    /// What is copied or compared letter by letter.
    case code(String)
    /// A moment.
    case time(Moment)
    /// A word for a state.
    case badge(Badge)
    /// Several of them.
    case badges([Badge])
    /// How far something is.
    case progress(Progress)
    /// What can be done.
    case actions([ActionButton])
    /// Nothing to say, in a word.
    case none(String = "none")

    /// The cell with the template that shows it: to name that one is faster than to let a template try all kinds.
    ///
    /// - Parameter place: what the cell says of the place it stands in.
    /// - Returns: the names and values.
    func node(_ place: [String: (any Sendable)?]) -> ViewGroup {
        let (kind, fields): (String, [String: (any Sendable)?]) =
            switch self {
            case .text(let text): ("cell-text", ["text": text])
            case .foreign(let text, nil): ("cell-foreign", ["text": text])
            case .foreign(let text, let detail): ("cell-detailed", ["text": text, "detail": detail])
            case .link(let text, let path, nil): ("cell-link", ["text": text, "path": path])
            case .link(let text, let path, let detail):
                ("cell-detailed-link", ["text": text, "path": path, "detail": detail])
            case .code(let text): ("cell-code", ["text": text])
            case .time(let moment): ("cell-time", ["machine": moment.machine, "human": moment.human])
            case .badge(let badge): ("cell-badges", ["badges": [badge.node]])
            case .badges(let badges) where badges.isEmpty: ("cell-none", ["text": "none"])
            case .badges(let badges): ("cell-badges", ["badges": badges.map(\.node)])
            case .progress(let progress): ("cell-progress", progress.fields)
            case .actions(let actions): ("cell-actions", ["actions": actions.map(\.node)])
            case .none(let word): ("cell-none", ["text": word])
            }
        var all = place.merging(fields) { $1 }
        all["kind"] = kind
        return ViewGroup(all)
    }
}

/// A word for a state.
public struct Badge: ViewModel {
    /// How the state is meant; the word says it too, never the colour alone (WCAG 2.2 §1.4.1).
    public enum Tone: String, Sendable, CaseIterable {
        /// As it should be, or none of that.
        case neutral
        /// As it should be.
        case good
        /// To be looked at.
        case warning
        /// Not as it should be.
        case bad
        /// Happening now.
        case live
    }

    /// The word.
    public let label: String
    /// How it is meant.
    public let tone: Tone

    /// A word for a state.
    public init(_ label: String, _ tone: Tone = .neutral) {
        self.label = label
        self.tone = tone
    }

    /// What the template `part-badge` shows.
    public func view() throws(TemplateError) -> ViewNode { ViewNode(node) }

    var node: ViewGroup { ViewGroup(["label": label, "tone": tone.rawValue]) }
}

/// How far something is, from nothing to all.
public struct Progress: ViewModel {
    /// What is on its way, for those who hear it.
    public let subject: String
    /// How far: 0 to 1; `nil` when nobody knows.
    public let fraction: Double?
    /// Where its progress can be followed live, if anywhere: an address of server-sent events.
    public let stream: String?

    /// How far something is; what is not between 0 and 1 becomes the nearer of both.
    public init(_ subject: String, fraction: Double?, stream: String? = nil) {
        self.subject = subject
        self.fraction = fraction.map { $0.isNaN ? 0 : min(max($0, 0), 1) }
        self.stream = stream
    }

    /// What the template `part-progress` shows.
    public func view() throws(TemplateError) -> ViewNode { ViewNode(node) }

    var node: ViewGroup { ViewGroup(fields) }

    fileprivate var fields: [String: (any Sendable)?] {
        let percent = fraction.map { String(Int(($0 * 100).rounded(.down))) }
        return ["subject": subject, "percent": percent, "stream": stream]
    }
}
