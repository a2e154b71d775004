/** What listens where; shown at `/`. */
export interface Listener {
  readonly name: string;
  readonly url: string;
  readonly purpose: string;
}

/** A self-contained page: no script, nothing loaded from anywhere. */
export function landingPage(listeners: readonly Listener[], hasApi: boolean): string {
  const rows = listeners
    .map(
      ({ name, url, purpose }) =>
        `<tr><th scope="row">${escapeHtml(name)}</th><td><code>${escapeHtml(url)}</code></td><td>${escapeHtml(purpose)}</td></tr>`,
    )
    .join('');
  const api = hasApi
    ? '<p><a href="/api/v1/openapi.json">OpenAPI document</a>. Every other path below <code>/api/v1</code> wants <code>Authorization: Bearer</code> with the admin token, or one that the API issued.</p>'
    : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tollgate</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 4rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin: 0; }
table { border-collapse: collapse; width: 100%; margin: 2rem 0; }
th, td { text-align: left; padding: .5rem 1rem .5rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
code { font: .95em ui-monospace, monospace; }
</style>
</head>
<body>
<h1>Tollgate</h1>
<p>Team budgets, pre-run stops, fair tiers and exact chargeback in front of a shared Snowflake account.</p>
<table>${rows}</table>
${api}
<p><a href="/readyz">Readiness</a> · <a href="/livez">Liveness</a> · <a href="/metrics">Metrics</a></p>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
