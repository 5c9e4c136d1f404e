/**
 * Silent VOLE over GF(2^128): two parties get long vectors with C = A * Delta + B, row by row, out of short messages.
 * The sender holds Delta and B, the receiver A and C. Contract, parameters and sources: README.md.
 */
import * as receiver from "./receiver.ts";
import * as sender from "./sender.ts";

export { decodeVole, encodeVole, type VoleMessage } from "../../../proto/codec/vole.ts";
export type { VoleScope } from "./derive.ts";
export type { VoleOptions, VoleProfile } from "./params.ts";
export { ELEMENT_BYTES, parametersOf, voleShape } from "./params.ts";
export type { VolePlatform } from "./platform.ts";
export type { VoleReceiverOutput, VoleReceiverState, VoleReceiverStep } from "./receiver.ts";
export type { VoleSenderOutput, VoleSenderState, VoleSenderStep } from "./sender.ts";

export const startVoleReceiver = receiver.start;
export const nextVoleReceiver = receiver.next;
export const voleReceiverDue = receiver.due;
export const wipeVoleReceiver = receiver.wipe;

export const startVoleSender = sender.start;
export const nextVoleSender = sender.next;
export const voleSenderDue = sender.due;
export const wipeVoleSender = sender.wipe;
