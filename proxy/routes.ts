/**
 * Which requests cross the proxy: an allow-list of exact paths. A path that only resembles one (doubled slashes,
 * percent-encoding, a trailing slash, upper case) is refused, never normalised, because upstream might read it
 * differently than we do.
 */
import type { Call } from './call.js';
import {
  handleAuthenticatorRequest,
  handleBrowserPage,
  handleOAuthToken,
} from './identity/browser-sign-in.js';
import { handleLogin } from './identity/login.js';
import { handleRenewal } from './identity/renewal.js';
import type { Parts } from './parts.js';
import { handleAbort, handleAbortById, handleMonitoring, handleResult } from './by-id.js';
import { handleLogout, handlePlain, handleSessionlessTelemetry } from './passthrough.js';
import { handleStatement } from './pipeline.js';

export type Handler = (parts: Parts, call: Call) => Promise<void>;

const EXACT: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['POST /session/v1/login-request', handleLogin],
  ['POST /session/token-request', handleRenewal],
  ['POST /session/authenticator-request', handleAuthenticatorRequest],
  ['GET /console/login', handleBrowserPage],
  ['GET /oauth/authorize', handleBrowserPage],
  ['POST /oauth/token-request', handleOAuthToken],
  ['POST /session/heartbeat', handlePlain],
  ['POST /session', handleLogout],
  ['POST /queries/v1/query-request', handleStatement],
  ['POST /queries/v1/abort-request', handleAbort],
  ['POST /telemetry/send', handlePlain],
  ['POST /telemetry/send/sessionless', handleSessionlessTelemetry],
]);

const UUID = '([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})';
const BY_ID: readonly {
  readonly pattern: RegExp;
  readonly handle: (parts: Parts, call: Call, id: string) => Promise<void>;
}[] = [
  { pattern: new RegExp(`^GET /queries/${UUID}/result$`), handle: handleResult },
  { pattern: new RegExp(`^POST /queries/${UUID}/abort-request$`), handle: handleAbortById },
  { pattern: new RegExp(`^GET /monitoring/queries/${UUID}$`), handle: handleMonitoring },
  // snowflake-connector-python 5 asks with two slashes; forwarded as it came, the id is the same to both of us.
  { pattern: new RegExp(`^GET /monitoring/queries//${UUID}$`), handle: handleMonitoring },
];

/** The handler of a method and raw path; undefined for everything that is not on the list. */
export function handlerFor(method: string, path: string): Handler | undefined {
  const line = `${method} ${path}`;
  const exact = EXACT.get(line);
  if (exact !== undefined) return exact;
  for (const { pattern, handle } of BY_ID) {
    const id = pattern.exec(line)?.[1];
    if (id !== undefined) return (parts, call) => handle(parts, call, id);
  }
  return undefined;
}
