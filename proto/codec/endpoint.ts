/** A network address as `host:port`, `[v6]:port` for IPv6. */
import { EntenteError } from "../errors.ts";

export interface Endpoint {
  /** DNS name, IPv4 or IPv6 address, without brackets. */
  readonly host: string;
  readonly port: number;
}

const FORM =
  /^(?:\[(?<v6>[0-9a-f:.]{2,45})\]|(?<name>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)):(?<port>[1-9]\d{0,4})$/;

/** Throws BAD_REQUEST. */
export function parseEndpoint(text: string): Endpoint {
  const groups = FORM.exec(text)?.groups;
  const host = groups?.v6 ?? groups?.name;
  const port = Number(groups?.port);
  if (host === undefined || !(port <= 65_535))
    throw new EntenteError("BAD_REQUEST", { detail: "address is not host:port" });
  return { host, port };
}

export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
