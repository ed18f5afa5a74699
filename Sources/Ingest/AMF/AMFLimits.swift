/// What a peer may put into the values of one message.
///
/// Every value costs at least one byte of a message that is capped itself; these caps keep small messages from becoming
/// large structures (a value takes about 40 bytes) and recursion from reaching the end of the stack.
public struct AMFLimits: Hashable, Sendable {
    /// How deep objects and arrays may lie in each other.
    ///
    /// Metadata of real encoders is two levels deep, a connect command with Enhanced RTMP's maps three.
    public var depth = 16
    /// Values of one message.
    ///
    /// The longest real metadata, a list of key frames written by file tools, has some thousands.
    public var values = 16_384
    /// The length of a string in bytes.
    ///
    /// A connect command's page and SWF addresses are the longest strings that mean anything.
    public var stringLength = 64 << 10

    /// The defaults.
    public init() {}
}

/// What is left of ``AMFLimits`` while a message is read.
struct AMFBudget {
    let limits: AMFLimits
    private var remainingValues: Int

    init(_ limits: AMFLimits) {
        self.limits = limits
        remainingValues = limits.values
    }

    /// Pays for values at a depth.
    mutating func spend(_ count: Int = 1, depth: Int) throws(AMFError) {
        guard depth <= limits.depth else { throw .tooDeep(allowed: limits.depth) }
        guard count <= remainingValues else { throw .tooManyValues(allowed: limits.values) }
        remainingValues -= count
    }

    /// Checks the length that a string states.
    func expectString(ofLength length: Int) throws(AMFError) {
        guard length <= limits.stringLength else {
            throw .stringTooLong(length: length, allowed: limits.stringLength)
        }
    }
}

/// Why bytes are not Action Message Format, or more of it than is taken.
enum AMFError: Error, Hashable, CustomStringConvertible {
    /// The message ends inside a value.
    case truncated
    /// An AMF 0 marker that is reserved (movie clip, record set) or that does not exist.
    case unknownMarker(UInt8)
    /// An AMF 3 marker that does not exist.
    case unknownAMF3Marker(UInt8)
    /// An AMF 3 value refers to one that has not come.
    case danglingReference(Int)
    /// An AMF 3 object that only its own class could read.
    case externalizable(className: String)
    /// Objects or arrays lie deeper in each other than is taken.
    case tooDeep(allowed: Int)
    /// One message has more values than are taken.
    case tooManyValues(allowed: Int)
    /// A string is longer than is taken.
    case stringTooLong(length: Int, allowed: Int)

    var description: String {
        switch self {
        case .truncated: "AMF value ends too early"
        case .unknownMarker(let marker): "AMF0 marker \(marker), expected 0 to 17 without 4, 9 and 14"
        case .unknownAMF3Marker(let marker): "AMF3 marker \(marker), expected 0 to 17"
        case .danglingReference(let index): "AMF3 reference \(index) to nothing that came before"
        case .externalizable(let name): "AMF3 object of the class '\(name.printable)', which is read by that class only"
        case .tooDeep(let allowed): "AMF values nested deeper than the \(allowed) levels allowed"
        case .tooManyValues(let allowed): "more than the \(allowed) AMF values allowed in a message"
        case .stringTooLong(let length, let allowed): "AMF string of \(length) bytes, allowed \(allowed)"
        }
    }
}
