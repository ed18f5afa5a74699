internal import CLibAV
internal import MediaCore
internal import NIOCore

/// One stream of a file on its way to becoming a track: read as it is, or transcoded.
struct StreamImport {
    private enum Way {
        case read(PacketReader)
        case transcode(any TrackTranscoder)
    }

    /// The largest packet believed: a keyframe of 4K at its very best has a tenth of it.
    private static let maximumPacketSize = 32 << 20

    let stream: SourceStream
    let track: TrackID
    private var way: Way
    private var hasAnnounced = false
    private var lastDecodeTime: MediaTime?
    private var lastDuration = MediaTime.milliseconds(20)
    /// Packets that were left out because they are broken.
    private(set) var brokenPackets = 0

    /// Reads a stream as it is.
    init(reading stream: SourceStream, as track: TrackID) throws(CodecConfigurationError) {
        self.stream = stream
        self.track = track
        way = .read(try PacketReader(stream))
    }

    /// Transcodes a stream.
    init(transcoding stream: SourceStream, as track: TrackID, with transcoder: any TrackTranscoder) {
        self.stream = stream
        self.track = track
        way = .transcode(transcoder)
    }

    /// Takes a packet of the stream.
    mutating func receive(_ packet: UnsafePointer<AVPacket>, into outlet: ImportOutlet) throws(LibAVError) {
        let size = packet.pointee.size
        guard size > 0, Int(size) <= Self.maximumPacketSize, packet.pointee.data != nil else {
            if size != 0 { brokenPackets += 1 }
            return
        }
        switch way {
        case .transcode(let transcoder): try transcoder.receive(packet, into: outlet)
        case .read(var reader):
            // One owner at a time, so that nothing of it is copied.
            way = .read(reader)
            read(packet, with: &reader, into: outlet)
            way = .read(reader)
        }
    }

    /// Gives what is left, after the last packet.
    mutating func finish(into outlet: ImportOutlet) throws(LibAVError) {
        if case .transcode(let transcoder) = way { try transcoder.finish(into: outlet) }
    }

    private mutating func read(
        _ packet: UnsafePointer<AVPacket>,
        with reader: inout PacketReader,
        into outlet: ImportOutlet
    ) {
        let flags = packet.pointee.flags
        // A part of a frame of sound cannot be told from a whole one.
        if flags & AV_PKT_FLAG_CORRUPT != 0, track.kind == .audio {
            brokenPackets += 1
            return
        }
        let bytes = UnsafeRawBufferPointer(start: packet.pointee.data, count: Int(packet.pointee.size))
        let reading: PacketReader.Reading
        do throws(PacketReader.Fault) {
            reading = try reader.read(ByteBuffer(bytes: bytes), isKeyframe: flags & AV_PKT_FLAG_KEY != 0)
        } catch {
            if error == .broken { brokenPackets += 1 }
            return
        }
        if reading.configuration != nil || !hasAnnounced, let configuration = reader.currentConfiguration {
            hasAnnounced = true
            outlet.configure(Track(id: track, configuration: configuration, labels: stream.labels))
        }
        let times = times(of: packet)
        let unit = AccessUnit(
            trackID: track,
            decodeTime: times.decode,
            compositionOffset: track.kind == .video ? times.presentation - times.decode : .zero,
            isSync: reading.isSync,
            payload: reading.payload,
            sampleCount: reading.sampleCount,
            duration: times.duration
        )
        if flags & AV_PKT_FLAG_DISCARD != 0 {
            outlet.receiveHidden(unit)
        } else {
            outlet.receive(unit)
        }
    }

    /// The times of a packet; what it leaves out goes on from the one before.
    private mutating func times(
        of packet: UnsafePointer<AVPacket>
    ) -> (decode: MediaTime, presentation: MediaTime, duration: MediaTime?) {
        let duration = packet.pointee.duration > 0 ? time(packet.pointee.duration) : nil
        let presentation = time(packet.pointee.pts)
        let next = lastDecodeTime.map { $0 + lastDuration }
        // Sound is heard when it is said to be: where its decode time differs, that is an error of the writer.
        let stated = track.kind == .audio ? presentation ?? time(packet.pointee.dts) : time(packet.pointee.dts)
        let decode = stated ?? next ?? presentation ?? .zero
        if let lastDecodeTime, decode > lastDecodeTime, decode - lastDecodeTime < .milliseconds(1000) {
            lastDuration = decode - lastDecodeTime
        }
        lastDecodeTime = decode
        return (decode, presentation ?? decode, duration)
    }

    private func time(_ ticks: Int64) -> MediaTime? {
        let base = stream.timeBase
        guard ticks != lyceum_av_no_pts, base.num > 0, base.den > 0 else { return nil }
        let nanoseconds = av_rescale(ticks, Int64(base.num) * 1_000_000_000, Int64(base.den))
        guard abs(nanoseconds) <= MediaTime.limit.nanoseconds >> 4 else { return nil }
        return MediaTime(nanoseconds: nanoseconds)
    }
}
