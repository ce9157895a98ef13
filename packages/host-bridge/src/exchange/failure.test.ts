import { ServeHTTPError } from "@servehttp/contract";
import { describe, expect, it } from "vitest";
import { failureOf, failures, failureText, proxyStatus, refusalProxyError } from "./failure.js";

describe("failures", () => {
  it("maps what the client can see as the design's table does", () => {
    const statuses = {
      "client-disconnected": undefined,
      deadline: 504,
      "host-stopping": 503,
      "plugin-closing": 503,
      unavailable: 503,
      overload: 503,
      "connection-failed": 502,
      "connection-lost": 502,
      "protocol-violation": 502,
      "handler-failed": 500,
      internal: 500,
    } as const;
    for (const [code, status] of Object.entries(statuses)) {
      expect([code, failures[code as keyof typeof statuses].status]).toEqual([code, status]);
    }
  });

  it("takes what no exchange can end with for a defect of the host's", () => {
    for (const code of ["already-ended", "invalid-argument"] as const) {
      expect(failureOf(new ServeHTTPError(code, ""))).toBe(failures.internal);
    }
    expect(failureOf(new ServeHTTPError("deadline", ""))).toBe(failures.deadline);
  });

  it("tells when to try again with every 503 and with nothing else", () => {
    for (const failure of Object.values(failures)) {
      expect(failure.retryAfterSeconds !== undefined).toBe(failure.status === 503);
    }
  });

  it("counts a lost connection by whether the head had gone out", () => {
    expect(failures["connection-lost"]).toMatchObject({
      outcome: "lost-before-head",
      outcomeAfterHead: "lost-after-head",
    });
  });

  it("has a text for every status that the host answers, without detail", () => {
    const statuses = new Set(Object.values(failures).map((failure) => failure.status ?? 404));
    for (const status of [...statuses, 408, 414, 417, 431, 501]) {
      expect(failureText(status)).toMatch(/^[A-Z][a-z' ]+\.\n$/);
      expect(failureText(status)).not.toBe(failureText(999));
    }
  });
});

describe("proxyStatus", () => {
  it("builds the field of RFC 9209", () => {
    expect(proxyStatus("connection_terminated")).toBe("servehttp; error=connection_terminated");
    expect(proxyStatus(refusalProxyError(404))).toBe("servehttp; error=destination_not_found");
    expect(proxyStatus(refusalProxyError(400))).toBe("servehttp; error=http_request_error");
    expect(proxyStatus(refusalProxyError(501))).toBe("servehttp; error=destination_unavailable");
  });

  it("uses error types that RFC 9209 registers", () => {
    const registered = new Set(
      [
        "dns_timeout dns_error destination_not_found destination_unavailable",
        "destination_ip_prohibited destination_ip_unroutable connection_refused",
        "connection_terminated connection_timeout connection_read_timeout",
        "connection_write_timeout connection_limit_reached tls_protocol_error",
        "tls_certificate_error tls_alert_received http_request_error http_request_denied",
        "http_response_incomplete http_response_header_section_size http_response_header_size",
        "http_response_body_size http_response_trailer_section_size",
        "http_response_trailer_size http_response_transfer_coding",
        "http_response_content_coding http_response_timeout http_upgrade_failed",
        "http_protocol_error proxy_internal_response proxy_internal_error",
        "proxy_configuration_error proxy_loop_detected",
      ]
        .join(" ")
        .split(" "),
    );
    for (const failure of Object.values(failures)) {
      expect(registered).toContain(failure.proxyError);
    }
  });
});
