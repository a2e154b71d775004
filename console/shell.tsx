/** The frame of every page: who is signed in, where one can go, and the page itself. */
import type { JSX } from 'preact';
import { LocationProvider, Route, Router, useLocation } from 'preact-iso';
import { useCallback, useEffect, useLayoutEffect, useMemo, useState } from 'preact/hooks';
import { isAway, type Problem, read, signOut, toProblem } from './api-client.js';
import { CONFIRMED_PATH, Confirmations, ConfirmedPage } from './confirm.js';
import { Mark } from './mark.js';
import { AuditPage } from './pages/audit.js';
import { BillPage } from './pages/bill.js';
import { BillsPage } from './pages/bills.js';
import { BudgetsPage } from './pages/budgets.js';
import { ChecksPage } from './pages/checks.js';
import { ControlPage } from './pages/control.js';
import { CostsPage } from './pages/costs.js';
import { DisputesPage } from './pages/disputes.js';
import { LivePage } from './pages/live.js';
import { MonthPage } from './pages/month.js';
import { MonthsPage } from './pages/months.js';
import { PricePage } from './pages/price.js';
import { RequestsPage } from './pages/requests.js';
import { RulesPage } from './pages/rules.js';
import { SignInPage } from './pages/sign-in.js';
import { SignInsPage } from './pages/sign-ins.js';
import { TeamPage } from './pages/team.js';
import { TeamsPage } from './pages/teams.js';
import { TicketPage } from './pages/ticket.js';
import { TicketsPage } from './pages/tickets.js';
import { TiersPage } from './pages/tiers.js';
import { UnusualPage } from './pages/unusual.js';
import { ProblemNote } from './parts.js';
import { placeOf, placesOf } from './places.js';
import { type Me, SignedInContext, useSignedIn } from './signed-in.js';
import { keepTheme, keptTheme, nextTheme, type Theme } from './theme.js';

const ROLE_NAMES: Readonly<Record<Me['role'], string>> = {
  platform: 'Platform',
  finance: 'Finance',
  'team-lead': 'Team lead',
  analyst: 'Analyst',
};

const THEME_NAMES: Readonly<Record<Theme, string>> = {
  system: 'Auto',
  light: 'Light',
  dark: 'Dark',
};

/** Between two questions who looks, while Tollgate does not say. */
const ASK_AGAIN_MS = 3_000;

