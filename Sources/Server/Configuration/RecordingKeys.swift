/// The settings of recordings: how long they stay, and the store.
extension ConfigurationKey {
    /// All of them.
    static let recordings = [
        recordDays, recordBytes, recordFreeBytes, recordLocalDays, storeDirectory, s3Bucket, s3Endpoint, s3Region,
        s3Addressing, s3Prefix, s3AccessKey, s3SecretKey, s3SessionToken,
    ]

    static let recordDays = ConfigurationKey(
        path: ["record_days"],
        defaultValue: "",
        expected: "a number of days from 0 to 36500, or nothing",
        summary: "after how many days a recording is deleted; nothing: never",
        shownDefault: "none",
        meaning: """
            after how many days a recording is deleted, 0 to 36500; none: never ([Storage](storage.md#retention))
            """
    )
    static let recordBytes = ConfigurationKey(
        path: ["record_bytes"],
        defaultValue: "",
        expected: "a number of bytes such as 500G or 2T, or nothing",
        summary: "how many bytes all recordings may have together; the oldest go first",
        shownDefault: "none",
        meaning: """
            how many bytes all recordings may have together, such as `500G` or `2T` (K, M, G and T stand for 1024 \
            bytes and so on): beyond that the oldest are deleted
            """
    )
    static let recordFreeBytes = ConfigurationKey(
        path: ["record_free_bytes"],
        defaultValue: "0",
        expected: "a number of bytes such as 500M or 2G, or 0",
        summary: "how many bytes of the disk stay free; recordings are deleted for them, the oldest first; 0: none are",
        meaning: """
            how many bytes of the disk stay free, such as `2G`: for them media leaves the disk that the store has \
            too, then the oldest recordings are deleted. `0`: nothing is deleted, and a full disk costs what would \
            be recorded
            """
    )
    static let recordLocalDays = ConfigurationKey(
        path: ["record_local_days"],
        defaultValue: "",
        expected: "a number of days from 0 to 36500, or nothing",
        summary: "after how many days media that is in the store leaves the disk; nothing: never",
        shownDefault: "none",
        meaning: """
            after how many days the media of a recording leaves the disk when it is in the store, 0 for at once; \
            none: it stays
            """
    )
    static let storeDirectory = ConfigurationKey(
        path: ["store", "dir"],
        defaultValue: "",
        expected: "a folder, or nothing; not together with LYCEUM_S3_BUCKET",
        summary: "a folder that servers share, such as on NFS, as the store of recordings",
        shownDefault: "none",
        meaning: """
            a folder that several servers share, such as on NFS, as the store of recordings \
            ([Storage](storage.md#object-storage))
            """
    )
    static let s3Bucket = ConfigurationKey(
        path: ["s3", "bucket"],
        defaultValue: "",
        expected: "the name of a bucket, or nothing for no store",
        summary: "the bucket that is the store of recordings",
        shownDefault: "none",
        meaning: """
            a bucket as the store of recordings
            """
    )
    static let s3Endpoint = ConfigurationKey(
        path: ["s3", "endpoint"],
        defaultValue: "",
        expected: "an address https://HOST[:PORT] or http://HOST[:PORT], or nothing for Amazon's",
        summary: "the S3 server with the bucket",
        shownDefault: "Amazon's server of the region",
        meaning: """
            the S3 server, `https://HOST[:PORT]`, or `http://` on a network that nobody else is on
            """
    )
    static let s3Region = ConfigurationKey(
        path: ["s3", "region"],
        defaultValue: "us-east-1",
        expected: "the name of a region",
        summary: "the region that the bucket is in",
        meaning: """
            the region that the bucket is in; servers other than Amazon's often take any
            """
    )
    static let s3Addressing = ConfigurationKey(
        path: ["s3", "addressing"],
        defaultValue: "",
        expected: "path, host, or nothing: path with an endpoint, else host",
        summary: "whether the bucket is in the path or in the host name",
        shownDefault: "`path` with an endpoint, else `host`",
        meaning: """
            whether the bucket is in the path or in the host name
            """
    )
    static let s3Prefix = ConfigurationKey(
        path: ["s3", "prefix"],
        defaultValue: "",
        expected: "a path such as lyceum/recordings without full stops at the beginning of a part, or nothing",
        summary: "what names in the bucket begin with",
        shownDefault: "none",
        meaning: """
            what names in the bucket begin with, such as `lyceum/recordings`
            """
    )
    static let s3AccessKey = ConfigurationKey(
        path: ["s3", "access_key"],
        defaultValue: "",
        expected: "the identifier of an access key; needed for LYCEUM_S3_BUCKET",
        summary: "who asks the S3 server",
        shownDefault: "none",
        meaning: """
            the identifier of an access key that may list, read, write and delete there
            """
    )
    static let s3SecretKey = ConfigurationKey(
        path: ["s3", "secret_key"],
        defaultValue: "",
        expected: "the secret of the access key; needed for LYCEUM_S3_BUCKET",
        summary: "signs what the S3 server is asked",
        shownDefault: "none",
        meaning: """
            its secret
            """,
        isSecret: true
    )
    static let s3SessionToken = ConfigurationKey(
        path: ["s3", "session_token"],
        defaultValue: "",
        expected: "the token of temporary keys, or nothing",
        summary: "what goes with keys of S3 that hold for a while",
        shownDefault: "none",
        meaning: """
            the token of keys that hold for a while only
            """,
        isSecret: true
    )
}
