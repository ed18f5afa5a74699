internal import NIOCore
internal import Storage

/// The entries of one box of a sample table while they are collected.
///
/// Hours of media have tens of megabytes of them: only the newest block is in memory.
struct SampleTable {
    /// The bytes that a block has when it goes to the scratch file: a whole number of entries of 4, 8 and 12 bytes.
    private static let blockSize = 24 << 10

    /// How many entries there are.
    private(set) var count = 0
    private let scratch: ScratchFile
    private var block = ByteBuffer()
    private var blocks: [Int] = []

    /// An empty table.
    init(_ scratch: ScratchFile) { self.scratch = scratch }

    /// How many bytes the entries have.
    var byteCount: Int { blocks.count * Self.blockSize + block.readableBytes }

    /// Adds an entry of 4 bytes.
    mutating func append(_ value: UInt32) {
        block.writeInteger(value)
        finishEntry()
    }

    /// Adds an entry of 8 bytes.
    mutating func append(_ value: UInt64) {
        block.writeInteger(value)
        finishEntry()
    }

    /// Adds an entry of 12 bytes.
    mutating func append(_ first: UInt32, _ second: UInt32, _ third: UInt32) {
        block.writeMultipleIntegers(first, second, third)
        finishEntry()
    }

    private mutating func finishEntry() {
        count += 1
        guard block.readableBytes >= Self.blockSize else { return }
        blocks.append(scratch.append(block))
        block.clear()
    }

    /// Gives all entries, in blocks of whole entries.
    func read(_ receive: (ByteBuffer) throws(StorageFailure) -> Void) throws(StorageFailure) {
        for offset in blocks { try receive(try scratch.read(Self.blockSize, at: offset)) }
        if block.readableBytes > 0 { try receive(block) }
    }
}

/// A table whose entries are runs of equal values: `stts` and `ctts` (ISO/IEC 14496-12 §8.6.1).
struct RunLengthTable {
    private(set) var table: SampleTable
    private var value: UInt32 = 0
    private var length: UInt32 = 0

    /// An empty table.
    init(_ scratch: ScratchFile) { table = SampleTable(scratch) }

    /// Adds a value.
    mutating func append(_ next: UInt32) {
        if next != value { finish() }
        value = next
        length += 1
    }

    /// Writes the run that is open, if there is one.
    mutating func finish() {
        guard length > 0 else { return }
        table.append(UInt64(length) << 32 | UInt64(value))
        length = 0
    }
}
