/**
 * Version of what a fingerprint is made of. It is part of the keys of histories, so that shapes of two versions are
 * never mixed; raise it with every change that gives some statement another shape.
 */
export const FINGERPRINT_VERSION = 2;
