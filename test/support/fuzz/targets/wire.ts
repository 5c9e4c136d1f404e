/** Messages between parties and with the coordinator, and the frames that carry them. */
import { FrameReader } from "../../../../party/session/frame-reader.ts";
import { ALIGNED_TYPE, decodeAligned } from "../../../../proto/codec/aligned.ts";
import { CarrierReader, carrierDataHeader, encodeCarrierFrame } from "../../../../proto/codec/carrier-frame.ts";
import { decodeHeader, encodeHeader, type Frame } from "../../../../proto/codec/frame.ts";
import type { Codec } from "../../../../proto/codec/grpc.ts";
import type { PayloadCodec } from "../../../../proto/codec/payload.ts";
import { decodePsiDh, PSI_DH_TYPE } from "../../../../proto/codec/psi-dh.ts";
import { decodePsiVole, PSI_VOLE_TYPE } from "../../../../proto/codec/psi-vole.ts";
import { relayFrame } from "../../../../proto/codec/relay-frame.ts";
import { decodeScoreLinear, SCORE_LINEAR_TYPE } from "../../../../proto/codec/score-linear.ts";
import { decodeSessionMessage, encodeSessionMessage, SESSION_FRAME_TYPES } from "../../../../proto/codec/session.ts";
import type { SessionMessage } from "../../../../proto/codec/session-messages.ts";
import { readEnvelope } from "../../../../proto/codec/session-parts.ts";
import { decodeVole, VOLE_TYPE } from "../../../../proto/codec/vole.ts";
import { concat } from "../../../../proto/encoding/bytes.ts";
import { EntenteError, type ErrorCode } from "../../../../proto/errors.ts";
import { GOOD_CALLS, METHODS, type MethodName } from "../../coordinator-messages.ts";
import { filled, GOOD_MESSAGES } from "../../session-messages.ts";
import { field } from "../mutate-protobuf.ts";
import { comesBack, type FuzzTarget, isCanonical, NotReencoded } from "../target.ts";

function callTargets(): FuzzTarget[] {
  return (Object.keys(METHODS) as MethodName[]).flatMap((name) => {
    const good = GOOD_CALLS[name];
    const codecs = METHODS[name] as { request: Codec<unknown>; response: Codec<unknown> };
    return (["request", "response"] as const).map((side): FuzzTarget => {
      const codec = codecs[side];
      const samples: readonly unknown[] = side === "request" ? good.requests : good.responses;
      const run = comesBack(
        (input) => codec.decode(input),
        (value) => codec.encode(value),
      );
      const seeds = samples.map((sample) => Uint8Array.from(codec.encode(sample)));
      return { name: `coordinator/${name} ${side}`, form: "protobuf", seeds, covers: [codec, METHODS[name]], run };
    });
  });
}

function sessionTargets(): FuzzTarget[] {
  const kinds = Object.keys(GOOD_MESSAGES) as (keyof typeof GOOD_MESSAGES)[];
  const ofKind = (kind: SessionMessage["kind"], samples: readonly SessionMessage[]): FuzzTarget => {
    const head = { type: SESSION_FRAME_TYPES[kind], round: 0, partition: 0, chunk: 0 };
    return {
      name: `session/${kind}`,
      form: "protobuf",
      seeds: samples.map((sample) => encodeSessionMessage(sample).body),
      covers: [decodeSessionMessage, readEnvelope],
      run: comesBack<SessionMessage>(
        (body) => decodeSessionMessage({ ...head, body }, kind),
        (message) => encodeSessionMessage(message).body,
      ),
    };
  };
  return [...kinds.map((kind) => ofKind(kind, GOOD_MESSAGES[kind])), failureTarget()];
}

/** A failure is thrown as what the peer may say. */
function failureTarget(): FuzzTarget {
  const codes: readonly ErrorCode[] = ["PEER_GONE", "POLICY_RUNS_DAY"];
  return {
    name: "session/failure",
    form: "protobuf",
    seeds: codes.map((code) => encodeSessionMessage({ kind: "failure", code }).body),
    covers: [decodeSessionMessage],
    run(body) {
      try {
        decodeSessionMessage({ type: SESSION_FRAME_TYPES.failure, round: 0, partition: 0, chunk: 0, body });
      } catch (error) {
        const isSaid = error instanceof EntenteError && error.detail?.startsWith("the peer's node says ");
        if (!isSaid) throw error;
      }
    },
  };
}

type Decode = (frame: Frame, due: { kind: never; bytes: number }) => unknown;
/** Bytes that a step waits for: some of each width of a length. */
const DUE = [1, 32, 300, 70_000];

