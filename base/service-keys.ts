/** How the private half of a service key is sealed: the control plane seals it, the proxy opens it. */

export const SERVICE_KEY_PREFIX = 'tgk1';

/** A sealed key opens for its own account, team and id only. */
export function serviceKeyContext(account: string, teamId: string, keyId: string): string {
  return `${account}/${teamId}/${keyId}`;
}
