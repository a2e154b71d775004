/** `POST /session/v1/login-request`: which way in it takes, and nothing of either way. */
import type { Call } from '../call.js';
import type { Parts } from '../parts.js';
import { loginPassthrough } from './passthrough-login.js';
import { readSignIn, refuseSignIn } from './sign-in.js';
import { loginTerminated } from './terminated-login.js';

/** Signs in by passthrough or terminated; refusals go to the client as replies of HTTP 200. */
export async function handleLogin(parts: Parts, call: Call): Promise<void> {
  const signIn = await readSignIn(parts, call);
  if ('code' in signIn) return refuseSignIn(parts, call, signIn);
  const { login, upstream, way } = signIn;
  switch (way.kind) {
    case 'passthrough':
      return loginPassthrough(parts, call, upstream, login);
    case 'terminated': {
      const refusal = await loginTerminated(parts, call, upstream, login, way.presented);
      if (refusal !== undefined) refuseSignIn(parts, call, refusal);
    }
  }
}
