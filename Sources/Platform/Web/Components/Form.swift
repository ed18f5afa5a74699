/// A form: where it goes, what it asks, what was wrong with the answers.
///
/// Declared once, it renders the empty form, the form with what is stored, and the form again with what was sent and
/// what was wrong with it. Shown by the template `part-form`.
public struct Form: ViewModel {
    /// What is wrong with an answer, or with all of them.
    public struct Complaint: Sendable, Equatable {
        /// The name of the question; `nil` for what no single one is at fault for.
        public let field: String?
        /// What is wrong, in a sentence.
        public let message: String

        /// What is wrong with an answer.
        public init(field: String?, message: String) {
            self.field = field
            self.message = message
        }
    }

    /// The id of the form: letters, digits and `-`; unique on its page.
    public let id: String
    /// Where it is sent.
    public let action: String
    /// What its button says.
    public let submit: String
    /// What is asked.
    public private(set) var inputs: [Input]
    /// Whether its action cannot be taken back.
    public let isDangerous: Bool
    /// Whether it looks for something instead of changing anything: it is sent with GET.
    public let isSearch: Bool
    /// What was wrong.
    public private(set) var complaints: [Complaint] = []

    /// A form.
    ///
    /// - Parameters:
    ///   - id: letters, digits and `-`; unique on its page.
    ///   - action: where it is sent.
    ///   - submit: what its button says: a verb.
    ///   - inputs: what is asked.
    ///   - isDangerous: whether its action cannot be taken back.
    ///   - isSearch: whether it is sent with GET.
    public init(
        _ id: String,
        action: String,
        submit: String,
        inputs: [Input] = [],
        isDangerous: Bool = false,
        isSearch: Bool = false
    ) {
        self.id = id
        self.action = action
        self.submit = submit
        self.inputs = inputs
        self.isDangerous = isDangerous
        self.isSearch = isSearch
    }

    /// The form with what is stored, or what was sent, filled in; secrets and files stay empty.
    ///
    /// - Parameter values: by the names of the questions; what the form does not ask is left out.
    /// - Returns: the form, filled in.
    public func filled(with values: [String: [String]]) -> Form {
        var form = self
        for index in inputs.indices where inputs[index].isKept {
            // Of checkboxes nothing is sent when none is chosen: what was not sent is not chosen.
            form.inputs[index].values = values[inputs[index].name] ?? []
        }
        return form
    }

    /// The form with what is stored filled in.
    public func filled(with values: [String: String]) -> Form {
        filled(with: values.mapValues { [$0] })
    }

    /// The form with what was wrong, at each question and on top of all.
    public func refused(_ complaints: [Complaint]) -> Form {
        var form = self
        form.complaints = complaints
        for index in inputs.indices {
            form.inputs[index].error = complaints.first { $0.field == inputs[index].name }?.message
        }
        return form
    }

    /// What the template shows.
    public func view() throws(TemplateError) -> ViewNode { ViewNode(node) }

    var node: ViewGroup {
        let isUpload = inputs.contains { if case .file = $0.kind { true } else { false } }
        return ViewGroup([
            "id": id, "action": action, "submit": submit, "isDangerous": isDangerous, "isPost": !isSearch,
            "method": isSearch ? "get" : "post", "encoding": isUpload ? "multipart/form-data" : nil,
            "inputs": inputs.map { $0.node(in: id, isSearch: isSearch) },
            "summary": complaints.isEmpty ? nil : ViewGroup(["id": "\(id)-errors", "complaints": links]),
        ])
    }

    private var links: [ViewGroup] {
        complaints.map { complaint in
            let input = inputs.first { $0.name == complaint.field }
            return ViewGroup([
                "message": complaint.message, "target": input?.target(in: id), "label": input?.label,
            ])
        }
    }
}

/// An action that is one button: a form of its own that asks nothing.
public struct ActionButton: ViewModel {
    /// Where it is sent, with POST.
    public let action: String
    /// What the button says.
    public let label: String
    /// What the action is about, for those who do not see the row the button stands in.
    public let subject: String?
    /// What is sent with it.
    public let values: [(name: String, value: String)]
    /// What is asked before, where scripts run; such actions look dangerous.
    public let confirmation: String?

    /// A button.
    ///
    /// - Parameters:
    ///   - label: what it says: a verb.
    ///   - action: where it is sent.
    ///   - subject: what it is about.
    ///   - values: what is sent with it.
    ///   - confirmation: what is asked before an action that cannot be taken back.
    public init(
        _ label: String,
        action: String,
        subject: String? = nil,
        values: [(name: String, value: String)] = [],
        confirmation: String? = nil
    ) {
        self.label = label
        self.action = action
        self.subject = subject
        self.values = values
        self.confirmation = confirmation
    }

    /// What the template `part-action` shows.
    public func view() throws(TemplateError) -> ViewNode { ViewNode(node) }

    var node: ViewGroup {
        ViewGroup([
            "action": action, "label": label, "subject": subject, "confirmation": confirmation,
            "isDangerous": confirmation != nil,
            "values": values.map { ViewGroup(["name": $0.name, "value": $0.value]) },
        ])
    }
}
