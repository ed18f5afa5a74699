/// One question of a form.
///
/// The `autocomplete` values are those of HTML ("Autofill"), so that browsers and password stores help (WCAG 2.2 §1.3.5,
/// §3.3.8); nothing keeps a person from pasting.
public struct Input: Sendable {
    /// One of several answers.
    public struct Option: Sendable {
        /// What is sent.
        public let value: String
        /// What a person reads.
        public let label: String
        /// What it means, if the label does not say all.
        public let hint: String?

        /// An answer.
        public init(_ value: String, _ label: String, hint: String? = nil) {
            self.value = value
            self.label = label
            self.hint = hint
        }
    }

    /// How the question is asked.
    public enum Kind: Sendable {
        /// A line of text; `type` is an HTML input type: text, email, url, search, number, date.
        case line(type: String)
        /// A secret: never filled in again, with a button that shows it.
        case password
        /// A code of digits, as that of a second factor.
        case code
        /// Several lines.
        case text(rows: Int)
        /// One of several, in a list that opens.
        case select([Option])
        /// One of several, all in sight.
        case radios([Option])
        /// Any of several, all in sight.
        case checkboxes([Option])
        /// Yes or no; the value sent for yes is `true`.
        case checkbox
        /// A file; `accept` is a list of media types.
        case file(accept: String)
        /// What a person does not see.
        case hidden
    }

    /// The name it is sent under.
    public let name: String
    /// What a person reads.
    public let label: String
    /// How it is asked.
    public let kind: Kind
    /// What helps to answer it.
    public var hint: String?
    /// The HTML autofill token.
    public var autocomplete: String?
    /// The HTML input mode, as `numeric`.
    public var inputMode: String?
    /// Whether there must be an answer.
    public var isRequired: Bool
    /// The most characters of an answer.
    public var maximumLength: Int?
    /// The answers that are filled in: one, or any number for checkboxes.
    public var values: [String]
    /// What is wrong with the answer given.
    public var error: String?

    /// A question.
    ///
    /// - Parameters:
    ///   - name: the name it is sent under.
    ///   - label: what a person reads.
    ///   - kind: how it is asked.
    ///   - hint: what helps to answer it.
    ///   - autocomplete: the HTML autofill token.
    ///   - inputMode: the HTML input mode.
    ///   - isRequired: whether there must be an answer.
    ///   - maximumLength: the most characters.
    ///   - values: what is filled in.
    public init(
        _ name: String,
        _ label: String,
        _ kind: Kind = .line(type: "text"),
        hint: String? = nil,
        autocomplete: String? = nil,
        inputMode: String? = nil,
        isRequired: Bool = false,
        maximumLength: Int? = nil,
        values: [String] = []
    ) {
        self.name = name
        self.label = label
        self.kind = kind
        self.hint = hint
        self.autocomplete = autocomplete
        self.inputMode = inputMode
        self.isRequired = isRequired
        self.maximumLength = maximumLength
        self.values = values
    }

    /// Whether what a person sent goes back onto the page after an error: secrets and files do not.
    var isKept: Bool {
        switch kind {
        case .password, .code, .file: false
        default: true
        }
    }
}

extension Input {
    /// What the template `part-input` shows.
    ///
    /// - Parameters:
    ///   - form: the form's id; ids of a page begin with it, so that two forms may ask for the same name.
    ///   - isSearch: whether it is asked by a form that looks for something, where nothing has to be filled in.
    /// - Returns: its names and values.
    func node(in form: String, isSearch: Bool) -> ViewGroup {
        let id = "\(form)-\(name)"
        let described = [hint.map { _ in "\(id)-hint" }, error.map { _ in "\(id)-error" }].compactMap { $0 }
        var fields: [String: (any Sendable)?] = [
            "id": id, "name": name, "label": label, "hint": hint, "error": error, "autocomplete": autocomplete,
            "inputMode": inputMode, "isRequired": isRequired, "isOptional": !isRequired && !isSearch,
            "maximumLength": maximumLength.map(String.init), "isInvalid": error != nil,
            "describedBy": described.isEmpty ? nil : described.joined(separator: " "),
            "value": isKept ? values.first : nil,
        ]
        switch kind {
        case .line(let type): fields.merge(["isLine": true, "type": type]) { $1 }
        case .password: fields.merge(["isLine": true, "isPassword": true, "type": "password"]) { $1 }
        case .code:
            fields.merge(["isLine": true, "type": "text"]) { $1 }
            if inputMode == nil { fields["inputMode"] = "numeric" }
        case .text(let rows): fields.merge(["isText": true, "rows": String(rows)]) { $1 }
        case .select(let options): fields.merge(["isSelect": true, "options": nodes(options, id)]) { $1 }
        case .radios(let options):
            fields.merge(["isGroup": true, "options": nodes(options, id, type: "radio")]) { $1 }
        case .checkboxes(let options):
            fields.merge(["isGroup": true, "options": nodes(options, id, type: "checkbox")]) { $1 }
        case .checkbox: fields.merge(["isCheckbox": true, "isChosen": values.first == "true"]) { $1 }
        case .file(let accept): fields.merge(["isFile": true, "accept": accept]) { $1 }
        case .hidden: fields["isHidden"] = true
        }
        return ViewGroup(fields)
    }

    /// Where a link to the question leads: the first answer where the question itself takes no focus.
    func target(in form: String) -> String {
        switch kind {
        case .radios, .checkboxes: "\(form)-\(name)-0"
        default: "\(form)-\(name)"
        }
    }

    private func nodes(_ options: [Option], _ id: String, type: String? = nil) -> [ViewGroup] {
        options.enumerated().map { index, option in
            ViewGroup([
                "id": "\(id)-\(index)", "type": type, "name": name, "value": option.value, "label": option.label,
                "hint": option.hint, "isChosen": values.contains(option.value),
            ])
        }
    }
}
