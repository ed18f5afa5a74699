internal import CLibAV

/// What a function of FFmpeg's libraries did not do.
public struct LibAVError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The function, or what it was to do.
    public let operation: String
    /// Its return value: below zero.
    public let code: Int32

    /// What is wrong, in the library's words.
    public var description: String {
        var text = [CChar](repeating: 0, count: Int(AV_ERROR_MAX_STRING_SIZE))
        av_strerror(code, &text, text.count)
        let bytes = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        return "\(operation): \(String(decoding: bytes, as: UTF8.self))"
    }

    /// The return value of a function, if it is no error.
    @discardableResult
    static func check(_ operation: String, _ code: Int32) throws(LibAVError) -> Int32 {
        guard code >= 0 else { throw LibAVError(operation: operation, code: code) }
        return code
    }
}
