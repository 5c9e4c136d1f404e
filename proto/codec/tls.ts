/**
 * TLS 1.3 with AES-128-GCM (RFC 8446 section 9.1: the suite that all must have), offered alone: a server would choose
 * AES-256 first, and no key in this system is meant for more than 128 bits of security.
 */
export const TLS_CIPHERS = "TLS_AES_128_GCM_SHA256";
