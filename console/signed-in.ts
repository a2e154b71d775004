/** Who looks at the console. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Role } from './roles.js';

export interface Me {
  readonly id: string;
  readonly role: Role;
  readonly team: string | null;
  readonly principal: string | null;
}

export interface SignedIn {
  readonly me: Me;
  /** Back to the sign-in. */
  readonly leave: () => void;
}

const nobody: SignedIn = {
  me: { id: '', role: 'analyst', team: null, principal: null },
  leave: () => undefined,
};

export const SignedInContext: ReturnType<typeof createContext<SignedIn>> =
  createContext<SignedIn>(nobody);

export function useSignedIn(): SignedIn {
  return useContext(SignedInContext);
}
