/** Why the identity provider's answer let nobody in, by the word that the server gives. */
const REFUSALS: Readonly<Record<string, string>> = {
  'no-group':
    'None of your groups has a role in Tollgate. Ask the platform’s administrators to map one of them (TOLLGATE_OIDC_ROLES).',
  denied: 'The sign-in was declined at the identity provider.',
  clock:
    'The identity provider’s answer is not of now: its clock and Tollgate’s are too far apart. Tell the administrators.',
  audience:
    'The identity provider’s answer is meant for another client. Tell the administrators to compare the client id.',
  state: 'That sign-in took too long, or was begun in another browser. Try again.',
  unreachable: 'The identity provider does not answer Tollgate. Try again in a minute.',
  'not-anew':
    'The identity provider did not say that you signed in just now. Sign in there with your password or key, not by what it remembers. If it did ask you, tell the administrators: it has to send auth_time.',
  'another-person': 'You signed in as somebody else than in the window that asked.',
  'not-signed-in': 'There is no sign-in to confirm: it is over. Sign in to the console again.',
  'not-accepted':
    'The identity provider’s answer was not accepted. The administrators find the reason in the log.',
};

/** The words for what an address says of a refused sign-in, such as `?refused=denied`; undefined: it says nothing. */
export function refusalOf(search: string): string | undefined {
  return REFUSALS[new URLSearchParams(search).get('refused') ?? ''];
}