export function Console(): JSX.Element | null {
  const [me, setMe] = useState<Me | null | undefined>(undefined);
  // Who is signed in stays so while Tollgate or its database is away: nobody is asked for a token that is not what is wrong.
  const [away, setAway] = useState<Problem | undefined>(undefined);
  const enter = useCallback(async () => {
    const found = await read<Me>('/me').catch(toProblem);
    const isUnknown = found instanceof Error && isAway(found);
    setAway(isUnknown ? found : undefined);
    if (!isUnknown) setMe(found instanceof Error ? null : found);
  }, []);
  useEffect(() => {
    if (away === undefined) return undefined;
    const timer = setTimeout(() => void enter(), ASK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [away, enter]);
  // Asked once more: a sign-in that was confirmed has another cookie than a question that was under way then.
  const leave = useCallback(() => void enter(), [enter]);
  useEffect(() => void enter(), [enter]);
  const signedIn = useMemo(() => (me ? { me, leave } : null), [me, leave]);
  if (location.pathname === CONFIRMED_PATH) return <ConfirmedPage />;
  if (me === undefined) return away === undefined ? null : <AwayPage problem={away} />;
  if (signedIn === null) return <SignInPage onSignedIn={enter} />;
  return (
    <SignedInContext.Provider value={signedIn}>
      <LocationProvider>
        <Frame />
      </LocationProvider>
    </SignedInContext.Provider>
  );
}

function AwayPage({ problem }: { readonly problem: Problem }): JSX.Element {
  return (
    <main class="sign-in">
      <section>
        <h1>
          <Mark />
          Tollgate
        </h1>
        <ProblemNote problem={problem} />
        <p class="hint">Nobody was signed out. This page asks again by itself.</p>
      </section>
    </main>
  );
}

function Frame(): JSX.Element {
  const { path } = useLocation();
  const name = placeOf(path)?.name;
  useEffect(() => {
    document.title = name === undefined ? 'Tollgate' : `${name} · Tollgate`;
    window.scrollTo(0, 0);
  }, [name]);
  return (
    <div class="frame">
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <Navigation />
      <main id="main" tabIndex={-1}>
        <Router>
          <Route path="/" component={BudgetsPage} />
          <Route path="/live" component={LivePage} />
          <Route path="/tickets" component={TicketsPage} />
          <Route path="/tickets/:id" component={TicketPage} />
          <Route path="/price" component={PricePage} />
          <Route path="/requests" component={RequestsPage} />
          <Route path="/costs" component={CostsPage} />
          <Route path="/months" component={MonthsPage} />
          <Route path="/months/:month" component={MonthPage} />
          <Route path="/bills" component={BillsPage} />
          <Route path="/bills/:team/:month" component={BillPage} />
          <Route path="/disputes" component={DisputesPage} />
          <Route path="/tiers" component={TiersPage} />
          <Route path="/unusual" component={UnusualPage} />
          <Route path="/teams" component={TeamsPage} />
          <Route path="/teams/:id" component={TeamPage} />
          <Route path="/rules" component={RulesPage} />
          <Route path="/control" component={ControlPage} />
          <Route path="/checks" component={ChecksPage} />
          <Route path="/audit" component={AuditPage} />
          <Route path="/sign-ins" component={SignInsPage} />
          <Route default component={NothingHere} />
        </Router>
      </main>
      <Confirmations />
    </div>
  );
}

function Navigation(): JSX.Element {
  const { path } = useLocation();
  const { me, leave } = useSignedIn();
  const [theme, setTheme] = useState(keptTheme());
  const change = (): void => {
    const next = nextTheme(theme);
    keepTheme(next);
    setTheme(next);
  };
  const here = placeOf(path);
  // In a narrow window the pages are one row that scrolls; a telephone that is turned makes it narrow later. Before the page is
  // painted, so that nobody sees the row jump.
  useLayoutEffect(() => {
    showOpenPage();
    addEventListener('resize', showOpenPage);
    return () => removeEventListener('resize', showOpenPage);
  }, [here]);
  const word = THEME_NAMES[theme];
  return (
    <header class="side">
      <a class="brand" href="/" aria-label="Tollgate">
        <Mark />
        <span class="brand-name">Tollgate</span>
      </a>
      <nav aria-label="Pages">
        {placesOf(me.role).map((place) => (
          <a key={place.path} href={place.path} aria-current={place === here ? 'page' : undefined}>
            {place.name}
          </a>
        ))}
      </nav>
      <div class="who">
        <span class="who-name" title={me.id}>
          <strong>{ROLE_NAMES[me.role]}</strong>
          <span>{me.principal ?? me.team ?? me.id}</span>
        </span>
        <button type="button" class="quiet" onClick={change} aria-label={`${word} colours`}>
          {word}
        </button>
        <a
          class="button quiet"
          href="/sign-ins"
          title="Where you are signed in"
          aria-current={here?.isOwn === true ? 'page' : undefined}
        >
          Sign-ins
        </a>
        <button type="button" class="quiet" onClick={() => void signOut().finally(leave)}>
          Sign out
        </button>
      </div>
    </header>
  );
}

/** Scrolls the row of pages, and nothing else, to the page that is open. */
function showOpenPage(): void {
  const open = document.querySelector<HTMLElement>('nav [aria-current="page"]');
  const row = open?.parentElement;
  if (open === null || row === null || row === undefined) return;
  const left = open.offsetLeft - row.offsetLeft;
  if (left < row.scrollLeft) row.scrollLeft = left;
  const right = left + open.offsetWidth;
  if (right > row.scrollLeft + row.clientWidth) row.scrollLeft = right - row.clientWidth;
}

function NothingHere(): JSX.Element {
  return (
    <section class="empty">
      <h1>There is no such page</h1>
      <p>
        The address may be cut short. <a href="/">Back to the budgets</a>.
      </p>
    </section>
  );
}
