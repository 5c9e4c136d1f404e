import { Metadata, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as methods from "../../proto/codec/coordinator.ts";
import { formatEndpoint, parseEndpoint } from "../../proto/codec/endpoint.ts";
import { errorToStatus, type Method, statusToError } from "../../proto/codec/grpc.ts";
import { MAX_RELAY_DATA_BYTES, relayFrame } from "../../proto/codec/relay-frame.ts";
import { CATALOGUE, EntenteError, type ErrorCode } from "../../proto/errors.ts";
import { entente } from "../../proto/gen/messages.js";
import type { CollaborationId, Digest, JobId, PartyId, RelayId } from "../../proto/ids.ts";

const wire = entente.v1;
const all = Object.values(methods).filter(
  (value): value is Method<never, never> => typeof value === "object" && value !== null && "path" in value,
);

const digest = "ab".repeat(32) as Digest;
const jobId = "cd".repeat(16) as JobId;
const collaborationId = "ef".repeat(16) as CollaborationId;
const job: methods.Job = {
  jobId,
  agreementDigest: digest,
  collaborationId,
  requester: "bank" as PartyId,
  peer: "telecom" as PartyId,
  jobDigest: digest,
  state: "failed",
  reason: "PEER_GONE",
  updatedAt: "2026-01-01T00:00:00.000Z",
};

function codeOf(work: () => unknown): ErrorCode | "accepted" {
  try {
    work();
    return "accepted";
  } catch (error) {
    if (error instanceof EntenteError) return error.code;
    throw error;
  }
}

describe("messages", () => {
  test("a job comes back as it was; every field is required and checked", () => {
    const { response } = methods.GET_JOB;
    expect(response.decode(response.encode(job))).toEqual(job);
    const good = { ...job, state: 7, reason: "PEER_GONE" };
    const decode = (changed: object) =>
      codeOf(() => response.decode(wire.Job.encode({ ...good, ...changed }).finish()));
    expect(decode({})).toBe("accepted");
    for (const field of ["jobId", "agreementDigest", "collaborationId", "requester", "peer", "jobDigest"] as const) {
      expect(decode({ [field]: "" }), field).toBe("BAD_REQUEST");
      expect(decode({ [field]: `${job[field]}\n` }), field).toBe("BAD_REQUEST");
      expect(decode({ [field]: job[field].toUpperCase() }), field).toBe("BAD_REQUEST");
    }
    for (const changed of [{ state: 0 }, { state: 9 }, { reason: "" }, { reason: "toString" }, { state: 5 }])
      expect(decode(changed), JSON.stringify(changed)).toBe("WIRE_INVALID");
    for (const updatedAt of ["", "2026-01-01", "2026-01-01T00:00:00Z", "2026-02-30T00:00:00.000Z"])
      expect(decode({ updatedAt }), updatedAt).toBe("WIRE_INVALID");
  });

  test("key, secret and count limits hold", () => {
    const { request } = methods.ENROL;
    const good = {
      inviteSecret: new Uint8Array(32),
      certificateRequest: new Uint8Array(1),
      identityPublicKey: new Uint8Array(32),
      keyset: new Uint8Array(1),
    };
    const decode = (changed: object) => codeOf(() => request.decode(request.encode({ ...good, ...changed })));
    expect(decode({})).toBe("accepted");
    for (const field of ["inviteSecret", "identityPublicKey"]) {
      expect(decode({ [field]: new Uint8Array(31) })).toBe("WIRE_INVALID");
      expect(decode({ [field]: new Uint8Array(33) })).toBe("WIRE_TOO_LARGE");
    }
    expect(decode({ keyset: new Uint8Array(8_193) })).toBe("WIRE_TOO_LARGE");
    expect(decode({ keyset: new Uint8Array(methods.MAX_REQUEST_BYTES) })).toBe("WIRE_TOO_LARGE");
    const many = Array.from({ length: methods.MAX_PARTIES + 1 }, (_, i) => `p${i}`);
    const record = wire.RecordAgreementRequest.encode({ agreementDigest: digest, parties: many, state: 1 }).finish();
    expect(codeOf(() => methods.RECORD_AGREEMENT.request.decode(record))).toBe("WIRE_TOO_LARGE");
  });

  test("an event without a body, and a control session with a job, are refused", () => {
    const { response } = methods.OPEN_INBOX;
    expect(codeOf(() => response.decode(new Uint8Array(0)))).toBe("WIRE_INVALID");
    const wake = { relayId: jobId, from: "bank", kind: 1, expiresInSeconds: 1, number: 1 };
    const decode = (changed: object) =>
      codeOf(() => response.decode(wire.InboxEvent.encode({ wake: { ...wake, ...changed } }).finish()));
    expect(decode({})).toBe("accepted");
    expect(decode({ number: 0 })).toBe("WIRE_INVALID");
    expect(decode({ resumes: jobId })).toBe("accepted");
    expect(decode({ resumes: "that one" })).toBe("BAD_REQUEST");
    expect(decode({ jobId })).toBe("WIRE_INVALID");
    expect(decode({ attempt: 1 })).toBe("WIRE_INVALID");
    expect(decode({ kind: 0 })).toBe("WIRE_INVALID");
    expect(decode({ kind: 2, jobId, attempt: 1 })).toBe("accepted");
    expect(decode({ kind: 2, jobId })).toBe("WIRE_INVALID");
    expect(decode({ kind: 2, attempt: 1 })).toBe("BAD_REQUEST");
  });

  test("a log's path cannot leave its folder", () => {
    const { response } = methods.FETCH_LOG;
    const decode = (path: string) =>
      codeOf(() => response.decode(response.encode({ path, content: new Uint8Array(0), last: true })));
    for (const path of ["checkpoint", "tile/entries/x001/000.p/12"]) expect(decode(path), path).toBe("accepted");
    for (const path of ["", "/etc/passwd", "../x", "tile/../x", "a//b", "a/", ".x", "a/.x", "a\\b", "a\u0000", "A"])
      expect(decode(path), path).toBe("WIRE_INVALID");
  });

  test("arbitrary bytes are accepted or refused with a typed error, by every codec", () => {
    expect(all.length).toBeGreaterThan(15);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        for (const { request, response } of all)
          for (const codec of [request, response]) codeOf(() => codec.decode(bytes));
      }),
      { numRuns: 300 },
    );
  });
});

