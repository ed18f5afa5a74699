extension SampleEntry {
    /// The fields of `Opus`.
    public struct Opus: Hashable, Sendable {
        /// OutputChannelCount.
        public let channelCount: Int
        /// PreSkip, in samples of 48 kHz.
        public let preSkip: UInt16
        /// InputSampleRate in Hz.
        public let inputSampleRate: UInt32
        /// OutputGain in 1/256 dB.
        public let outputGain: Int16
        /// StreamCount, CoupledCount and ChannelMapping; empty for family 0.
        public let mapping: [UInt8]

        /// Opus-in-ISOBMFF §4.3.
        init(_ fields: inout BoxCursor, _ entry: Box) throws(ISOBMFFError) {
            let sound = try SampleEntry.sound(&fields)
            guard sound.sampleSize == 16, sound.sampleRate == 48_000 else {
                throw fields.fail("samples of \(sound.sampleSize) bits at \(sound.sampleRate) Hz, expected 16 at 48000")
            }
            let boxes = Children(fields.bytes, of: entry, try fields.boxes())
            try boxes.allow(["dOps", "btrt"])
            var cursor = try boxes.cursor("dOps")
            guard try cursor.u8() == 0 else { throw cursor.fail("Version other than 0") }
            channelCount = Int(try cursor.u8())
            guard channelCount == sound.channelCount else { throw cursor.fail("channelcount differs from dOps") }
            preSkip = try cursor.u16()
            inputSampleRate = try cursor.u32()
            outputGain = Int16(bitPattern: try cursor.u16())
            let family = try cursor.u8()
            guard family != 0 || channelCount <= 2 else { throw cursor.fail("\(channelCount) channels in family 0") }
            mapping = family == 0 ? [] : try cursor.bytes(2 + channelCount)
            try cursor.expectEnd()
        }
    }

    /// The fields of `fLaC`.
    public struct FLAC: Hashable, Sendable {
        /// Channels.
        public let channelCount: Int
        /// Bits of a sample.
        public let sampleSize: Int
        /// In Hz, from STREAMINFO.
        public let sampleRate: Int

        /// FLAC-in-ISOBMFF §3.3, RFC 9639 §8.2.
        init(_ fields: inout BoxCursor, _ entry: Box) throws(ISOBMFFError) {
            let sound = try SampleEntry.sound(&fields)
            let boxes = Children(fields.bytes, of: entry, try fields.boxes())
            try boxes.allow(["dfLa", "btrt"])
            var cursor = try boxes.cursor("dfLa")
            guard try cursor.fullBox(versions: 0...0).flags == 0 else { throw cursor.fail("flags other than 0") }
            guard try cursor.u32() == 0x8000_0022 else { throw cursor.fail("STREAMINFO is not the only block") }
            _ = try cursor.bytes(10)
            let packed = try cursor.u64()
            sampleRate = Int(packed >> 44)
            channelCount = Int(packed >> 41 & 7) + 1
            sampleSize = Int(packed >> 36 & 0x1F) + 1
            _ = try cursor.bytes(16)
            try cursor.expectEnd()
            guard channelCount == sound.channelCount, sampleSize == sound.sampleSize else {
                throw cursor.fail("\(sound) differs from STREAMINFO")
            }
            guard sound.sampleRate == (sampleRate <= 0xFFFF ? sampleRate : 0) else {
                throw cursor.fail("samplerate \(sound.sampleRate), STREAMINFO has \(sampleRate)")
            }
        }
    }

    /// The fields of `ac-3` and `ec-3`.
    public struct Dolby: Hashable, Sendable {
        /// Channels.
        public let channelCount: Int
        /// In Hz.
        public let sampleRate: Int
        /// The payload of `dac3` or `dec3`.
        public let configuration: [UInt8]

        /// ETSI TS 102 366 §F.4, §F.6.
        init(_ fields: inout BoxCursor, _ entry: Box, box: String) throws(ISOBMFFError) {
            let sound = try SampleEntry.sound(&fields)
            guard sound.sampleSize == 16 else { throw fields.fail("samplesize other than 16") }
            (channelCount, sampleRate) = (sound.channelCount, sound.sampleRate)
            let boxes = Children(fields.bytes, of: entry, try fields.boxes())
            try boxes.allow([box, "btrt"])
            var cursor = try boxes.cursor(box)
            configuration = Array(cursor.bytes[cursor.position..<cursor.end])
            let frequencyCode: UInt8
            if box == "dac3" {
                frequencyCode = try cursor.u8() >> 6
                guard try cursor.u16() & 0x1F == 0 else { throw cursor.fail("reserved bits of dac3") }
            } else {
                let head = try cursor.u16()
                guard head >> 3 > 0 else { throw cursor.fail("data_rate 0") }
                frequencyCode = try cursor.u8() >> 6
                _ = try cursor.u8()
                for _ in 0..<Int(head & 7) { try Self.skipDependents(&cursor, rest: 2) }
                try Self.skipDependents(&cursor, rest: 0)
            }
            try cursor.expectEnd()
            let rates = [48_000, 44_100, 32_000, sampleRate]
            guard sampleRate == rates[Int(frequencyCode)] else {
                throw cursor.fail("samplerate \(sampleRate) with fscod \(frequencyCode)")
            }
        }

        /// The third byte of a substream, chan_loc, and the bytes of the next one before its third.
        private static func skipDependents(_ cursor: inout BoxCursor, rest: Int) throws(ISOBMFFError) {
            let dependents = try cursor.u8()
            guard dependents >> 5 == 0 else { throw cursor.fail("reserved bits of dec3") }
            if dependents >> 1 & 0xF > 0 { _ = try cursor.u8() }
            _ = try cursor.bytes(rest)
        }
    }
}
