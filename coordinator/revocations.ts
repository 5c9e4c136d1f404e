/** The list of revoked certificates: signed by the CA, given to TLS, and to whoever asks. */
import type { Authority } from "./authority.ts";
import type { Service } from "./service.ts";
import type { Store } from "./store/store.ts";

const NUMBER = "revocation-list-number";
/** Signed anew after this part of its validity, so that it never runs out while the coordinator runs. */
const RENEWED_AFTER = 1 / 7;

type Needs = Pick<Service, "ports" | "limits"> & {
  readonly store: Pick<Store, "changeSetting" | "readSetting" | "revokedCertificates">;
  readonly authority: Pick<Authority, "revocationList">;
};

export class Revocations {
  readonly #needs: Needs;
  #list: { readonly der: Uint8Array; readonly content: string; readonly signedMs: number } | undefined;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** DER. Signed when there is none yet. */
  async list(): Promise<Uint8Array> {
    if (this.#list === undefined) await this.refresh();
    return (this.#list as { readonly der: Uint8Array }).der;
  }

  /** Signs another one when something was revoked since, or the last one is old. Resolves to whether it did. */
  async refresh(): Promise<boolean> {
    const { store, authority, ports, limits } = this.#needs;
    const nowMs = ports.clock.nowMs();
    // One that has expired stays on a list that is issued after that (RFC 5280 section 3.3).
    const certificates = await store.revokedCertificates(nowMs - limits.revocationListMs);
    const revoked = certificates.flatMap(({ serial, revokedMs }) =>
      serial === undefined || revokedMs === undefined ? [] : [{ serial, revokedMs }],
    );
    const content = JSON.stringify(revoked);
    const ageMs = nowMs - (this.#list?.signedMs ?? Number.NEGATIVE_INFINITY);
    if (this.#list?.content === content && ageMs >= 0 && ageMs < limits.revocationListMs * RENEWED_AFTER) return false;
    let number = 0;
    await store.changeSetting(NUMBER, (before) => {
      number = Number(before ?? 0) + 1;
      return String(number);
    });
    const der = await authority.revocationList({ number, revoked, validityMs: limits.revocationListMs });
    this.#list = { der, content, signedMs: nowMs };
    return true;
  }
}
