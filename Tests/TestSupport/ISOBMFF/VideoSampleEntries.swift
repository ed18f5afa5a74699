extension SampleEntry {
    /// The fields of `hvc1`.
    public struct HEVC: Hashable, Sendable {
        /// Luma samples a row.
        public let width: Int
        /// Luma rows.
        public let height: Int
        /// The payload of `hvcC`.
        public let configuration: [UInt8]
        /// The size of the length before every NAL unit, in bytes.
        public let nalUnitLengthSize: Int
        /// The NAL units of `hvcC`, by their type.
        public let nalUnits: [UInt8: [[UInt8]]]

        /// ISO/IEC 14496-15 §8.3.3.1.
        init(_ fields: inout BoxCursor, _ entry: Box) throws(ISOBMFFError) {
            (width, height) = try SampleEntry.visual(&fields)
            let boxes = Children(fields.bytes, of: entry, try fields.boxes())
            try boxes.allow(["hvcC", "pasp", "colr", "btrt"])
            var cursor = try boxes.cursor("hvcC")
            configuration = Array(cursor.bytes[cursor.position..<cursor.end])
            guard try cursor.u8() == 1 else { throw cursor.fail("configurationVersion other than 1") }
            _ = try cursor.bytes(12)
            guard try cursor.u16() >> 12 == 0xF else { throw cursor.fail("reserved bits before segmentation") }
            guard try cursor.u8() >> 2 == 0x3F, try cursor.u8() >> 2 == 0x3F else {
                throw cursor.fail("reserved bits before parallelismType or chroma_format_idc")
            }
            guard try cursor.u8() >> 3 == 0x1F, try cursor.u8() >> 3 == 0x1F else {
                throw cursor.fail("reserved bits before a bit depth")
            }
            _ = try cursor.u16()
            let lengths = try cursor.u8()
            guard lengths & 3 != 2 else { throw cursor.fail("NAL unit length size 3") }
            nalUnitLengthSize = Int(lengths & 3) + 1
            nalUnits = try Self.arrays(&cursor)
            try cursor.expectEnd()
            for type: UInt8 in 32...34 where nalUnits[type]?.isEmpty != false {
                throw cursor.fail("no parameter set of type \(type)")
            }
        }

        private static func arrays(_ cursor: inout BoxCursor) throws(ISOBMFFError) -> [UInt8: [[UInt8]]] {
            var units: [UInt8: [[UInt8]]] = [:]
            for _ in 0..<(try cursor.u8()) {
                let head = try cursor.u8()
                let type = head & 0x3F
                guard head & 0x40 == 0 else { throw cursor.fail("reserved bit before NAL_unit_type") }
                // §8.4.1.1: `hvc1` has all parameter sets here.
                guard head & 0x80 != 0 || !(32...34).contains(type) else {
                    throw cursor.fail("array_completeness 0 of type \(type)")
                }
                for _ in 0..<(try cursor.u16()) {
                    let unit = try cursor.bytes(Int(try cursor.u16()))
                    guard unit.count > 2, unit[0] >> 1 == type else {
                        throw cursor.fail("NAL unit not of type \(type)")
                    }
                    units[type, default: []].append(unit)
                }
            }
            return units
        }
    }

    /// The fields of `av01`.
    public struct AV1: Hashable, Sendable {
        /// max_frame_width_minus_1 and one.
        public let width: Int
        /// max_frame_height_minus_1 and one.
        public let height: Int
        /// seq_profile.
        public let profile: UInt8
        /// seq_level_idx_0.
        public let level: UInt8
        /// The configOBUs.
        public let configurationUnits: [UInt8]

        /// AV1-ISOBMFF §2.3.
        init(_ fields: inout BoxCursor, _ entry: Box) throws(ISOBMFFError) {
            (width, height) = try SampleEntry.visual(&fields)
            let boxes = Children(fields.bytes, of: entry, try fields.boxes())
            try boxes.allow(["av1C", "pasp", "colr", "btrt"])
            var cursor = try boxes.cursor("av1C")
            guard try cursor.u8() == 0x81 else { throw cursor.fail("marker and version other than 1") }
            let levels = try cursor.u8()
            profile = levels >> 5
            level = levels & 0x1F
            guard profile <= 2 else { throw cursor.fail("seq_profile \(profile)") }
            _ = try cursor.u8()
            let delay = try cursor.u8()
            guard delay >> 5 == 0 else { throw cursor.fail("reserved bits before initial_presentation_delay") }
            guard delay & 0x10 != 0 || delay & 0x0F == 0 else { throw cursor.fail("reserved bits without a delay") }
            configurationUnits = try cursor.bytes(cursor.remaining)
            // §2.3.4: a sequence header first, at most one, with a size.
            guard configurationUnits.count > 2, configurationUnits[0] == 0x0A,
                Int(configurationUnits[1]) == configurationUnits.count - 2
            else { throw cursor.fail("configOBUs are not one sequence header") }
            // AV1 §5.5.1: seq_profile is in the sequence header's first bits.
            guard configurationUnits[2] >> 5 == profile else { throw cursor.fail("another profile in configOBUs") }
        }
    }

    /// The fields of `vp09`.
    public struct VP9: Hashable, Sendable {
        /// Luma samples a row.
        public let width: Int
        /// Luma rows.
        public let height: Int
        /// profile.
        public let profile: UInt8
        /// level.
        public let level: UInt8
        /// bitDepth.
        public let bitDepth: UInt8

        /// VP-ISOBMFF "VP Codec Configuration Box".
        init(_ fields: inout BoxCursor, _ entry: Box) throws(ISOBMFFError) {
            (width, height) = try SampleEntry.visual(&fields)
            let boxes = Children(fields.bytes, of: entry, try fields.boxes())
            try boxes.allow(["vpcC", "pasp", "colr", "btrt", "SmDm", "CoLL"])
            var cursor = try boxes.cursor("vpcC")
            guard try cursor.fullBox(versions: 1...1).flags == 0 else { throw cursor.fail("flags other than 0") }
            profile = try cursor.u8()
            level = try cursor.u8()
            let depths = try cursor.u8()
            bitDepth = depths >> 4
            guard profile <= 3, [8, 10, 12].contains(bitDepth) else { throw cursor.fail("profile or bit depth") }
            guard depths >> 1 & 7 <= 3 else { throw cursor.fail("chromaSubsampling \(depths >> 1 & 7)") }
            _ = try cursor.bytes(3)
            guard try cursor.u16() == 0 else { throw cursor.fail("codecInitializationData in VP9") }
            try cursor.expectEnd()
        }
    }
}
