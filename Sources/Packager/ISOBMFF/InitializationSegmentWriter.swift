internal import MediaCore
internal import NIOCore

/// Writes the initialization segment: `ftyp` and a `moov` without samples (RFC 8216 §3.3, ISO/IEC 14496-12 §8.2).
enum InitializationSegmentWriter {
    /// The initialization segment of these tracks; track_ID counts from 1 in their order.
    static func write(_ tracks: [(track: Track, timescale: Int64)]) -> ByteBuffer {
        var writer = BoxWriter(capacity: 2048)
        writer.box("ftyp") { box in
            box.writeLetters("iso6")
            box.write(UInt32(0))
            box.writeLetters("iso6")
            box.writeLetters("mp41")
        }
        writer.box("moov") { moov in
            writeMovieHeader(nextTrackID: UInt32(tracks.count + 1), to: &moov)
            for (index, entry) in tracks.enumerated() {
                writeTrack(entry.track, id: UInt32(index + 1), timescale: entry.timescale, to: &moov)
            }
            moov.box("mvex") { mvex in
                for index in tracks.indices { writeTrackDefaults(id: UInt32(index + 1), to: &mvex) }
            }
        }
        return writer.buffer
    }

    private static func writeMovieHeader(nextTrackID: UInt32, to writer: inout BoxWriter) {
        writer.fullBox("mvhd") { box in
            box.writeZeros(8)  // creation_time, modification_time
            box.write(UInt32(1000))
            box.write(UInt32(0))  // duration: unknown, the fragments have it
            box.write(UInt32(0x0001_0000))  // rate 1.0
            box.write(UInt16(0x0100))  // volume 1.0
            box.writeZeros(10)
            writeUnityMatrix(to: &box)
            box.writeZeros(24)
            box.write(nextTrackID)
        }
    }

    private static func writeUnityMatrix(to writer: inout BoxWriter) {
        for value: UInt32 in [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000] { writer.write(value) }
    }

    /// Three letters of five bits (§8.4.2.3).
    private static func languageCode(_ language: String) -> UInt16 {
        language.utf8.prefix(3).reduce(0) { $0 << 5 | UInt16($1 & 0x1F) }
    }

    /// The matrix that turns a picture (§6.2.2): x' = ax + cy + x, y' = bx + dy + y, so that the turned picture lies where the
    /// unturned one would.
    private static func writeMatrix(of track: Track, to writer: inout BoxWriter) {
        let one: Int32 = 0x0001_0000
        let (width, height) = (
            Int32(clamping: track.configuration.picture?.width ?? 0) << 16,
            Int32(clamping: track.configuration.picture?.height ?? 0) << 16
        )
        let (a, b, c, d, x, y): (Int32, Int32, Int32, Int32, Int32, Int32) =
            switch track.labels.rotation {
            case .none: (one, 0, 0, one, 0, 0)
            case .quarter: (0, one, -one, 0, height, 0)
            case .half: (-one, 0, 0, -one, width, height)
            case .threeQuarters: (0, -one, one, 0, 0, width)
            }
        for value in [a, b, 0, c, d, 0, x, y, 0x4000_0000] { writer.write(UInt32(bitPattern: value)) }
    }

    private static func writeTrack(_ track: Track, id: UInt32, timescale: Int64, to writer: inout BoxWriter) {
        writer.box("trak") { trak in
            writeTrackHeader(track, id: id, to: &trak)
            trak.box("mdia") { mdia in
                mdia.fullBox("mdhd") { box in
                    box.writeZeros(8)
                    box.write(UInt32(truncatingIfNeeded: timescale))
                    box.write(UInt32(0))
                    box.write(languageCode(track.labels.language ?? "und"))
                    box.write(UInt16(0))
                }
                writeHandler(track.id.kind, to: &mdia)
                writeMediaInformation(track, to: &mdia)
            }
        }
    }

    private static func writeTrackHeader(_ track: Track, id: UInt32, to writer: inout BoxWriter) {
        // Flags: enabled, in the movie, in its preview (§8.3.2.3).
        writer.fullBox("tkhd", flags: 0b111) { box in
            box.writeZeros(8)
            box.write(id)
            box.writeZeros(4)
            box.write(UInt32(0))  // duration
            box.writeZeros(8)
            box.write(UInt16(0))  // layer
            box.write(UInt16(track.id.kind == .video ? 0 : 1))  // alternate_group
            box.write(UInt16(track.id.kind == .video ? 0 : 0x0100))  // volume
            box.write(UInt16(0))
            writeMatrix(of: track, to: &box)
            // 16.16, and 0 by 0 for sound.
            let picture = track.configuration.picture
            box.write(UInt32(UInt16(clamping: picture?.width ?? 0)) << 16)
            box.write(UInt32(UInt16(clamping: picture?.height ?? 0)) << 16)
        }
    }

    private static func writeHandler(_ kind: MediaKind, to writer: inout BoxWriter) {
        writer.fullBox("hdlr") { box in
            box.write(UInt32(0))
            box.writeLetters(kind == .video ? "vide" : "soun")
            box.writeZeros(12)
            box.writeLetters(kind == .video ? "Video\0" : "Audio\0")
        }
    }

    private static func writeMediaInformation(_ track: Track, to writer: inout BoxWriter) {
        writer.box("minf") { minf in
            switch track.id.kind {
            case .video: minf.fullBox("vmhd", flags: 1) { $0.writeZeros(8) }
            case .audio: minf.fullBox("smhd") { $0.writeZeros(4) }
            }
            minf.box("dinf") { dinf in
                dinf.fullBox("dref") { dref in
                    dref.write(UInt32(1))
                    dref.fullBox("url ", flags: 1) { _ in }  // the media is in this file
                }
            }
            minf.box("stbl") { stbl in
                stbl.fullBox("stsd") { stsd in
                    stsd.write(UInt32(1))
                    SampleEntryWriter.write(track.configuration, to: &stsd)
                }
                // The mandatory tables, empty: the fragments have the samples.
                for table: StaticString in ["stts", "stsc", "stco"] { stbl.fullBox(table) { $0.write(UInt32(0)) } }
                stbl.fullBox("stsz") { $0.writeZeros(8) }
            }
        }
    }

    private static func writeTrackDefaults(id: UInt32, to writer: inout BoxWriter) {
        writer.fullBox("trex") { box in
            box.write(id)
            box.write(UInt32(1))  // default_sample_description_index
            box.writeZeros(12)
        }
    }
}
