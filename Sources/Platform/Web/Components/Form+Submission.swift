public import Kernel

extension Form {
    /// The form with what a person sent filled in; secrets and files stay empty.
    ///
    /// - Parameter fields: the submitted fields; what the form does not ask is left out.
    /// - Returns: the form, filled in.
    public func filled(with fields: FormFields) -> Form {
        var values: [String: [String]] = [:]
        for field in fields.fields { values[field.name, default: []].append(field.value) }
        // A box that is ticked may come as any of the words that browsers and programs send for it.
        for input in inputs {
            if case .checkbox = input.kind, let value = values[input.name]?.first {
                values[input.name] = [["true", "on", "1"].contains(value) ? "true" : "false"]
            }
        }
        return filled(with: values)
    }

    /// The form with what was wrong, at each question and on top of all.
    ///
    /// - Parameter errors: what the schema or the module found; their details end a sentence about the field, which begins
    ///   with its label here.
    /// - Returns: the form with its complaints.
    public func refused(_ errors: [FieldError]) -> Form {
        refused(
            errors.map { error in
                let input = inputs.first { $0.name == error.field && $0.isVisible }
                return Complaint(field: input?.name, message: "\(input?.label ?? error.field) \(error.detail)")
            }
        )
    }

    /// The form as it goes back to a person whose answers cannot be accepted: with the answers, and with what is wrong.
    ///
    /// - Parameters:
    ///   - fields: the submitted fields.
    ///   - errors: what is wrong with them.
    /// - Returns: the form to show with status 422.
    public func again(_ fields: FormFields, _ errors: [FieldError]) -> Form {
        filled(with: fields).refused(errors)
    }

    /// The form as it goes back to a person after a problem: a 422's errors at their fields, any other on top.
    ///
    /// - Parameters:
    ///   - fields: the submitted fields.
    ///   - problem: what keeps the answers from being accepted.
    /// - Returns: the form to show with the problem's status.
    public func again(_ fields: FormFields, _ problem: Problem) -> Form {
        guard problem.errors.isEmpty else { return again(fields, problem.errors) }
        return filled(with: fields).refused([Complaint(field: nil, message: problem.detail ?? problem.title)])
    }
}

extension Input {
    /// Whether a person sees the question, so that a link can lead there.
    var isVisible: Bool {
        if case .hidden = kind { false } else { true }
    }
}
