/** The API names its own routes as the way out of a refusal; whoever typed a verb is told the verb. */

/** What lists the same for people, by the list of the API. */
export const VERBS_BY_LIST: Readonly<Record<string, string>> = {
  adjustments: 'tollgate close adjustments',
  anomalies: 'tollgate anomalies',
  budgets: 'tollgate budgets',
  disputes: 'tollgate close disputes',
  'exchange-rates': 'tollgate close rates',
  freezes: 'tollgate kill --frozen',
  notifications: 'tollgate notifications',
  passes: 'tollgate grant list',
  raises: 'tollgate grant list',
  requests: 'tollgate grant list',
  running: 'tollgate top',
  tokens: 'tollgate token list',
};

/**
 * `GET /api/v1/budgets lists them` as `` `tollgate budgets` lists them ``. Routes that no verb stands for, those of one
 * thing and those with a query of their own stay as they are: they can be called with the token too.
 */
export function inVerbs(wayOut: string): string {
  return wayOut.replaceAll(/GET \/api\/v1\/([a-z-]+)(?![\w/?{-])/g, (route, list: string) => {
    const verb = Object.hasOwn(VERBS_BY_LIST, list) ? VERBS_BY_LIST[list] : undefined;
    return verb === undefined ? route : `\`${verb}\``;
  });
}