describe("relay frames", () => {
  test("data of every length class comes back, and is forwarded as the bytes that came", () => {
    for (const length of [1, 127, 128, 16_383, 16_384, MAX_RELAY_DATA_BYTES]) {
      const data = new Uint8Array(length).fill(length & 0xff);
      const bytes = relayFrame.encode({ kind: "data", data });
      const oracle = wire.RelayFrame.encode({ data }).finish();
      expect(Buffer.compare(bytes, oracle), `${length}`).toBe(0);
      const frame = relayFrame.decode(bytes);
      expect(frame.kind === "data" && Buffer.compare(frame.data, data)).toBe(0);
      expect(relayFrame.encode(frame)).toBe(bytes);
    }
    expect(codeOf(() => relayFrame.encode({ kind: "data", data: new Uint8Array(MAX_RELAY_DATA_BYTES + 1) }))).toBe(
      "WIRE_TOO_LARGE",
    );
  });

  test("the other kinds come back", () => {
    const open = { kind: "open", relayId: jobId as string as RelayId } as const;
    for (const frame of [open, { kind: "paired" }, { kind: "end" }] as const)
      expect(relayFrame.decode(relayFrame.encode(frame))).toEqual(frame);
  });

  test("whatever is taken for data is the one encoding of it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (tail) => {
        const bytes = Buffer.from([0x1a, ...tail]);
        let frame: ReturnType<typeof relayFrame.decode>;
        try {
          frame = relayFrame.decode(bytes);
        } catch (error) {
          expect(["WIRE_INVALID", "WIRE_TOO_LARGE"]).toContain((error as EntenteError).code);
          return;
        }
        expect(frame.kind === "data" && relayFrame.encode({ kind: "data", data: frame.data })).toEqual(bytes);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("errors across the wire", () => {
  test("every code comes back, with its detail", () => {
    for (const code of Object.keys(CATALOGUE) as ErrorCode[]) {
      const error = statusToError(errorToStatus(new EntenteError(code, { detail: "field é\n", cause: "secret" })));
      expect(error.code).toBe(code);
      expect(error.detail).toBe("field ??");
    }
  });

  test("what is not typed becomes INTERNAL, and nothing of it crosses", () => {
    const crossed = errorToStatus(new Error("a secret"));
    expect(crossed.code).toBe(status.INTERNAL);
    expect(JSON.stringify([crossed.details, crossed.metadata.getMap()])).not.toContain("secret");
  });

  test("a code that is none, and a status of the transport", () => {
    const metadata = new Metadata();
    metadata.set("entente-code", "toString");
    expect(statusToError({ code: status.UNKNOWN, metadata }).code).toBe("INTERNAL");
    const plain = (code: number) => statusToError({ code, metadata: new Metadata() }).code;
    expect(plain(status.UNAVAILABLE)).toBe("COORDINATOR_UNREACHABLE");
    expect(plain(status.DEADLINE_EXCEEDED)).toBe("COORDINATOR_UNREACHABLE");
    expect(plain(status.RESOURCE_EXHAUSTED)).toBe("WIRE_TOO_LARGE");
  });
});

describe("endpoints", () => {
  test("come back; what is none is refused", () => {
    for (const text of ["127.0.0.1:1", "localhost:65535", "[::1]:7420", "a.b-c.example:80"])
      expect(formatEndpoint(parseEndpoint(text))).toBe(text);
    for (const text of [
      "",
      "host",
      "host:0",
      "host:65536",
      "host:01",
      ":1",
      "::1:80",
      "a b:1",
      "host:1/x",
      "-a:1",
      "u@h:1",
    ])
      expect(
        codeOf(() => parseEndpoint(text)),
        text,
      ).toBe("BAD_REQUEST");
  });
});
