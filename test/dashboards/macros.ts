/**
 * Grafana's PostgreSQL macros and variables, expanded as Grafana does it: a macro ends at its first closing bracket,
 * and `$__timeGroup` that is followed by a comma names its column "time".
 */
export interface TimeRange {
  readonly from: Date;
  readonly to: Date;
}

const INTERVALS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };

/** The SQL as the database gets it. Throws for a macro or variable that does not exist. */
export function expand(
  sql: string,
  range: TimeRange,
  variables: Readonly<Record<string, readonly string[]>>,
): string {
  const text = sql.replace(
    /\$(__\w+)\(([^)]*)\)(,?)/g,
    (_, name: string, list: string, comma: string) => {
      const args = list.split(',').map((part) => part.trim());
      return macro(name, args, comma === ',', range) + comma;
    },
  );
  const filled = text.replace(/\$\{(\w+):(\w+)\}/g, (whole, name: string, format: string) => {
    const values = variables[name];
    if (values === undefined || format !== 'sqlstring')
      throw new Error(`unknown variable ${whole}`);
    return values.map((value) => `'${value.replaceAll("'", "''")}'`).join(',');
  });
  const left = /\$\{?[a-z_]\w*/i.exec(filled);
  if (left !== null) throw new Error(`not expanded: ${left[0]}`);
  return filled;
}

function macro(name: string, args: readonly string[], hasAlias: boolean, range: TimeRange): string {
  const [column = '', interval = ''] = args;
  const from = `'${range.from.toISOString()}'`;
  const to = `'${range.to.toISOString()}'`;
  switch (name) {
    case '__timeFilter':
      return `${column} BETWEEN ${from} AND ${to}`;
    case '__timeFrom':
      return from;
    case '__timeTo':
      return to;
    case '__timeGroup': {
      const match = /^'(\d+)([mhd])'$/.exec(interval);
      if (match === null) throw new Error(`not an interval: ${interval}`);
      const seconds = Number(match[1]) * (INTERVALS[match[2] ?? ''] ?? 0);
      return `floor(extract(epoch from ${column})/${seconds})*${seconds}${hasAlias ? ' AS "time"' : ''}`;
    }
    default:
      throw new Error(`unknown macro $${name}`);
  }
}
