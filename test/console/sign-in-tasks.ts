/** Signing in by the organisation's identity provider, and what a sign-in does not let happen. */
import { callerOf, issueToken } from './calls.js';
import { confirmBeside } from './confirm-tasks.js';
import { look } from './look.js';
import { OWN_LEAD } from './traffic.js';
import { must, openPage, signIn, type Task, type Visit } from './visit.js';

export function signInTasks(visit: Visit): readonly Task[] {
  return [
    { name: 'a group of the identity provider signs a lead in, for one team', act: byGroup(visit) },
    {
      name: 'who has no group, and an answer to another question, are told so',
      act: notLetIn(visit),
    },
    { name: 'a token that is revoked ends the sign-in on the page', act: revoked(visit) },
    { name: 'a person sees the own sign-ins, and ends one and all others', act: own(visit) },
    { name: 'a database that is away signs nobody out', act: away(visit) },
    { name: 'the cookie alone writes nothing, and no site may frame a page', act: byCookie(visit) },
  ];
}

const BY_GROUP = 'Sign in with your organisation';

function byGroup(visit: Visit): Task['act'] {
  return async ({ page }) => {
    visit.provider.beWho({ groups: ['leads'], preferred_username: OWN_LEAD });
    await page.goto(`${visit.url}/teams`);
    await page.getByRole('link', { name: BY_GROUP }).click();
    await page.getByText('Team lead', { exact: true }).waitFor();
    must(page.url() === `${visit.url}/teams`, `the page after the sign-in is ${page.url()}`);
    await page.getByRole('heading', { name: 'Growth', exact: true }).waitFor();
    must(!/sales|product/i.test(await page.locator('main').innerText()), 'a lead sees other teams');
    const cookies = await page.context().cookies();
    must(cookies.length === 1, `${cookies.length} cookies are left`);
    const [kept] = cookies;
    must(kept?.httpOnly === true && kept.sameSite === 'Strict', 'the cookie is open to scripts');
    await page.getByRole('link', { name: 'Sign-ins', exact: true }).click();
    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    await confirmBeside(page);
    await page.getByRole('link', { name: BY_GROUP }).waitFor();
    const copy = { cookie: `${kept?.name}=${kept?.value}` };
    const asked = await page.request.get(`${visit.url}/api/v1/me`, { headers: copy });
    must(asked.status() === 401, `a copy of the cookie was answered ${asked.status()}`);
  };
}

function away(visit: Visit): Task['act'] {
  return async ({ page, troubles }) => {
    await signIn(page, visit, 'platform');
    const problem = { title: 'Database unavailable', detail: 'The database does not answer.' };
    await page.route('**/api/v1/me', (route) => route.fulfill({ status: 503, json: problem }), {
      times: 1,
    });
    await page.goto(`${visit.url}/teams`);
    await page.getByRole('alert').getByText('The database does not answer.').waitFor();
    must((await page.getByLabel('Token').count()) === 0, 'a token is asked for');
    // By itself, without a click.
    await page.getByRole('heading', { name: 'Teams', exact: true }).waitFor();
    const expected = troubles.filter((trouble) => trouble.includes('503'));
    must(expected.length === troubles.length, troubles.join('; '));
    troubles.length = 0;
    await page.goto(`${visit.url}/teams/nobody`);
    await page.getByRole('alert').getByText('There is no team').waitFor();
    must(
      (await page.getByText('Nothing limits').count()) === 0,
      'a team that is not there is said to have no limit',
    );
    troubles.length = 0;
  };
}

function notLetIn(visit: Visit): Task['act'] {
  return async ({ page }) => {
    visit.provider.beWho({ groups: ['strangers'], preferred_username: 'somebody' });
    await page.goto(visit.url);
    await page.getByRole('link', { name: BY_GROUP }).click();
    await page.getByRole('alert').getByText('None of your groups has a role').waitFor();
    await page.goto(`${visit.url}/console/oidc/callback?code=code-0&state=of-somebody-else`);
    await page.getByRole('alert').getByText('begun in another browser').waitFor();
    must((await page.context().cookies()).length === 0, 'a cookie is left');
  };
}

