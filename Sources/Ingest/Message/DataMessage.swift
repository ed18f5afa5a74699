import MediaCore
import NIOCore

/// What a data message says (RTMP 1.0 §7.1.2): a name and values, at times behind `@setDataFrame`.
enum DataMessage: Hashable {
    /// onMetaData, bare or behind @setDataFrame.
    ///
    /// Only the encoder's name is taken: the bitstream tells the rest truly.
    case metadata(encoder: String?)
    /// Something said at the moment of the message: onTextData, onCuePoint, onCaption, onFI and what else there is.
    case timed(name: String, json: String)
    /// Nothing for viewers, and why.
    case ignored(String)

    /// Longer ones are not looked into: what matters in them is far shorter.
    private static let maximumLength = 64 << 10

    /// Reads a data message of either AMF.
    init(_ message: RTMPMessage, limits: AMFLimits = AMFLimits()) {
        let length = message.payload.readableBytes
        guard length <= Self.maximumLength else {
            self = .ignored("data message of \(length) bytes")
            return
        }
        do throws(AMFError) {
            self.init(try AMF0Decoder.values(in: message.amf0Payload, limits: limits))
        } catch {
            self = .ignored("data message: \(error)")
        }
    }

    private init(_ all: [AMF0Value]) {
        let values = all.first?.string == "@setDataFrame" ? all.dropFirst() : all[...]
        guard let name = values.first?.string else {
            self = .ignored("data message without a name")
            return
        }
        switch name {
        case "onMetaData":
            let encoder = values.dropFirst().lazy.compactMap { $0["encoder"]?.string }.first
            self = .metadata(encoder: encoder?.printable)
        // What a Flash player may read of the samples, and the end of what @setDataFrame began.
        case "|RtmpSampleAccess", "@clearDataFrame": self = .ignored("data message \(name)")
        default:
            let said = values.dropFirst().map(\.json)
            let json = (said.count == 1 ? said[0] : .array(said)).text
            guard json.utf8.count <= TimedMetadata.maximumLength else {
                self = .ignored("data message \(name.printable): \(json.utf8.count) bytes as JSON")
                return
            }
            self = .timed(name: name.printable, json: json)
        }
    }
}

extension AMF0Value {
    /// The value as JSON has it: dates as milliseconds since 1970; what has no such form is null.
    var json: JSON {
        switch self {
        case .number(let number): .decimal(number)
        case .boolean(let flag): .boolean(flag)
        case .string(let text), .xmlDocument(let text): .string(text)
        case .object(let properties), .ecmaArray(let properties), .typedObject(_, let properties):
            .object(properties.map { ($0.name, $0.value.json) })
        case .strictArray(let elements): .array(elements.map(\.json))
        case .date(let milliseconds, _): .decimal(milliseconds)
        case .null, .undefined, .unsupported, .reference: .null
        }
    }
}
