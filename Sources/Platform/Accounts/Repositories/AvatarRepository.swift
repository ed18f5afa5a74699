internal import FoundationEssentials
internal import Postgres

/// The statements about `avatar`.
enum AvatarRepository {
    /// What is served.
    struct Picture: Sendable, Equatable {
        let mediaType: String
        let bytes: [UInt8]
    }

    static func name(of id: Int64, on connection: Connection) throws -> String? {
        try connection.queryFirst("SELECT name FROM avatar WHERE account_id = \(id)") { try $0.get("name") }
    }

    static func find(name: String, on connection: Connection) throws -> Picture? {
        try connection.queryFirst("SELECT media_type, bytes FROM avatar WHERE name = \(name)") { row in
            Picture(mediaType: try row.get("media_type"), bytes: try row.get("bytes"))
        }
    }

    static func replace(
        _ bytes: [UInt8],
        _ header: ImageHeader,
        name: String,
        of id: Int64,
        now: Date,
        on connection: Connection
    ) throws {
        try connection.execute(
            """
            INSERT INTO avatar (account_id, name, media_type, width, height, bytes, created_at)
            VALUES (\(id), \(name), \(header.format.rawValue), \(header.width), \(header.height), \(bytes), \(now))
            ON CONFLICT (account_id) DO UPDATE SET name = excluded.name, media_type = excluded.media_type,
                width = excluded.width, height = excluded.height, bytes = excluded.bytes, created_at = excluded.created_at
            """
        )
    }

    static func delete(of id: Int64, on connection: Connection) throws -> Bool {
        try connection.execute("DELETE FROM avatar WHERE account_id = \(id)") == 1
    }
}