function revoked(visit: Visit): Task['act'] {
  return async ({ page }) => {
    const call = callerOf(visit.url, visit.tokens.platform);
    const made = (await call('POST', '/tokens', { name: 'to revoke', role: 'finance' })) as {
      readonly token: { readonly id: string };
      readonly secret: string;
    };
    await page.goto(visit.url);
    await page.getByLabel('Token', { exact: true }).fill(made.secret);
    await page.keyboard.press('Enter');
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
    await call('POST', `/tokens/${made.token.id}/revoke`, {});
    // A replica knows it within five seconds; the page finds out when it asks next.
    await openPage(page, 'Live');
    await page.getByLabel('Token', { exact: true }).waitFor({ timeout: 30_000 });
  };
}

function own(visit: Visit): Task['act'] {
  return async ({ page, troubles }) => {
    const call = callerOf(visit.url, visit.tokens.platform);
    const secret = await issueToken(call, { role: 'finance' });
    const signInBeside = async (userAgent: string): Promise<string> => {
      const reply = await fetch(`${visit.url}/console/session`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-tollgate-console': 'user',
          'user-agent': userAgent,
        },
        body: JSON.stringify({ token: secret }),
      });
      must(reply.status === 204, `a sign-in beside was answered ${reply.status}`);
      return String(reply.headers.get('set-cookie')).split(';')[0] ?? '';
    };
    const statusOf = async (cookie: string): Promise<number> =>
      (await fetch(`${visit.url}/api/v1/me`, { headers: { cookie } })).status;
    const others = await Promise.all(
      ['(X11; Linux) Firefox/140.0', '(iPhone) CriOS/140.0', 'of a script'].map(signInBeside),
    );
    await signIn(page, { ...visit, tokens: { ...visit.tokens, finance: secret } }, 'finance');
    await page.getByRole('link', { name: 'Sign-ins', exact: true }).click();
    await page.getByRole('cell', { name: 'Firefox on Linux', exact: true }).waitFor();
    await page.getByRole('cell', { name: 'here', exact: true }).waitFor();
    await look(page, 'sign-ins-of-one', visit, troubles);
    await page.getByRole('button', { name: 'End Firefox on Linux from 127.0.0.1' }).click();
    await page
      .getByRole('cell', { name: 'Firefox on Linux', exact: true })
      .waitFor({ state: 'detached' });
    const after = await Promise.all(others.map(statusOf));
    must(after.join() === '401,200,200', `after one was ended they were answered ${after.join()}`);
    await page.getByRole('button', { name: 'End all others' }).click();
    await page.getByRole('button', { name: 'End all others' }).waitFor({ state: 'detached' });
    const last = await Promise.all(others.map(statusOf));
    must(last.join() === '401,401,401', `after all others were: ${last.join()}`);
    await page.getByRole('cell', { name: 'here', exact: true }).waitFor();
  };
}

function byCookie(visit: Visit): Task['act'] {
  return async ({ page }) => {
    await signIn(page, visit, 'platform');
    const target = `${visit.url}/api/v1/budgets/legal`;
    const data = { limitCredits: '1', reason: 'from another site' };
    const bare = await page.request.put(target, { data });
    must(bare.status() === 403, `a write without the header was answered ${bare.status()}`);
    const headers = { 'x-tollgate-console': 'user', origin: 'https://elsewhere.example' };
    const foreign = await page.request.put(target, { data, headers });
    must(foreign.status() === 403, `a write of another site was answered ${foreign.status()}`);
    const reply = await page.request.get(visit.url);
    const policy = reply.headers()['content-security-policy'] ?? '';
    must(policy.includes("frame-ancestors 'none'"), `the content policy is ${policy}`);
    must(reply.headers()['x-content-type-options'] === 'nosniff', 'types are guessed');
    must(reply.headers()['referrer-policy'] === 'no-referrer', 'addresses are told to others');
  };
}