function payloadTargets(): FuzzTarget[] {
  const codecs: readonly (readonly [string, Decode, Readonly<Record<string, number>>])[] = [
    ["psi-dh", decodePsiDh as Decode, PSI_DH_TYPE],
    ["psi-vole", decodePsiVole as Decode, PSI_VOLE_TYPE],
    ["aligned", decodeAligned as Decode, ALIGNED_TYPE],
    ["score-linear", decodeScoreLinear as Decode, SCORE_LINEAR_TYPE],
    ["vole", decodeVole as Decode, VOLE_TYPE],
  ];
  return codecs.flatMap(([protocol, decode, types]) =>
    Object.entries(types).map(([kind, type]): FuzzTarget => {
      const bodyOf = (payload: Uint8Array) => field(type, 2, field(1, 2, payload));
      const read = decode as PayloadCodec<string>["decode"];
      const run = (body: Uint8Array) => {
        // One of them is right for each of the seeds: the length is known, never taken from the peer.
        const accepted = DUE.filter((bytes) => {
          try {
            const message = read({ type, round: 1, partition: 0, chunk: 0, body }, { kind, bytes });
            if (Buffer.compare(bodyOf(message.bytes), body) !== 0) throw new NotReencoded(`${protocol} ${kind}`);
            return true;
          } catch (error) {
            if (error instanceof EntenteError) return false;
            throw error;
          }
        });
        if (accepted.length === 0) throw new EntenteError("WIRE_INVALID");
      };
      const seeds = DUE.map((bytes) => bodyOf(filled(bytes)));
      return { name: `${protocol}/${kind}`, form: "protobuf", seeds, covers: [decode], run };
    }),
  );
}

const SESSION = filled(8, 9);

function frameTargets(): FuzzTarget[] {
  const frame = (type: number, body: Uint8Array): Uint8Array =>
    concat(encodeHeader({ type, round: 1, partition: 2, chunk: 3 }, body.length, SESSION), body);
  return [
    {
      name: "frames",
      form: "bytes",
      seeds: [frame(1, filled(0)), frame(3, filled(40)), concat(frame(1, filled(5)), frame(2, filled(300)))],
      covers: [decodeHeader, FrameReader],
      run(input) {
        const reader = new FrameReader(SESSION);
        const read: Uint8Array[] = [];
        // In two chunks: what is cut anywhere must not be read otherwise.
        for (const chunk of [input.subarray(0, input.length >> 1), input.subarray(input.length >> 1)])
          for (const { body, ...header } of reader.push(chunk))
            read.push(encodeHeader(header, body.length, SESSION), body);
        const written = concat(...read);
        if (Buffer.compare(written, input.subarray(0, written.length)) !== 0) throw new NotReencoded("frames");
      },
    },
    {
      name: "carrier frames",
      form: "bytes",
      seeds: [
        encodeCarrierFrame({ kind: "begin" }),
        encodeCarrierFrame({ kind: "resume", received: 3, epoch: 1, mac: filled(32) }),
        concat(carrierDataHeader(1, 40), filled(40), encodeCarrierFrame({ kind: "end", number: 2 })),
        concat(encodeCarrierFrame({ kind: "ack", number: 9 }), encodeCarrierFrame({ kind: "ping" })),
      ].map((bytes) => Uint8Array.from(bytes)),
      covers: [CarrierReader],
      run(input) {
        const reader = new CarrierReader();
        const read: Uint8Array[] = [];
        for (const chunk of [input.subarray(0, input.length >> 1), input.subarray(input.length >> 1)])
          for (const frame of reader.push(Buffer.from(chunk)))
            read.push(
              frame.kind === "data"
                ? concat(carrierDataHeader(frame.number, frame.data.length), frame.data)
                : encodeCarrierFrame(frame),
            );
        const written = concat(...read);
        if (Buffer.compare(written, input.subarray(0, written.length)) !== 0) throw new NotReencoded("carrier frames");
      },
    },
    {
      name: "relay data",
      form: "bytes",
      seeds: [1, 127, 128, 16_384].map((length) =>
        Uint8Array.from(relayFrame.encode({ kind: "data", data: filled(length) })),
      ),
      covers: [relayFrame],
      run: (input) => {
        const decoded = relayFrame.decode(input);
        if (decoded.kind !== "data") return;
        isCanonical(
          (bytes) => relayFrame.decode(bytes),
          (value) => relayFrame.encode(value.kind === "data" ? { kind: "data", data: value.data } : value),
        )(input);
      },
    },
  ];
}

export const WIRE_TARGETS: readonly FuzzTarget[] = [
  ...sessionTargets(),
  ...callTargets(),
  ...payloadTargets(),
  ...frameTargets(),
];
