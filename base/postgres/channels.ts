/**
 * Channels of `pg_notify` on which folders that do not know each other hear of what changed. Whatever is told on one is
 * found by looking too, so that a notification that is lost costs time and nothing else. Channels of billing alone stand
 * beside what they tell of.
 */

/** Something of what replicas decide by is another: a control version (the payload is its number), or imported prices. */
export const CONTROL_CHANNEL = 'tollgate_control';

/** Sessions were revoked: replicas read theirs again. */
export const SESSIONS_CHANNEL = 'tollgate_sessions';
