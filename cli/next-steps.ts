/** The API speaks to programs, of its routes, fields and JSON; whoever typed a verb is told the same of verbs and options. */

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
  'sign-ins': 'tollgate sign-ins list',
  tokens: 'tollgate token list',
};

/**
 * `GET /api/v1/budgets lists them` as `` `tollgate budgets` lists them ``. Routes that no verb stands for stay as they are:
 * they can be called with the token too.
 */
export function inVerbs(wayOut: string): string {
  return wayOut
    .replaceAll('GET /api/v1/closes/{month}', '`tollgate close <month> --dry-run`')
    .replaceAll('GET /api/v1/costs?by=warehouse', '`tollgate cost --by warehouse`')
    .replaceAll(/GET \/api\/v1\/([a-z-]+)(?![\w/?{-])/g, (route, list: string) => {
      const verb = Object.hasOwn(VERBS_BY_LIST, list) ? VERBS_BY_LIST[list] : undefined;
      return verb === undefined ? route : `\`${verb}\``;
    });
}

/** What is wrong with one field, as problem details tell it. */
export interface FieldProblem {
  readonly field: string;
  readonly rule: string;
  readonly wayOut: string;
}

/**
 * A refusal as lines: what is wrong, then each field with its rule and way out. What the detail only repeats of a field,
 * or says of a form that nobody typed, is left out.
 */
export function refusalLines(detail: string, problems: readonly FieldProblem[]): readonly string[] {
  const errors = problems.map(asTyped);
  const isRepeated =
    detail.startsWith('The request does not have the form') ||
    problems.some(({ field, rule }) => detail === `${field} ${rule}.`);
  const lines = errors.map(({ field, rule, wayOut }) => `${field} ${rule}; ${wayOut}.`);
  if (isRepeated && lines.length > 0) return lines;
  return [inVerbs(detail), ...lines.map((line) => `  ${line}`)];
}

/** JSON has decimals in quotes, and a request its parts; a command line has neither. */
function asTyped({ field, rule, wayOut }: FieldProblem): FieldProblem {
  return {
    field: field.replace(/^(?:querystring|params|body)\./, '').replace(/^[a-z]+s\.\d+\./i, ''),
    rule: rule
      .replace('a decimal in quotes', 'a decimal')
      .replace(/^Invalid option: expected one of (.+)$/, (_rule, options: string) => {
        return `must be one of ${options.replaceAll('"', '').split('|').join(', ')}`;
      })
      .replace(/^Invalid input: expected (\w+), received .+$/, 'must be a $1'),
    wayOut: inVerbs(wayOut)
      .replace(
        'correct it as /api/v1/openapi.json says',
        '`tollgate help <verb>` says what there is',
      )
      .replace(/^write it as "([\d.]+)"$/, 'write it as $1'),
  };
}
