/** The API as its administrator. */
export type CallApi = (method: string, path: string, body?: object) => Promise<unknown>;

/** Calls below `/api/v1`; throws the API's words when it refuses. */
export function callerOf(adminUrl: string, token: string): CallApi {
  return async (method, path, body) => {
    const reply = await fetch(`${adminUrl}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text}`);
    return JSON.parse(text);
  };
}

let issued = 0;

/** A token of a role, of a person of its own. */
export async function issueToken(call: CallApi, token: object): Promise<string> {
  issued += 1;
  const named = { name: `console ${issued}`, ...token };
  const { secret } = (await call('POST', '/tokens', named)) as { readonly secret: string };
  return secret;
}
