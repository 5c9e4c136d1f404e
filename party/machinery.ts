/**
 * What a node works with beside its ports: the pieces that reach threads, data files, a database or OpenSSL's sessions, and
 * how work is cut. A simulator has others of them; everything else of the node it runs as it is.
 */
import { prepareInput } from "./data/prepare.ts";
import { partitionPlan } from "./protocols/plan.ts";
import { sessionCredentials } from "./session/certificate.ts";
import { type Secure, secureStream } from "./session/tls.ts";
import { SessionWorker, type TaskWorker } from "./session/worker-port.ts";
import { type OpenStore, openStore } from "./store/open.ts";

export interface Machinery {
  readonly openStore: OpenStore;
  readonly startWorker: () => TaskWorker;
  readonly prepareInput: typeof prepareInput;
  readonly partitionPlan: typeof partitionPlan;
  readonly secure: Secure;
  readonly sessionCredentials: typeof sessionCredentials;
}

export const REAL_MACHINERY: Machinery = {
  openStore,
  startWorker: () => new SessionWorker(),
  prepareInput,
  partitionPlan,
  secure: secureStream,
  sessionCredentials,
};
