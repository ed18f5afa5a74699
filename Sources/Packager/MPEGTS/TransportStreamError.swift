/// Why media cannot be carried in an MPEG-2 transport stream here.
public enum TransportStreamError: Error, Hashable, CustomStringConvertible {
    /// The codec has no place in a transport stream that players would know.
    case codec(String)
    /// ADTS cannot say what the AAC configuration says.
    case adts(String)
    /// The NAL units of a picture do not fill it.
    case accessUnit
    /// The stored media cannot be read.
    case unreadable(String)
    /// There is not a single sample.
    case empty

    /// The problem in words, for whoever asked for a transport stream.
    public var description: String {
        switch self {
        case .codec(let name): "\(name) has no place in MPEG-TS"
        case .adts(let what): "AAC in MPEG-TS cannot have \(what)"
        case .accessUnit: "a picture whose NAL units do not fill it"
        case .unreadable(let what): what
        case .empty: "a segment without samples"
        }
    }
}
