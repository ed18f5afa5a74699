/// What may be a password (ASVS 5.0 §6.2): a length, and not one of those that are tried first.
///
/// No rule asks for kinds of characters, and nothing is cut or changed before it is hashed.
public enum PasswordPolicy {
    /// The fewest Unicode scalars (ASVS 6.2.1).
    public static let minimumLength = 8
    /// The most Unicode scalars (ASVS 6.2.9 asks for at least 64).
    public static let maximumLength = 128

    /// Why a text may not be a password.
    public enum Refusal: Error, Equatable, Sendable {
        /// It has fewer than ``minimumLength`` Unicode scalars.
        case tooShort
        /// It has more than ``maximumLength`` Unicode scalars.
        case tooLong
        /// It is one of those that are tried first, or made of the account's own names.
        case tooCommon
    }

    /// Checks a password that somebody wants to have.
    ///
    /// - Parameters:
    ///   - password: as it was typed.
    ///   - context: what belongs to the account: its address, handle and display name.
    /// - Throws: a ``Refusal``.
    public static func check(_ password: String, context: [String]) throws(Refusal) {
        let length = password.unicodeScalars.count
        guard length >= minimumLength else { throw .tooShort }
        guard length <= maximumLength else { throw .tooLong }
        guard !CommonPasswords.contains(password, context: context) else { throw .tooCommon }
    }
}
