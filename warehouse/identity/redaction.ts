import { readTokens } from '../statement/tokens.js';

const STARS = "'********'";

/**
 * A statement's text without the passwords in it (`PASSWORD = '…'` of CREATE and ALTER USER): what the history and
 * monitoring keep and show, as Snowflake does. Everything else stays as it was written.
 */
export function withoutPasswords(sql: string): string {
  if (!/password/i.test(sql)) return sql;
  const tokens = readTokens(sql);
  let kept = '';
  let from = 0;
  tokens.forEach((token, index) => {
    const isValue =
      token.kind === 'string' &&
      tokens[index - 1]?.value === '=' &&
      tokens[index - 2]?.kind === 'word' &&
      tokens[index - 2]?.value === 'PASSWORD';
    if (!isValue) return;
    kept += sql.slice(from, token.start) + STARS;
    from = token.end;
  });
  return kept + sql.slice(from);
}
