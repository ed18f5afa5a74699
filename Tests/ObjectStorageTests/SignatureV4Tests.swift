import Cryptography
import MediaCore
import NIOHTTP1
import Storage
import Testing

@testable import ObjectStorage

/// Signatures, against those that Amazon publishes.
@Suite("Signature version 4")
struct SignatureV4Tests {
    /// The examples of "Signature Calculations for the Authorization Header" in Amazon's S3 API reference.
    @Test(
        "the examples of the S3 reference have their signatures",
        arguments: [
            (
                "GET", "/test.txt", [], [("range", "bytes=0-9")], "",
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
            ),
            (
                "PUT", "/test%24file.text", [],
                [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
                "Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
            ),
            (
                "GET", "/", [("lifecycle", "")], [], "",
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
            ),
            (
                "GET", "/", [("prefix", "J"), ("max-keys", "2")], [], "",
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
            ),
        ] as [(String, String, [(String, String)], [(String, String)], String, String)]
    )
    func reference(
        method: String,
        path: String,
        query: [(String, String)],
        fields: [(String, String)],
        content: String,
        signature: String
    ) {
        let signer = SignatureV4(
            accessKey: "AKIAIOSFODNN7EXAMPLE",
            secretKey: Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            region: "us-east-1"
        )
        let hash = Hexadecimal.text(SHA256.digest(of: Array(content.utf8)))
        let all =
            fields + [
                ("host", "examplebucket.s3.amazonaws.com"), ("x-amz-content-sha256", hash),
                ("x-amz-date", "20130524T000000Z"),
            ]
        let request = SignatureV4.Request(method: method, path: path, query: query, fields: all, payloadHash: hash)
        let value = signer.authorization(request, time: 1_369_353_600)
        #expect(value.hasPrefix("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"))
        #expect(value.hasSuffix(",Signature=\(signature)"))
    }

    /// Of Amazon's test suite for signature version 4 (aws-sig-v4-test-suite), what is not about peculiarities of paths.
    @Test(
        "requests of the test suite have their signatures",
        arguments: [
            ("GET", "/", [], [], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("POST", "/", [], [], "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                "GET", "/", [("Param2", "value2"), ("Param1", "value1")], [],
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
            ),
            (
                "POST", "/", [("Param1", "value1")], [],
                "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"
            ),
            ("GET", "/\u{1234}", [], [], "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
            (
                "GET", "/", [], [("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"
            ),
        ] as [(String, String, [(String, String)], [(String, String)], String)]
    )
    func suite(method: String, path: String, query: [(String, String)], fields: [(String, String)], signature: String) {
        let signer = SignatureV4(
            accessKey: "AKIDEXAMPLE",
            secretKey: Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            region: "us-east-1",
            service: "service"
        )
        let request = SignatureV4.Request(
            method: method,
            path: SignatureV4.encoded(path, keepsSlashes: true),
            query: query,
            fields: fields + [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")],
            payloadHash: SignatureV4.emptyPayload
        )
        #expect(signer.authorization(request, time: 1_440_938_160).hasSuffix("Signature=\(signature)"))
    }

    private func configuration(_ endpoint: String, _ addressing: S3Configuration.Addressing) throws -> S3Configuration {
        S3Configuration(
            endpoint: try #require(S3Endpoint(endpoint)),
            region: "eu-central-1",
            bucket: "recordings",
            addressing: addressing,
            credentials: .init(accessKey: "AKID", secretKey: Secret("secret"), sessionToken: Secret("token"))
        )
    }

    @Test("the bucket is in the path or in the host name, and the prefix before every name")
    func addresses() throws {
        var byPath = try configuration("http://127.0.0.1:9000/", .path)
        byPath.prefix = "school 1/"
        let get = S3Request(method: .GET, key: ObjectKey("abc/a+b.mp4"), query: [("partNumber", "1"), ("a", "b/c")])
        #expect(
            get.signed(for: byPath, payloadHash: "", time: 0).url
                == "http://127.0.0.1:9000/recordings/school%201/abc/a%2Bb.mp4?a=b%2Fc&partNumber=1"
        )
        let byHost = try configuration("https://S3.Example.com:443", .host)
        let signed = get.signed(for: byHost, payloadHash: "", time: 0)
        #expect(signed.url == "https://recordings.s3.example.com/abc/a%2Bb.mp4?a=b%2Fc&partNumber=1")
        #expect(signed.fields.contains { $0 == ("host", "recordings.s3.example.com") })
        let list = S3Request(method: .GET).signed(for: byHost, payloadHash: "", time: 0)
        #expect(list.url == "https://recordings.s3.example.com/")
        #expect(
            S3Request(method: .GET).signed(for: byPath, payloadHash: "", time: 0).url
                == "http://127.0.0.1:9000/recordings"
        )
    }

    @Test("a session token goes with the request and is signed")
    func token() throws {
        let signed = S3Request(method: .GET).signed(
            for: try configuration("https://a.b", .path),
            payloadHash: "",
            time: 0
        )
        #expect(signed.fields.contains { $0 == ("x-amz-security-token", "token") })
        let authorization = try #require(signed.fields.last)
        #expect(
            authorization.value.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,")
        )
        #expect(!authorization.value.contains("secret"))
    }

    @Test("content is signed where the connection does not protect it")
    func content() throws {
        #expect(try configuration("http://a", .path).signsContent)
        #expect(try !configuration("https://a", .path).signsContent)
    }

    @Test(
        "what is no address of a server is refused",
        arguments: ["", "https://", "ftp://a", "https://a/b", "https://a b", "a"]
    )
    func endpoints(text: String) {
        #expect(S3Endpoint(text) == nil)
    }

    @Test("nothing that shows the configuration shows a secret")
    func secrets() throws {
        let configuration = try configuration("https://a", .path)
        var shown = ""
        dump(configuration, to: &shown)
        for text in [shown, "\(configuration)", String(reflecting: configuration)] {
            #expect(!text.contains("\"secret\"") && !text.contains("\"token\"") && text.contains("<redacted>"))
        }
    }
}
