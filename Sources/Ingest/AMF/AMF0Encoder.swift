import NIOCore

extension ByteBuffer {
    /// Writes values in Action Message Format 0.
    mutating func writeAMF0(_ values: some Sequence<AMF0Value>) {
        for value in values { writeAMF0(value) }
    }

    /// Writes a value in Action Message Format 0.
    mutating func writeAMF0(_ value: AMF0Value) {
        switch value {
        case .number(let number):
            writeMultipleIntegers(AMF0Value.Marker.number, number.bitPattern)
        case .boolean(let flag):
            writeMultipleIntegers(AMF0Value.Marker.boolean, UInt8(flag ? 1 : 0))
        case .string(let text):
            writeAMF0String(text)
        case .object(let properties):
            writeInteger(AMF0Value.Marker.object)
            writeProperties(properties)
        case .null:
            writeInteger(AMF0Value.Marker.null)
        case .undefined:
            writeInteger(AMF0Value.Marker.undefined)
        case .reference(let index):
            writeMultipleIntegers(AMF0Value.Marker.reference, index)
        case .ecmaArray(let properties):
            writeMultipleIntegers(AMF0Value.Marker.ecmaArray, UInt32(clamping: properties.count))
            writeProperties(properties)
        case .strictArray(let elements):
            writeMultipleIntegers(AMF0Value.Marker.strictArray, UInt32(clamping: elements.count))
            writeAMF0(elements)
        case .date(let milliseconds, let timeZone):
            writeMultipleIntegers(AMF0Value.Marker.date, milliseconds.bitPattern, timeZone)
        case .unsupported:
            writeInteger(AMF0Value.Marker.unsupported)
        case .xmlDocument(let text):
            writeMultipleIntegers(AMF0Value.Marker.xmlDocument, UInt32(clamping: text.utf8.count))
            writeBytes(text.utf8)
        case .typedObject(let className, let properties):
            writeInteger(AMF0Value.Marker.typedObject)
            writeName(className)
            writeProperties(properties)
        }
    }

    private mutating func writeAMF0String(_ text: String) {
        if let length = UInt16(exactly: text.utf8.count) {
            writeMultipleIntegers(AMF0Value.Marker.string, length)
        } else {
            writeMultipleIntegers(AMF0Value.Marker.longString, UInt32(clamping: text.utf8.count))
        }
        writeBytes(text.utf8)
    }

    private mutating func writeProperties(_ properties: [AMF0Property]) {
        for property in properties {
            writeName(property.name)
            writeAMF0(property.value)
        }
        writeMultipleIntegers(UInt16(0), AMF0Value.Marker.objectEnd)
    }

    /// Writes a name.
    ///
    /// It has no long form (§2.5): names of ours are literals.
    private mutating func writeName(_ name: String) {
        let bytes = name.utf8.prefix(Int(UInt16.max))
        writeInteger(UInt16(bytes.count))
        writeBytes(bytes)
    }
}
