/** What every handshake of the listener must keep to, whichever certificate it shows. */
import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

/**
 * TLS 1.2 with forward secrecy and authenticated encryption only, and TLS 1.3: what RFC 9325 §4.2 recommends, and every
 * driver of docs/compatibility.md speaks. Renegotiation lets a client make us work for nothing, and no driver asks for it.
 */
export const TLS_RULES: Readonly<SecureContextOptions> = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
  honorCipherOrder: true,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
};

/** HTTP/1.1 alone: offering h2 without speaking it would break clients that take it. */
export const ALPN_PROTOCOLS: string[] = ['http/1.1'];
