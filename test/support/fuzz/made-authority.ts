/** A certificate authority, its key and a request to it, made once for tests: signatures are random, and cases must come out the same. */

const joined = (...lines: readonly string[]) => lines.join("");
const pem = (label: string, body: string) =>
  `-----BEGIN ${label}-----\n${(body.match(/.{1,64}/g) ?? []).join("\n")}\n-----END ${label}-----\n`;

export const AUTHORITY_CERTIFICATE: string = pem(
  "CERTIFICATE",
  joined(
    "MIIBlzCCAT2gAwIBAgIQeqxqnErwBVr3SVpqubkiFzAKBggqhkjOPQQDAjAqMSgwJgYDVQQDEx9FbnRlbnRlIGNvb3JkaW5hdG9y",
    "IGNvb3JkaW5hdG9yMB4XDTI2MTEyMjA3MTAwM1oXDTM2MTExOTA3MTUwM1owKjEoMCYGA1UEAxMfRW50ZW50ZSBjb29yZGluYXRv",
    "ciBjb29yZGluYXRvcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABH+LD1WZDMRRyV6SOFW3LjQsDxxrhN/QyLL4cxSxgr8+TjNk",
    "8n3tvqHgIdVpggXz7SW+KwMpz9FCJHB+5eNzLIajRTBDMBIGA1UdEwEB/wQIMAYBAf8CAQAwDgYDVR0PAQH/BAQDAgEGMB0GA1Ud",
    "DgQWBBTxcKAuTI8SwvzqSqLpKwHvzLfSwDAKBggqhkjOPQQDAgNIADBFAiEA6TywC6SWV0Wz/a4hXloLC2KzYP3htMMBKEVjGNpK",
    "+p4CIDperjbP+0gkdR9IkOUd0F+OjTuxixIjJMmbin/ed+D6",
  ),
);

export const AUTHORITY_KEY: string = pem(
  "PRIVATE KEY",
  joined(
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDst8iaqkSbTZSa3ByA34TnK0skH0+mgDUz+nRONORV2hRANCAAR/",
    "iw9VmQzEUclekjhVty40LA8ca4Tf0Miy+HMUsYK/Pk4zZPJ97b6h4CHVaYIF8+0lvisDKc/RQiRwfuXjcyyG",
  ),
);

/** PKCS #10, DER. */
export const CERTIFICATE_REQUEST: Uint8Array = Uint8Array.fromBase64(
  joined(
    "MIG6MGICAQAwADBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKT7pV4md4Zju9XtXuoeaEG3MKLRojzaD2p4EXhnz2U/yqH6ofrP",
    "kbJf57gLSNLX6FJDGzZyV214ieqGdpaNnR+gADAKBggqhkjOPQQDAgNIADBFAiEAtYyHjjHg+9c7kEEOwINMDXLY+Vj20VG93iC8",
    "/TrTaMMCIH/W+u/8gjKlp2vWp8tHAAywIf2cj/3imkELcu9xoCoQ",
  ),
);
