# Varnish as a cache in front of Lyceum, which knows by itself who may watch: docs/cdn.md.
#
# Replace the backend's address by that of Lyceum's HTTP port and CDN-SECRET by the value of LYCEUM_CDN_SECRET.
#
# Each request goes round twice: first the viewer's token is asked about, which is cached for some seconds, then the same
# request is taken up again without the token, so that all viewers share one copy.

vcl 4.1;

import std;

backend default {
    .host = "127.0.0.1";
    .port = "8080";
}

sub vcl_recv {
    # What a viewer says of these is not true.
    unset req.http.Lyceum-CDN;
    if (req.restarts == 0) {
        unset req.http.X-Media;
        unset req.http.X-Access;
        set req.http.X-Forwarded-For = client.ip;
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (synth(405));
    }
    if (req.url ~ "^/(assets/[^/?]+)?(\?.*)?$") {
        return (hash);
    }
    if (req.http.X-Access == "granted") {
        set req.url = req.http.X-Media;
        set req.http.Lyceum-CDN = "CDN-SECRET";
        return (hash);
    }
    if (req.url ~ "^/t/[^/]+/live/[A-Za-z0-9._-]+/(aes/)?[^/]+$") {
        set req.http.X-Media = regsub(req.url, "^/t/[^/]+", "");
        set req.url = regsub(req.url, "^(/t/[^/]+)/live/([^/]+)/.*$", "\1/access/\2");
    } else if (req.url ~ "^/t/[^/]+/(watch|api/v1/lives)/[A-Za-z0-9._-]+(\?.*)?$") {
        set req.http.X-Media = req.url;
        set req.url = regsub(req.url, "^(/t/[^/]+)/(watch|api/v1/lives)/([^/?]+).*$", "\1/access/\3");
    } else if (req.url ~ "^/t/[^/]+/vod/[a-z2-9]+/[^/]+$") {
        set req.http.X-Media = regsub(req.url, "^/t/[^/]+", "");
        set req.url = regsub(req.url, "^(/t/[^/]+)/(vod/[^/]+)/.*$", "\1/access/\2");
    } else if (req.url ~ "^/t/[^/]+/recordings/[a-z2-9]+(\?.*)?$") {
        set req.http.X-Media = req.url;
        set req.url = regsub(req.url, "^(/t/[^/]+)/(recordings/[^/?]+).*$", "\1/access/\2");
    } else {
        return (synth(403));
    }
    set req.http.X-Access = "asked";
    set req.http.Lyceum-CDN = "CDN-SECRET";
    return (hash);
}

sub vcl_hash {
    hash_data(req.url);
    if (req.http.X-Access == "asked") {
        hash_data(req.http.X-Forwarded-For);
    }
    return (lookup);
}

sub vcl_backend_fetch {
    # Ask for the whole of a segment: a range of it can be cut out for every viewer.
    unset bereq.http.Range;
}

sub vcl_backend_response {
    # Stale playlists are no use to anybody.
    set beresp.grace = 0s;
    return (deliver);
}

sub vcl_deliver {
    if (req.http.X-Access == "asked") {
        if (resp.status != 204) {
            return (synth(403));
        }
        set req.http.X-Access = "granted";
        return (restart);
    }
    if (obj.hits > 0) {
        set resp.http.X-Cache = "HIT";
    } else {
        set resp.http.X-Cache = "MISS";
    }
}
