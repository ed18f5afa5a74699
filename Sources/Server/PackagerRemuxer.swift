import NIOCore
import Origin
import Packager

/// Gives viewers the forms of media that the packager can make of what it has stored.
struct PackagerRemuxer: MediaRemuxer {
    func transportStreamRefusal(of initialization: ByteBuffer) -> String? {
        do throws(TransportStreamError) {
            try TransportStreamSegment.check(initialization: initialization)
            return nil
        } catch {
            return "\(error)"
        }
    }

    func transportStream(of pieces: [ByteBuffer], initialization: ByteBuffer) throws -> ByteBuffer {
        try TransportStreamSegment(initialization: initialization, pieces: pieces).bytes
    }

    func soundInitialization(_ initialization: ByteBuffer) throws -> ByteBuffer {
        try SoundFilter(initialization: initialization).filteredInitialization()
    }

    func sound(of pieces: [ByteBuffer], initialization: ByteBuffer) throws -> ByteBuffer {
        try SoundFilter(initialization: initialization).filtered(pieces)
    }
}
